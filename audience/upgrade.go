package audience

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/muster-go/muster/profile"
)

const (
	// upgradeTime is how long a lock is held to upgrade some profiles.
	upgradeTime = 200 * time.Microsecond
	// upgradesTogether is how many profiles one transaction upgrades.
	upgradesTogether = 8
)

// carryOut brings a rollout to every profile, stage by stage, and calls end, with all
// locks, in the transaction of the last.
func (e *Engine) carryOut(ctx context.Context, r *rollout, end func(*txn) error) error {
	for {
		if err := e.upgradeAll(ctx, r.revision); err != nil {
			return err
		}
		all := false
		err := e.alone(lasting(ctx), "", true, func(x *txn) (err error) {
			e.over(r.revision)
			if all, err = x.bringRest(r); all && err == nil {
				err = end(x)
			}
			return err
		})
		if err != nil || all {
			return err
		}
	}
}

// upgradeAll upgrades every profile that a revision concerns, shards side by side.
func (e *Engine) upgradeAll(ctx context.Context, g *revision) error {
	refs := make(map[*shard][]profile.Ref, len(e.shards))
	for _, of := range g.subjects() {
		for id, err := range e.store.Profiles(ctx, of, "") {
			if err != nil {
				return err
			}
			sh := e.shardOf(id)
			refs[sh] = append(refs[sh], profile.Ref{Subject: of, ID: id})
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(e.shards)); i = next.Add(1) - 1 {
			sh := e.shards[i]
			if err := sh.upgradeMany(ctx, refs[sh], g.rollout); err != nil {
				cancel(err)
				return
			}
		}
	}
	// The caller works, and all processors: data waits for one no longer than for the lock
	// of its shard, since they are yielded together.
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(e.shards)) - 1 {
		others.Add(1)
		go func() {
			defer others.Done()
			work()
		}()
	}
	work()
	others.Wait()
	return context.Cause(ctx)
}

// upgradeMany upgrades profiles of the shard, as many at a time as upgradeTime allows.
// Where they depend on others all locks are taken for that.
func (sh *shard) upgradeMany(ctx context.Context, refs []profile.Ref, r *rollout) error {
	for len(refs) > 0 {
		t, err := sh.enter(ctx)
		if err == nil {
			refs, err = sh.upgradeSome(ctx, refs, r, t)
		}
		if errors.Is(err, errCrossProfile) || sh.x.isBeyond(err) {
			err = sh.e.alone(ctx, "", true, func(x *txn) (err error) {
				refs, err = r.upgradeSome(refs, func(some []profile.Ref) error { return x.upgradeEach(some, x.At) })
				return err
			})
		}
		if err != nil {
			return err
		}
		runtime.Gosched() // data that waited for the lock goes first, not in ten milliseconds
	}
	return nil
}

// upgradeSome upgrades the first of some profiles and returns the others. The shard
// was entered, and is left.
func (sh *shard) upgradeSome(ctx context.Context, refs []profile.Ref, r *rollout, t int64) (rest []profile.Ref, err error) {
	defer func() {
		var after aftermath
		sh.e.leave(&after, sh.x)
		if stays := sh.e.finish(ctx, &after); err == nil {
			err = stays
		}
	}()
	x := sh.x
	return r.upgradeSome(refs, func(some []profile.Ref) error {
		return x.within(func() error { return x.upgradeEach(some, t) }, some...)
	})
}

// upgradeSome upgrades the first of some profiles, a few at a time, until a lock has been
// held long enough, and returns the others.
func (r *rollout) upgradeSome(refs []profile.Ref, upgrade func([]profile.Ref) error) ([]profile.Ref, error) {
	until := time.Now().Add(upgradeTime)
	for len(refs) > 0 {
		few := 1 // an account is computed from what its users have, which the transaction does not name
		for few < min(upgradesTogether, len(refs)) && refs[few-1].Subject == profile.User && refs[few].Subject == profile.User {
			few++
		}
		if err := upgrade(refs[:few]); err != nil {
			return refs, err
		}
		refs = refs[few:]
		r.done.Add(int64(few))
		if !time.Now().Before(until) {
			break
		}
	}
	return refs, nil
}

// upgradeEach upgrades profiles within one transaction.
func (x *txn) upgradeEach(refs []profile.Ref, t int64) error {
	for _, ref := range refs {
		if err := x.upgradeID(ref, t); err != nil {
			return err
		}
	}
	return nil
}

// enter locks the shard for what its profiles are to be brought, as Engine.enter
// does for data. The error is errCrossProfile where that lock is not enough.
func (sh *shard) enter(ctx context.Context) (t int64, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, context.Cause(ctx)
		}
		t, ready, err := sh.tryEnter(ctx)
		if ready || err == errCrossProfile {
			return t, err
		}
		sh.deliver(ctx)
		if err == nil {
			err = sh.e.computeBatches(ctx, t)
		}
		if err != nil {
			return 0, err
		}
	}
}

// tryEnter locks the shard, and unlocks it if it is not ready.
func (sh *shard) tryEnter(ctx context.Context) (t int64, ready bool, err error) {
	sh.mu.Lock()
	defer func() {
		if !ready {
			sh.mu.Unlock()
		}
	}()
	if sh.e.nets.CrossProfile() && !sh.e.stays.Timers {
		return 0, false, errCrossProfile
	}
	if t, err = sh.e.now(sh.self); err != nil {
		return 0, false, err
	}
	ready, err = sh.ready(ctx, profile.Ref{}, t)
	return t, ready, err
}
