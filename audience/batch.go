package audience

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// A batch audience is a node of its own above the condition, which latches: it
// keeps what the condition was when it was last computed. The condition is kept
// up to date all the while, so computing means to look at each profile once. The
// stored memberships are what it has latched.

// ErrBatch says that an audience is computed in real time.
var ErrBatch = errors.New("not a batch audience")

// ErrPaused says that an audience is paused.
var ErrPaused = errors.New("the audience is paused")

// Recompute computes the members of batch audiences as of now: who meets the
// condition enters, who does not exits, with the cause backfill. It looks at every
// profile while no data is taken.
func (e *Engine) Recompute(ctx context.Context, keys ...string) (err error) {
	ctx, end := e.begin(ctx, "recompute")
	defer func() { end(err) }()
	return e.alone(ctx, "recompute", true, func(x *txn) error {
		var nodes []*network.Node
		for _, key := range keys {
			a := e.live[key]
			switch {
			case a == nil || a.audience == nil:
				return fmt.Errorf("%q: %w", key, profile.ErrNotFound)
			case e.changing[key]:
				return fmt.Errorf("%q: %w", key, ErrLocked)
			case a.audience.Paused:
				return fmt.Errorf("%q: %w", key, ErrPaused)
			case a.Root.Kind != network.KindBatch:
				return fmt.Errorf("%q: %w", key, ErrBatch)
			}
			nodes = append(nodes, a.Root)
		}
		return x.latchAll(nodes, CauseBackfill)
	})
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
	defer func() { _ = e.release(ctx) }()
	if e.closed.Load() {
		return profile.ErrClosed
	}
	if first, due := e.earliest(); first != nil || due != at {
		return nil // somebody was faster, or something came before it
	}
	for _, sh := range e.shards {
		sh.last = max(sh.last, at)
	}
	nodes := e.batchesAt(at)
	e.x.Ctx, e.x.At = lasting(ctx), at
	err := e.x.within(func() error { return e.x.latchAll(nodes, CauseTime) })
	if err != nil {
		for _, n := range nodes {
			horizon.Lower(&n.Due, at)
		}
		horizon.Lower(&e.batchDue, at)
	}
	return err
}

// setPending notes with which version fresh nodes come to profiles.
func setPending(nodes []*network.Node, version uint32) {
	for _, n := range nodes {
		n.Pending = version
	}
}

// allHave notes that all profiles have what has been made.
func allHave(nodes []*network.Node) {
	for _, n := range nodes {
		n.Pending = 0
	}
}

// batchesAt returns the nodes of the batch audiences that are to be computed at an instant, by
// height, and has the engine look for the next instant.
func (e *Engine) batchesAt(at int64) (nodes []*network.Node) {
	next := horizon.Never
	for _, net := range e.nets {
		for _, n := range net.Batches {
			if n.Due.Load() <= at {
				n.Due.Store(horizon.Never)
			}
			next = min(next, n.Due.Load())
			if n.Interval > 0 && at%int64(n.Interval) == 0 {
				nodes = append(nodes, n)
			}
		}
	}
	e.batchDue.Store(next)
	slices.SortStableFunc(nodes, func(a, b *network.Node) int { return int(a.Height - b.Height) })
	return nodes
}

// latchAll has nodes of batch audiences latch for every profile, users first,
// and records what follows. One that reads another comes after it, and latches
// what that latched. All locks are held, and nothing is due at t any more.
func (x *txn) latchAll(nodes []*network.Node, cause Cause) error {
	slices.SortStableFunc(nodes, func(a, b *network.Node) int { return int(a.Height - b.Height) })
	if x.e.nets.CrossProfile() {
		return x.run(cause, func() { x.latchTogether(nodes) })
	}
	for id, err := range x.Store.Profiles(x.Ctx, profile.User, "") {
		if err != nil {
			return err
		}
		ref := profile.UserRef(id)
		if err := x.upgradeID(ref, x.At); err != nil {
			return err
		}
		if !x.anyDiffers(ref, nodes) {
			continue
		}
		if err := x.run(cause, func() {
			p := x.reach(ref)
			x.settle()
			for _, n := range nodes {
				if p.Differs(n) {
					x.Switch(p)
					x.Latch(n)
					x.settle()
				}
			}
		}); err != nil {
			return err
		}
		x.evict()
	}
	return nil
}

// anyDiffers reports whether nodes of batch audiences would latch another truth for a
// profile than they have.
func (x *txn) anyDiffers(ref profile.Ref, nodes []*network.Node) bool {
	if lacks, _, _ := x.lacks(ref); lacks {
		return true
	}
	if p := x.shardOf(ref).states.Get(ref); p != nil {
		return slices.ContainsFunc(nodes, p.Differs)
	}
	k := x.keptOf(ref)
	return slices.ContainsFunc(nodes, func(n *network.Node) bool { return n.Of == ref.Subject && k.Has(n.Differing()) })
}

// latchTogether has nodes, by height, latch for every profile, and for those whose
// conditions what follows has changed.
func (x *txn) latchTogether(nodes []*network.Node) {
	var first []profile.Ref
	for of := range x.Nets {
		for id, err := range x.Store.Profiles(x.Ctx, profile.Subject(of), "") {
			if err != nil {
				x.Err = err
				return
			}
			if ref := (profile.Ref{Subject: profile.Subject(of), ID: id}); x.anyDiffers(ref, nodes) {
				first = append(first, ref)
			}
		}
	}
	for _, ref := range first {
		x.reach(ref)
	}
	for _, n := range nodes {
		x.settle()
		for i := 0; i < len(x.parts); i++ { // there may be more and more
			if p := x.parts[i].p; p != nil && p.Differs(n) {
				x.Switch(p)
				x.Latch(n)
			}
		}
	}
}

// takePlace notes that the batch audience's node takes the place of old, its
// node so far: an edit of what an audience reads does not compute it, nor does one that
// pauses it. The root of one that is only a member of another is the other's node.
func (d *definition) takePlace(root, old *network.Node) {
	if root != old && root.Kind == network.KindBatch && (old.Kind == network.KindBatch || root.Paused) && root.BatchOf == d.key {
		root.Replaces = old
	}
}
