package audience

import (
	"github.com/muster-go/muster/internal/eval"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// A differ finds what a run tells of one of its parts, which is at hand, and adds it to the
// changes and values: given are the truths of nodes that were roots, and the values, that
// changed. Which it is was decided when the profile became a part.
type differ func(x *txn, pt *part, truths []eval.TruthChange, values []eval.ValueChange)

// diffChanged is that of a profile whose state was in memory.
func (x *txn) diffChanged(pt *part, truths []eval.TruthChange, values []eval.ValueChange) {
	x.takeTruths(truths, pt.cause)
	x.takeValues(values, pt.cause)
}

// diffNew is that of a profile that is new: it was in nothing.
func (x *txn) diffNew(pt *part, _ []eval.TruthChange, values []eval.ValueChange) {
	x.NoteAll()
	x.addMembers(pt.cause)
	x.takeValues(values, pt.cause)
}

// diffMade is that of a profile to which something new was brought: only that is told.
func (x *txn) diffMade(pt *part, _ []eval.TruthChange, _ []eval.ValueChange) {
	for _, m := range pt.made {
		x.compareRoots(m)
	}
}

// diffEnded is that of a profile that is no more.
func (x *txn) diffEnded(pt *part, _ []eval.TruthChange, _ []eval.ValueChange) {
	x.notices = pt.was.appendEnd(x.notices, x.At, pt.cause)
}

// diffStored is that of a profile whose state was read from the store: it tells how that
// differs from the memberships and values that are stored. What was made anew has its own
// cause.
func (x *txn) diffStored(pt *part, _ []eval.TruthChange, values []eval.ValueChange) {
	x.NoteAll()
	was, err := x.holdings(pt.ref)
	if err != nil {
		x.Err = err
		return
	}
	x.compareMembers(was.members, pt.cause)
	x.compareValues(values, was.values, pt.cause)
	for _, m := range pt.made {
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

// takeTruths makes changes of the truths of one profile, sorted. A node may change
// its truth several times in a transaction: what counts is what it was before the
// first and what it is.
func (x *txn) takeTruths(truths []eval.TruthChange, cause Cause) {
	for i, f := range truths {
		truth := f.P.Truth(f.Node)
		if i > 0 && truths[i-1].Node == f.Node || truth == f.Was {
			continue
		}
		for _, a := range f.Node.Audiences {
			if !a.Shadow {
				x.changes = append(x.changes, change{audience: a, member: truth, cause: cause})
			}
		}
	}
}

// takeValues is takeTruths for computed traits. The values are sorted.
func (x *txn) takeValues(values []eval.ValueChange, cause Cause) {
	for i := 0; i < len(values); {
		first := values[i]
		last := first.New
		for i++; i < len(values) && values[i].Node == first.Node; i++ {
			last = values[i].New
		}
		if eval.Same(first.Old, last) {
			continue
		}
		for _, c := range first.Node.Traits {
			if !c.Shadow && c.Root == first.Node {
				x.values = append(x.values, valueChange{c, first.Old, last, cause})
			}
		}
	}
}

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

func (x *txn) compareValues(values []eval.ValueChange, stored []profile.ComputedValue, cause Cause) {
	was := make(map[string]profile.Value, len(stored))
	for _, v := range stored {
		was[v.Key] = v.Value
	}
	x.takeValues(values, cause)
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
