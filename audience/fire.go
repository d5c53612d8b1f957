package audience

import (
	"context"
	"errors"
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/profile"
)

// earliest returns when something is due first, and the shard whose timer that
// is; nil: batch audiences are to be computed, which comes after all else of the
// instant.
func (e *Engine) earliest() (first *shard, due int64) {
	due = horizon.Never
	for _, sh := range e.shards {
		if at := sh.due.Load(); at < due {
			first, due = sh, at
		}
	}
	if at := e.batchDue.Load(); at < due {
		return nil, at
	}
	return first, due
}

// fire settles the first profile that is due at t or before, in the order of
// instant, then profile, and delivers what that changes.
func (e *Engine) fire(ctx context.Context, t int64) (fired bool, err error) {
	first, due := e.earliest()
	if due > t || due == horizon.Never {
		return false, nil
	}
	if first == nil {
		return true, e.computeDue(ctx, due)
	}
	for _, sh := range e.shards {
		if sh != first && sh.due.Load() == due && sh.firstProfile().Compare(first.firstProfile()) < 0 {
			first = sh
		}
	}
	err = first.fireFirst(ctx, due)
	if err == errJoined {
		err = e.fireFew(ctx, first, due)
	}
	if err == errJoined {
		err = e.fireJoined(ctx, t)
	}
	first.deliver(ctx)
	return true, err
}

// isDue reports whether something is due first at t in some shard: while anything is
// defined of accounts, what time changes at the very instant of data is one with it.
func (e *Engine) isDue(t int64) bool {
	for _, sh := range e.shards {
		if sh.due.Load() == t {
			return true
		}
	}
	return false
}

// fireAll fires all that is due at t or before.
func (e *Engine) fireAll(ctx context.Context, t int64) error {
	for fired := true; fired; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if fired, err = e.fire(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// fireFirst settles the profile that is due first, unless somebody was faster.
func (sh *shard) fireFirst(ctx context.Context, due int64) error {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	switch {
	case sh.e.closed.Load():
		return profile.ErrClosed
	case sh.due.Load() != due:
		return nil
	}
	if sh.e.nets.Joined() && !sh.e.stays.Timers {
		alone, err := sh.firesAlone(ctx, due)
		if err != nil {
			return err
		}
		if !alone {
			return errJoined
		}
	}
	defer sh.states.Evict()
	return sh.x.fire(lasting(ctx))
}

// errJoined says that one shard's lock is not enough.
var errJoined = errors.New("profiles depend on each other")

// firesAlone reports whether what is due first, in the shard, is the only one at that
// instant, and stays with its profile. The shard is locked.
func (sh *shard) firesAlone(ctx context.Context, due int64) (bool, error) {
	for _, other := range sh.e.shards {
		if other != sh && other.due.Load() == due {
			return false, nil
		}
	}
	timers, err := sh.timersTo(ctx, sh.e.reader, due)
	return len(timers) == 1 && sh.staysAlone(timers[0]), err
}

// staysAlone reports whether what is due of a profile changes nothing of another, and
// asks for none.
func (sh *shard) staysAlone(due timer) bool {
	p := sh.states.Get(due.ref)
	return p != nil && p.Version >= sh.e.wanted(due.ref.Subject) && sh.e.jointWake(p) > due.at
}

// fireJoined settles the profiles that are due first, if that is at t or before: as one
// transaction, unless what changes stays with each.
func (e *Engine) fireJoined(ctx context.Context, t int64) error {
	e.lock()
	defer func() { _ = e.release(ctx) }()
	first, due := e.earliest()
	switch {
	case e.closed.Load():
		return profile.ErrClosed
	case first == nil || due > t:
		return nil
	}
	timers, alone, err := e.timersAt(ctx, due)
	if err != nil {
		return err
	}
	if !alone {
		// Other shards may be ahead, with what this does not concern: see few.go.
		e.x.Ctx, e.x.At = lasting(ctx), due
		return e.x.within(func() error { return e.x.run(CauseTime, func() {}) })
	}
	for _, next := range timers {
		if err := e.shardOf(next.ref.ID).x.fire(lasting(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// timersAt returns what is due at an instant at which nothing was due before, in its
// order, and whether what changes then stays with each profile. All locks are held.
func (e *Engine) timersAt(ctx context.Context, due int64) (timers []timer, alone bool, err error) {
	alone = true
	for _, sh := range e.shards {
		some, err := sh.timersTo(ctx, e.reader, due)
		if err != nil {
			return nil, false, err
		}
		for _, next := range some {
			timers = append(timers, next)
			alone = alone && sh.staysAlone(next)
		}
	}
	slices.SortFunc(timers, func(a, b timer) int { return a.ref.Compare(b.ref) })
	return timers, alone, nil
}

// fire settles the first profile that is due, at the instant at which it is.
func (x *txn) fire(ctx context.Context) error {
	sh := x.home
	of, err := sh.first(ctx, x.e.reader)
	if err != nil || of == nil {
		sh.setDue() // it was later
		return err
	}
	first := of.line[len(of.line)-1]
	x.Ctx, x.At = ctx, max(first.at, sh.last)
	if err := x.within(func() error { return x.fireOf(first.ref, first.p) }, first.ref); err != nil {
		return err
	}
	of.remove(first) // it may have been of something that is no more
	sh.setDue()
	return nil
}

// fireOf settles a profile that is due, whose state may be p, unless it was deleted or
// merged.
func (x *txn) fireOf(ref profile.Ref, p *state.State) error {
	sh := x.shardOf(ref)
	if p == nil || !p.Held {
		p = sh.states.Get(ref)
	}
	if p == nil {
		if exists, err := x.exists(ref); err != nil || !exists {
			return err
		}
	}
	if len(x.e.growths) > 0 {
		if err := x.upgradeID(ref, x.At); err != nil {
			return err
		}
		p = sh.states.Get(ref)
	}
	sh.last = x.At
	return x.run(CauseTime, func() {
		if p != nil {
			x.add(ref, p)
		} else {
			x.reach(ref)
		}
	})
}
