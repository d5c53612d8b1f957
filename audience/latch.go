package audience

import (
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// A batch audience is a node of its own above the condition, which latches: it
// keeps what the condition was when it was last computed. The condition is kept
// up to date all the while, so computing means to look at each profile once. The
// stored memberships are what it has latched.

// note notes that a batch audience differs from its condition for the profile at
// hand: it is due at the next multiple of its interval, which may be this very
// instant.
func (s *step) note(n *node) {
	interval := int64(n.interval)
	if interval <= 0 || s.quiet {
		return
	}
	due := horizon.MultipleFrom(s.t, interval)
	horizon.Lower(&n.due, due)
	s.outside.BatchDue(due)
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

// latch has a node take the truth of its condition.
func (s *step) latch(n *node) {
	c := s.p.cell(n)
	old := c.verdict()
	v := s.toLatch(n)
	s.set(n, v)
	s.mark(n, old, v, false)
}

// toLatch returns what a node latches: one that takes the place of another has
// not been computed for that.
func (s *step) toLatch(n *node) horizon.Verdict {
	if n.replaces != nil {
		return horizon.Always(s.p.truth(n.replaces))
	}
	return horizon.Always(s.ask(n.latched).True)
}

// computeBatch answers what was latched. For a profile that it was never computed
// for, as the audience is new, it latches.
func (s *step) computeBatch(n *node) horizon.Verdict {
	if i, ok := s.p.find(n.id); ok {
		return horizon.Always(s.p.cells[i].truth)
	}
	v := s.toLatch(n)
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
		if s.p.version < n.pending && n.replaces == nil {
			s.push(n) // it latches
			continue
		}
		is := slices.ContainsFunc(members, func(m profile.Membership) bool { return m.Audience == n.batchOf })
		s.p.cell(n).truth = is
		s.push(n.parents...)
	}
}

// differs reports whether a node of a batch audience would latch another truth
// for the profile than it has.
func (p *state) differs(n *node) bool {
	return n.of == p.ref.Subject && p.truth(n) != p.truth(n.latched)
}
