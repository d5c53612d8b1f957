package audience

import "github.com/muster-go/muster/profile"

// addMembers adds the audiences whose condition the profile at hand meets, as
// changes that make it a member. A new profile so far was in none: not even in
// those that ask for nothing to have happened.
func (x *txn) addMembers(cause Cause) {
	add := func(n *node) {
		for _, a := range n.audiences {
			if !a.shadow && a.rootOf(n.of) == n { // an edit may be about to take it from another
				x.changes = append(x.changes, change{audience: a, member: true, cause: cause})
			}
		}
	}
	for _, n := range x.net.idleTrue {
		if x.p.truth(n) {
			add(n)
		}
	}
	for i, id := range x.p.nodes {
		if n := x.net.nodes[id]; x.p.cells[i].truth && x.net.root[id] && !n.idle {
			add(n)
		}
	}
}

// compareStored adds how the profile at hand, whose state is new, differs from
// what is stored. What is made anew has its own cause.
func (x *txn) compareStored(moves []move, made []remade, cause Cause) {
	x.noteAll()
	was, err := x.belongings(x.p.ref)
	if err != nil {
		x.err = err
		return
	}
	x.compareMembers(was.members, cause)
	x.compareValues(moves, was.values, cause)
	for _, m := range made {
		for i := range x.changes {
			if x.changes[i].audience == &m.live.output {
				x.changes[i].cause = m.cause
			}
		}
		for i := range x.values {
			if x.values[i].trait == &m.live.output {
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
		if a := x.e.live[key]; a != nil && !a.waits(x.p.ref.Subject) {
			x.changes = append(x.changes, change{audience: &a.output, cause: cause})
		}
	}
}

func (x *txn) compareValues(moves []move, stored []profile.ComputedValue, cause Cause) {
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
		if !same(old, v.new) {
			v.old = old
			x.values = append(x.values, v)
		}
	}
	for key, old := range was {
		if a := x.e.live[key]; a != nil && !a.waits(x.p.ref.Subject) {
			x.values = append(x.values, valueChange{trait: &a.output, old: old, cause: cause})
		}
	}
}

// compareRoots adds what a new root changes for the profile at hand.
func (x *txn) compareRoots(m remade) {
	p := x.p
	is := false
	if m.root != nil {
		v := x.ask(m.root)
		is = v.True
		p.wake = min(p.wake, v.Until)
	}
	if m.computed == nil {
		if was := m.old != nil && p.truth(m.old); was != is {
			x.changes = append(x.changes, change{audience: &m.live.output, member: is, cause: m.cause})
		}
		return
	}
	var was profile.Value
	if m.old != nil {
		was, _ = p.read(m.old)
	}
	if is, _ := p.read(m.root); !same(was, is) {
		x.values = append(x.values, valueChange{&m.live.output, was, is, m.cause})
	}
}
