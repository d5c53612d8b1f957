package audience

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// A batch audience is a node of its own above the condition, which latches: it
// keeps what the condition was when it was last computed. The condition is kept
// up to date all the while, so computing means to look at each profile once. The
// stored memberships are what it has latched.

// ErrBatch says that an audience is computed in real time.
var ErrBatch = errors.New("not a batch audience")

// Recompute computes the members of batch audiences as of now: who meets the
// condition enters, who does not exits, with the cause backfill. It looks at every
// profile while no data is taken.
func (e *Engine) Recompute(ctx context.Context, keys ...string) error {
	return e.alone(ctx, "recompute", true, func(t int64) error {
		var nodes []*node
		for _, key := range keys {
			a := e.live[key]
			switch {
			case a == nil || a.audience == nil:
				return fmt.Errorf("%q: %w", key, profile.ErrNotFound)
			case a.root.kind != kindBatch:
				return fmt.Errorf("%q: %w", key, ErrBatch)
			case e.changing[key]:
				return fmt.Errorf("%q: %w", key, ErrLocked)
			}
			nodes = append(nodes, a.root)
		}
		return e.latchAll(lasting(ctx), nodes, t, CauseBackfill)
	})
}

// condition returns the plan of the definition's tree.
func (p *plan) condition() *plan {
	if p.kind == kindBatch {
		return p.children[0]
	}
	return p
}

// note notes that a batch audience differs from its condition for the profile at
// hand: it is due at the next multiple of its interval, which may be this very
// instant.
func (s *step) note(n *node) {
	interval := int64(n.interval)
	if interval <= 0 || s.quiet {
		return
	}
	due := s.t - s.t%interval
	if due < s.t {
		due += interval
	}
	for at := s.e.batchDue.Load(); due < at; at = s.e.batchDue.Load() {
		if s.e.batchDue.CompareAndSwap(at, due) {
			s.e.poke()
			return
		}
	}
}

// noteFlip notes what a condition's change of truth makes due.
func (s *step) noteFlip(condition *node) {
	for _, n := range s.net.batches {
		if n.latched == condition {
			s.note(n)
		}
	}
}

// noteAll notes all that differs for the profile at hand, whose state is new.
func (s *step) noteAll() {
	for _, n := range s.net.batches {
		if s.p.truth(n) != s.p.truth(n.latched) {
			s.note(n)
		}
	}
}

// computeBatches computes what batch audiences are due strictly before t, as far
// as all else that is due before them allows.
func (e *Engine) computeBatches(ctx context.Context, t int64) error {
	for e.batchDue.Load() < t {
		if _, err := e.fire(ctx, t-1); err != nil {
			return err
		}
	}
	return nil
}

// computeDue computes the batch audiences that are due at an instant at which
// nothing else is.
func (e *Engine) computeDue(ctx context.Context, at int64) error {
	e.lock()
	defer e.release(ctx)
	if e.closed.Load() {
		return profile.ErrClosed
	}
	if first, due := e.earliest(); first != nil || due != at {
		return nil // somebody was faster, or something came before it
	}
	for _, sh := range e.shards {
		sh.last = max(sh.last, at)
	}
	var nodes []*node
	for _, a := range e.live {
		if a.audience != nil && a.audience.Batch > 0 && at%int64(a.audience.Batch) == 0 {
			nodes = append(nodes, a.root)
		}
	}
	// What follows may make another due at once: one that reads these.
	e.batchDue.Store(horizon.Never)
	if err := e.latchAll(lasting(ctx), nodes, at, CauseTime); err != nil {
		e.batchDue.Store(at)
		return err
	}
	return nil
}

// settleBatches notes that all profiles have what has been made.
func settleBatches(nodes []*node) {
	for _, n := range nodes {
		n.settled = true
	}
}

// latchAll has nodes of batch audiences latch for every profile, users first,
// and records what follows. All locks are held, and nothing is due at t any
// more.
func (e *Engine) latchAll(ctx context.Context, nodes []*node, t int64, cause Cause) error {
	if e.joined() {
		return e.together(ctx, t, cause, func(j *joint) { j.latchAll(nodes) })
	}
	for id, err := range e.store.Profiles(ctx, profile.User, "") {
		if err != nil {
			return err
		}
		sh := e.shardOf(id)
		if err := sh.upgradeID(ctx, id, t); err != nil {
			return err
		}
		p, s := sh.state(profile.UserRef(id)), &sh.step
		if p == nil || p.stale || !slices.ContainsFunc(nodes, func(n *node) bool { return p.truth(n) != p.truth(n.latched) }) {
			continue
		}
		s.begin(ctx, p, t)
		for _, n := range nodes {
			s.latch(n)
		}
		if err := sh.finish(cause); err != nil {
			return err
		}
	}
	return nil
}

// latchAll has nodes latch for every profile that would change. What follows can
// change another batch audience's condition, but not what that latches now.
func (j *joint) latchAll(nodes []*node) {
	type change struct {
		p *state
		n *node
	}
	var changes []change
	for of := range j.nets {
		for id, err := range j.store.Profiles(j.ctx, profile.Subject(of), "") {
			if err != nil {
				j.err = err
				return
			}
			p := j.stateOf(profile.Ref{Subject: profile.Subject(of), ID: id})
			for _, n := range nodes {
				if int(n.of) == of && p.truth(n) != p.truth(n.latched) {
					changes = append(changes, change{p, n})
				}
			}
		}
	}
	for _, c := range changes {
		p, _ := j.reach(c.p.ref)
		j.turn(p)
		j.latch(c.n)
	}
}

// latch has a node take the truth of its condition.
func (s *step) latch(n *node) {
	c := s.p.cell(n)
	old := c.verdict()
	v := horizon.Always(s.ask(n.latched).True)
	s.set(n, v)
	s.mark(n, old, v, false)
}

// computeBatch answers what was latched. For a profile that it was never computed
// for, as the audience is new, it latches.
func (s *step) computeBatch(n *node) horizon.Verdict {
	if i, ok := s.p.find(n.id); ok {
		return horizon.Always(s.p.cells[i].truth)
	}
	v := horizon.Always(s.ask(n.latched).True)
	s.p.cell(n)
	return v
}

// loadBatches latches what the stored memberships say.
func (s *step) loadBatches() {
	if len(s.net.batches) == 0 {
		return
	}
	members, err := s.store.Memberships(s.ctx, s.p.ref)
	if err != nil {
		s.err = err
		return
	}
	for _, n := range s.net.batches {
		if !n.settled {
			s.push(n) // it latches
			continue
		}
		is := slices.ContainsFunc(members, func(m profile.Membership) bool { return m.Audience == n.batchOf })
		s.p.cell(n).truth = is
		s.push(n.parents...)
	}
}
