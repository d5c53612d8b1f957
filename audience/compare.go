package audience

import (
	"context"

	"github.com/muster-go/muster/profile"
)

// finishNew is finish for a new profile, which so far was in no audience: not
// even in those that ask for nothing to have happened.
func (sh *shard) finishNew(cause Cause) error {
	s := &sh.step
	s.settle()
	s.noteAll()
	s.sortChanges()
	sh.clear()
	sh.changes = s.members(sh.changes, cause)
	sh.takeMoves(s.moves, cause)
	return sh.record(s)
}

// members appends the audiences whose condition the profile meets, as changes
// that make it a member.
func (s *step) members(into []change, cause Cause) []change {
	add := func(n *node) {
		for _, a := range n.audiences {
			if a.shadow {
				continue
			}
			into = append(into, change{audience: a, member: true, cause: cause})
		}
	}
	for _, n := range s.net.idleTrue {
		if s.p.truth(n) {
			add(n)
		}
	}
	for i, id := range s.p.nodes {
		if n := s.net.nodes[id]; s.p.cells[i].truth && s.net.root[id] && !n.idle {
			add(n)
		}
	}
	return into
}

// load makes the state of a stored profile, and records how what follows from
// it differs from what is stored.
func (sh *shard) load(ctx context.Context, ref profile.Ref, t int64, cause Cause) error {
	if err := sh.compare(ctx, ref, t, cause); err != nil {
		sh.stale(ref, t)
		return failed(ref, err)
	}
	return sh.record(&sh.step)
}

// compare makes the state of a stored profile as it is at t, and leaves in
// sh.changes and sh.values how that differs from what is stored.
func (sh *shard) compare(ctx context.Context, ref profile.Ref, t int64, cause Cause) error {
	s, old := &sh.step, sh.state(ref)
	s.begin(ctx, newState(ref), t)
	s.first = cause == CauseBackfill || old != nil && old.epoch < sh.e.epoch
	s.load(&s.net.leafIndex)
	if s.settle(); s.err != nil {
		return s.err
	}
	s.sortChanges()
	if err := sh.compareStored(s, s.moves, cause); err != nil {
		return err
	}
	sh.keep(s.p)
	return nil
}

// compareStored leaves in sh.changes and sh.values how the profile at hand, whose
// state is new, differs from what is stored.
func (sh *shard) compareStored(s *step, moves []move, cause Cause) error {
	s.noteAll()
	was, err := sh.e.belongings(s.ctx, s.p.ref)
	if err != nil {
		return err
	}
	sh.clear()
	sh.compareMembers(s, was.members, cause)
	sh.compareValues(moves, was.values, cause)
	return nil
}

func (sh *shard) compareMembers(s *step, stored []profile.Membership, cause Cause) {
	was := make(map[string]bool, len(stored))
	for _, m := range stored {
		was[m.Audience] = true
	}
	for _, c := range s.members(nil, cause) {
		if !was[c.audience.key] {
			sh.changes = append(sh.changes, c)
		}
		delete(was, c.audience.key)
	}
	for key := range was {
		if a := sh.e.live[key]; a != nil {
			sh.changes = append(sh.changes, change{audience: a, cause: cause})
		}
	}
}

func (sh *shard) compareValues(moves []move, stored []profile.ComputedValue, cause Cause) {
	was := make(map[string]profile.Value, len(stored))
	for _, v := range stored {
		was[v.Key] = v.Value
	}
	sh.takeMoves(moves, cause)
	all := sh.values // from null, each
	sh.values = sh.values[:0]
	for _, v := range all {
		old := was[v.trait.key]
		delete(was, v.trait.key)
		if !same(old, v.new) {
			v.old = old
			sh.values = append(sh.values, v)
		}
	}
	for key, old := range was {
		if a := sh.e.live[key]; a != nil {
			sh.values = append(sh.values, valueChange{trait: a, old: old, cause: cause})
		}
	}
}
