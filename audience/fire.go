package audience

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/muster-go/muster/internal/horizon"
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
	told, err := first.fireFirst(ctx, due)
	if err == errCrossProfile {
		err = e.fireTogether(ctx, t)
	}
	told.deliver(ctx, e)
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

// errCrossProfile says that one shard's lock is not enough, nor those of some.
var errCrossProfile = errors.New("profiles depend on each other")

// fireFirst settles the profile that is due first, unless somebody was faster, with the
// locks of what that may change; errCrossProfile: it takes all locks. told are the shards in which
// something may be told.
func (sh *shard) fireFirst(ctx context.Context, due int64) (told shardSet, err error) {
	e := sh.e
	shards := sh.self
	shards.lock(e)
	defer func() { shards.unlock(e) }()
	var room [8]profile.Ref
	refs := room[:0]
	for e.nets.CrossProfile() && sh.due.Load() == due && !e.closed.Load() {
		held := shards
		if refs, err = sh.firesWith(ctx, due, refs[:0]); err != nil {
			return sh.self, err
		}
		switch shards = e.relock(held, refs); shards {
		case 0:
			return sh.self, nil // who comes next looks once more
		case held:
			return shards, sh.fireWith(ctx, shards, refs)
		}
	}
	switch {
	case e.closed.Load():
		return sh.self, profile.ErrClosed
	case sh.due.Load() != due:
		return sh.self, nil
	}
	return shards, sh.fireWith(ctx, shards, refs[:0])
}

// fireWith settles the profile of the shard that is due first, with the locks of some
// shards, which are held.
func (sh *shard) fireWith(ctx context.Context, shards shardSet, refs []profile.Ref) error {
	x := sh.x
	x.locks = shards
	err := x.fire(lasting(ctx), refs...)
	x.evict()
	x.locks = sh.self
	if x.isBeyond(err) {
		return errCrossProfile
	}
	return err
}

// firesWith appends the profiles that what is due first of the shard, which is locked, may
// change: one that is the only one at that instant, and the accounts of a user.
func (sh *shard) firesWith(ctx context.Context, due int64, refs []profile.Ref) ([]profile.Ref, error) {
	e := sh.e
	for _, other := range e.shards {
		if other != sh && other.due.Load() <= due {
			return nil, errCrossProfile
		}
	}
	timers, err := sh.timersTo(ctx, e.reader, due)
	if err != nil {
		return nil, err
	}
	if len(timers) != 1 {
		return nil, errCrossProfile
	}
	ref := timers[0].ref
	if lacks, err := sh.x.lacksAny(ctx, ref); lacks || err != nil {
		return nil, cmp.Or(err, errCrossProfile)
	}
	refs = append(refs, ref)
	if e.stays.Timers || sh.staysAlone(timers[0]) {
		return refs, nil
	}
	if ref.Subject != profile.User || e.evident || len(e.nets[profile.User].Linked) > 0 {
		return nil, errCrossProfile
	}
	accounts, err := e.store.Accounts(ctx, ref.ID)
	return appendAccounts(refs, accounts), err
}

// staysAlone reports whether what is due of a profile changes nothing of another, and
// asks for none.
func (sh *shard) staysAlone(due timer) bool {
	p := sh.states.Get(due.ref)
	return p != nil && sh.e.crossWake(p) > due.at
}

// fireTogether settles the profiles that are due first, if that is at t or before: as one
// transaction, unless what changes stays with each.
func (e *Engine) fireTogether(ctx context.Context, t int64) error {
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
		// Other shards may be ahead, with what this does not concern: see locks.go.
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

// fire settles the first profile of its shard that is due, at the instant at which it is.
// refs are the profiles that this may change; none: that profile alone.
func (x *txn) fire(ctx context.Context, refs ...profile.Ref) error {
	x.Ctx = ctx
	next, err := x.nextOf(x.home.self, x.home.due.Load())
	if err != nil || next.lane == nil {
		return err
	}
	if len(refs) == 0 {
		refs = append(refs, next.ref)
	}
	x.At = next.at
	return x.within(func() error { return x.fireNext(next) }, refs...)
}

// placed is a timer and where it stands.
type placed struct {
	timer
	shard *shard
	lane  *lane // nil: nothing is due
}

// errUnread says that timers are to be read from the store, which does not have what the
// transaction has set.
var errUnread = errors.New("timers are to be read")

// nextOf returns the first timer of some shards, which are locked, if it is due at an instant
// or before.
func (x *txn) nextOf(shards shardSet, due int64) (next placed, err error) {
	for sh := range shards.of(x.e) {
		if sh.due.Load() > due {
			continue
		}
		l := sh.firstLane()
		if l != nil && len(l.line) == 0 {
			if x.tx != nil {
				return placed{}, errUnread
			}
			if l, err = sh.first(x.Ctx, x.e.reader); err != nil {
				return placed{}, err
			}
		}
		if l == nil {
			sh.setDue() // it was later
			continue
		}
		if t := l.line[len(l.line)-1]; next.lane == nil || compareTimers(t, next.timer) < 0 {
			next = placed{t, sh, l}
		}
	}
	return next, nil
}

// fireNext makes a profile that is due a step.
func (x *txn) fireNext(next placed) error {
	if err := x.moveTo(max(next.at, next.shard.last)); err != nil {
		return err
	}
	if err := x.step(func() error { return x.fireOf(next.ref) }); err != nil {
		return err
	}
	if next.lane.remove(next.timer) { // it may have been of something that is no more
		x.fired = append(x.fired, next.timer)
	}
	next.shard.setDue()
	x.countTimer(next.at)
	return nil
}

// fireOf settles a profile that is due, unless it was deleted or merged.
func (x *txn) fireOf(ref profile.Ref) error {
	if exists, err := x.exists(ref); err != nil || !exists {
		return err
	}
	if err := x.upgradeID(ref, x.At); err != nil {
		return err
	}
	return x.run(CauseTime, func() { x.reach(ref) })
}
