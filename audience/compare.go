package audience

import (
	"github.com/muster-go/muster/internal/eval"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// addMembers adds the audiences whose condition the profile at hand meets, as
// changes that make it a member. A new profile so far was in none: not even in
// those that ask for nothing to have happened.
func (x *txn) addMembers(cause Cause) {
	add := func(n *network.Node) {
		for _, a := range n.Audiences {
			if !a.Shadow && a.RootOf(n.Of) == n { // an edit may be about to take it from another
				x.changes = append(x.changes, change{audience: a, member: true, cause: cause})
			}
		}
	}
	for _, n := range x.Net.IdleTrue {
		if x.Profile.Truth(n) {
			add(n)
		}
	}
	for i, id := range x.Profile.Nodes {
		if n := x.Net.Nodes[id]; x.Profile.Cells[i].Truth && x.Net.Root[id] && !n.Idle {
			add(n)
		}
	}
}

// compareStored adds how the profile at hand, whose state is new, differs from
// what is stored. What is made anew has its own cause.
func (x *txn) compareStored(moves []eval.ValueChange, made []remade, cause Cause) {
	x.NoteAll()
	was, err := x.belongings(x.Profile.Ref)
	if err != nil {
		x.Err = err
		return
	}
	x.compareMembers(was.members, cause)
	x.compareValues(moves, was.values, cause)
	for _, m := range made {
		for i := range x.changes {
			if x.changes[i].audience == &m.live.Output {
				x.changes[i].cause = m.cause
			}
		}
		for i := range x.values {
			if x.values[i].trait == &m.live.Output {
				x.values[i].cause = m.cause
			}
		}
	}
}

func (x *txn) compareMembers(stored []profile.Membership, cause Cause) {
	was := make(map[string]bool, len(stored))
	for _, m := range stored {
		was[m.Audience] = true
	}
	x.addMembers(cause)
	is := x.changes
	x.changes = x.changes[:0]
	for _, c := range is {
		if !was[c.audience.Key] {
			x.changes = append(x.changes, c)
		}
		delete(was, c.audience.Key)
	}
	for key := range was {
		if a := x.e.live[key]; a != nil && !a.waits(x.Profile.Ref.Subject) {
			x.changes = append(x.changes, change{audience: &a.Output, cause: cause})
		}
	}
}

func (x *txn) compareValues(moves []eval.ValueChange, stored []profile.ComputedValue, cause Cause) {
	was := make(map[string]profile.Value, len(stored))
	for _, v := range stored {
		was[v.Key] = v.Value
	}
	x.takeMoves(moves, cause)
	is := x.values // from null, each
	x.values = x.values[:0]
	for _, v := range is {
		old := was[v.trait.Key]
		delete(was, v.trait.Key)
		if !eval.Same(old, v.new) {
			v.old = old
			x.values = append(x.values, v)
		}
	}
	for key, old := range was {
		if a := x.e.live[key]; a != nil && !a.waits(x.Profile.Ref.Subject) {
			x.values = append(x.values, valueChange{trait: &a.Output, old: old, cause: cause})
		}
	}
}

// compareRoots adds what a new root changes for the profile at hand.
func (x *txn) compareRoots(m remade) {
	p := x.Profile
	is := false
	if m.root != nil {
		v := x.Ask(m.root)
		is = v.True
		p.Wake = min(p.Wake, v.Until)
	}
	if m.computed == nil {
		if was := m.old != nil && p.Truth(m.old); was != is {
			x.changes = append(x.changes, change{audience: &m.live.Output, member: is, cause: m.cause})
		}
		return
	}
	var was profile.Value
	if m.old != nil {
		was, _ = p.Read(m.old)
	}
	if is, _ := p.Read(m.root); !eval.Same(was, is) {
		x.values = append(x.values, valueChange{&m.live.Output, was, is, m.cause})
	}
}
