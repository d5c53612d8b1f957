package eval

import (
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// A batch audience is a node of its own above the condition, which latches: it
// keeps what the condition was when it was last computed. The condition is kept
// up to date all the while, so computing means to look at each profile once. The
// stored memberships are what it has latched.

// note notes that a batch audience differs from its condition for the profile at
// hand: it is due at the next multiple of its interval, which may be this very
// instant.
func (r *Run) note(n *network.Node) {
	interval := int64(n.Interval)
	if interval <= 0 || r.Quiet {
		return
	}
	due := horizon.MultipleFrom(r.At, interval)
	horizon.Lower(&n.Due, due)
	r.Outside.BatchDue(due)
}

// noteFlip notes what a condition's change of truth makes due.
func (r *Run) noteFlip(condition *network.Node) {
	for _, n := range r.Net.Batches {
		if n.Latched == condition {
			r.note(n)
		}
	}
}

// NoteAll notes all that differs for the profile at hand, whose state is new.
func (r *Run) NoteAll() {
	for _, n := range r.Net.Batches {
		if r.Profile.Truth(n) != r.Profile.Truth(n.Latched) {
			r.note(n)
		}
	}
}

// Latch has a node take the truth of its condition.
func (r *Run) Latch(n *network.Node) {
	c := r.Profile.Cell(n)
	old := c.Verdict()
	v := r.toLatch(n)
	r.set(n, v)
	r.mark(n, old, v, false)
}

// toLatch returns what a node latches: one that takes the place of another has
// not been computed for that, and one that is paused is not at all.
func (r *Run) toLatch(n *network.Node) horizon.Verdict {
	switch {
	case n.Replaces != nil:
		return horizon.Always(r.Profile.Truth(n.Replaces))
	case n.Paused:
		return horizon.Always(false)
	}
	return horizon.Always(r.Ask(n.Latched).True)
}

// computeBatch answers what was latched. For a profile that it was never computed
// for, as the audience is new, it latches.
func (r *Run) computeBatch(n *network.Node) horizon.Verdict {
	if i, ok := r.Profile.Find(n.ID); ok {
		return horizon.Always(r.Profile.Cells[i].Truth)
	}
	v := r.toLatch(n)
	r.Profile.Cell(n)
	return v
}

// loadBatches latches what the stored memberships say.
func (r *Run) loadBatches() {
	if len(r.Net.Batches) == 0 {
		return
	}
	members, err := r.Store.Memberships(r.Ctx, r.Profile.Ref)
	if err != nil {
		r.Err = err
		return
	}
	for _, n := range r.Net.Batches {
		if r.Profile.Version < n.Pending && n.Replaces == nil {
			r.Push(n) // it latches
			continue
		}
		is := slices.ContainsFunc(members, func(m profile.Membership) bool { return m.Audience == n.BatchOf })
		r.Profile.Cell(n).Truth = is
		r.Push(n.Parents...)
	}
}
