package audience

import (
	"context"
	"fmt"
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// joint is a step of more profiles than one: users and accounts depend on each
// other, and what follows from one change is one change. It begins with the
// profiles that the data is of and those due at that very instant, and reaches
// others as nodes that they depend on change. All locks are held.
//
// What a profile has of another subject's nodes is not asked for but pushed:
// when such a node changes, the nodes across that depend on it are marked. So
// no verdict ends because one of another profile does.
type joint struct {
	*step
	e     *Engine
	parts map[profile.Ref]*part
	order []*part

	mute    bool // nothing is pushed: all profiles are gone through
	waiting bool // nodes that depend on other profiles are left for later
	peek    bool // of a state that is not the engine's: nothing is changed
}

// part is one profile of a joint step.
type part struct {
	ref     profile.Ref
	p       *state
	created bool       // the profile is new
	fresh   bool       // its state was read from the store, with all that arrived
	ended   bool       // it is no more
	was     belongings // of one that is no more
}

func newJoint(e *Engine) *joint {
	j := &joint{step: &step{e: e, store: e.store, nets: &e.nets}, e: e, parts: map[profile.Ref]*part{}}
	j.step.joint = j
	return j
}

// joined reports whether profiles depend on each other: something is defined of
// accounts, or of users by what their accounts are. A lock is held.
func (e *Engine) joined() bool {
	return len(e.nets[profile.Account].byText)+len(e.nets[profile.User].linked) > 0
}

// still reports whether nodes that depend on other profiles are to wait.
func (j *joint) still() bool { return j != nil && j.waiting }

// together makes one step of what do brings to profiles, and records what it
// changes. The data is in the store.
func (e *Engine) together(ctx context.Context, t int64, cause Cause, do func(*joint)) error {
	j := e.joint
	j.start(ctx, t)
	for _, sh := range e.shards {
		sh.last = max(sh.last, t)
		for first, ok := sh.timers.Min(); ok && first.at <= t; first, ok = sh.timers.Min() {
			sh.timers.PopMin()
			first.p.timer = horizon.Never
			j.reach(first.p.ref)
		}
		sh.setDue()
	}
	do(j)
	j.settle()
	err := j.err
	if err == nil {
		err = j.record(cause)
	}
	if err != nil {
		j.abandon()
	}
	return err
}

func (j *joint) start(ctx context.Context, t int64) {
	j.begin(ctx, nil, t)
	clear(j.parts)
	j.order = j.order[:0]
	j.linkedOf = nil
}

// add makes a profile one of the step.
func (j *joint) add(x *part) *part {
	j.parts[x.ref] = x
	j.order = append(j.order, x)
	return x
}

// reach makes a stored profile one of the step and returns its state. fresh says
// that it was read from the store, and has all that arrived.
func (j *joint) reach(ref profile.Ref) (p *state, fresh bool) {
	if x := j.parts[ref]; x != nil && !x.ended {
		return x.p, x.fresh
	}
	sh := j.e.shardOf(ref.ID)
	if p := sh.state(ref); p != nil && !p.stale {
		j.add(&part{ref: ref, p: p})
		return p, false
	}
	p = newState(ref)
	sh.keep(p)
	j.add(&part{ref: ref, p: p, fresh: true})
	j.read(p)
	return p, true
}

// create makes a profile that is new one of the step.
func (j *joint) create(ref profile.Ref) *state {
	p := newState(ref)
	j.e.shardOf(ref.ID).keep(p)
	j.add(&part{ref: ref, p: p, created: true})
	return p
}

// forget drops the state of a profile, which is read from the store anew if it
// is reached again.
func (j *joint) forget(ref profile.Ref) {
	sh := j.e.shardOf(ref.ID)
	if p := sh.state(ref); p != nil {
		sh.forget(p)
	}
	delete(j.parts, ref)
	j.order = slices.DeleteFunc(j.order, func(x *part) bool { return x.ref == ref })
	j.linkedOf = nil
}

// end notes that a profile is no more.
func (j *joint) end(ref profile.Ref, was belongings) {
	j.forget(ref)
	j.add(&part{ref: ref, ended: true, was: was})
}

// read loads the state of a profile, and marks what depends on others in it and
// on it in others.
func (j *joint) read(p *state) {
	back := j.hold()
	defer back()
	j.turn(p)
	j.load(&j.net.leafIndex)
	j.push(j.net.linked...)
	if p.ref.Subject == profile.Account {
		j.overUsers(j.nets[profile.User].linked)
	}
}

// hold returns what brings back the profile and the event at hand.
func (j *joint) hold() (back func()) {
	s := j.step
	p, input, taking := s.p, s.input, s.taking
	return func() {
		s.turn(p)
		s.input, s.taking = input, taking
	}
}

// settle computes all that is marked, or has run out, until nothing is.
func (j *joint) settle() {
	for j.err == nil {
		j.walk()
		for i := 0; i < len(j.order); i++ { // it may grow
			if p := j.order[i].p; p != nil {
				j.turn(p)
				j.rouse()
			}
		}
		if len(j.dirty) == 0 {
			return
		}
	}
}

// record records what the step changed, profile after profile.
func (j *joint) record(cause Cause) error {
	slices.SortFunc(j.order, func(a, b *part) int { return compareRefs(a.ref, b.ref) })
	j.sortChanges()
	gone := func(p *state) bool { x := j.parts[p.ref]; return x == nil || x.p != p }
	flips := slices.DeleteFunc(j.flips, func(f flip) bool { return gone(f.p) })
	moves := slices.DeleteFunc(j.moves, func(m move) bool { return gone(m.p) })
	for _, x := range j.order {
		sh := j.e.shardOf(x.ref.ID)
		if x.ended {
			sh.tellEnd(x.was, j.t, cause)
			continue
		}
		nf, nm := 0, 0
		for nf < len(flips) && flips[nf].p == x.p {
			nf++
		}
		for nm < len(moves) && moves[nm].p == x.p {
			nm++
		}
		j.turn(x.p)
		if err := sh.recordPart(j.step, x, flips[:nf], moves[:nm], cause); err != nil {
			return err
		}
		flips, moves = flips[nf:], moves[nm:]
	}
	return nil
}

// recordPart records what changed for one profile of a joint step.
func (sh *shard) recordPart(s *step, x *part, flips []flip, moves []move, cause Cause) error {
	sh.clear()
	switch {
	case x.created:
		s.noteAll()
		sh.changes = s.members(sh.changes, cause)
		sh.takeMoves(moves, cause)
	case x.fresh:
		if err := sh.compareStored(s, moves, cause); err != nil {
			return err
		}
	default:
		sh.takeFlips(flips, cause)
		sh.takeMoves(moves, cause)
	}
	return sh.record(s)
}

// abandon has all that the step reached read from the store again: the data is
// there, and what it changes is told then. What accounts have counted of their
// users may be wrong as well.
func (j *joint) abandon() {
	for _, x := range j.order {
		if x.p != nil {
			j.e.shardOf(x.ref.ID).stale(x.ref, j.t)
		}
	}
	for _, sh := range j.e.shards {
		for _, p := range sh.states[profile.Account] {
			sh.stale(p.ref, j.t)
		}
	}
}

// arrive brings an event to a profile, unless its state has it already.
func (j *joint) arrive(p *state, fresh bool, ev *profile.Event) {
	if !fresh {
		j.turn(p)
		j.addEvent(ev)
	}
}

// failed says of which profile an error of the store is.
func failed(ref profile.Ref, err error) error {
	return fmt.Errorf("%s %q: %w", ref.Subject, ref.ID, err)
}
