package audience

import (
	"context"
	"fmt"

	"github.com/muster-go/muster/profile"
)

// enter prepares for data of one profile. It returns the profile's shard,
// locked, and the instant at which the data is applied; all that is due
// strictly before has fired and its callbacks have run. The caller ends with
// leave.
func (e *Engine) enter(ctx context.Context, id string) (*shard, int64, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		sh, err := e.lockShard(ctx, id)
		if err != nil {
			return nil, 0, err
		}
		if e.joined() {
			sh.mu.Unlock()
			return e.enterAll(ctx, id)
		}
		p, err := sh.lacking(ctx, id)
		if err != nil {
			sh.mu.Unlock()
			return nil, 0, err
		}
		t, ready, err := sh.ready(ctx, p)
		if ready {
			return sh, t, nil
		}
		sh.mu.Unlock()
		sh.deliver(ctx)
		if err == nil {
			err = e.computeBatches(ctx, t)
		}
		if err != nil {
			return nil, 0, err
		}
	}
}

// ready fires what is due strictly before the engine's instant, and upgrades p
// if it is not nil. The shard, which is locked, is ready for the data of the
// instant unless there are callbacks to run first, or batch audiences to compute.
func (sh *shard) ready(ctx context.Context, p *state) (t int64, ready bool, err error) {
	if t, err = sh.e.now(sh); err != nil {
		return 0, false, err
	}
	if sh.e.closed.Load() {
		return 0, false, profile.ErrClosed
	}
	waiting := sh.out.waiting.Load()
	due := func() bool { return min(sh.due.Load(), sh.e.batchDue.Load()) < t }
	for err == nil && due() && sh.due.Load() <= sh.e.batchDue.Load() && sh.out.waiting.Load() == waiting {
		err = sh.fire(ctx)
	}
	if err == nil && p != nil && !due() && sh.out.waiting.Load() == waiting {
		err = sh.upgrade(ctx, p, t)
	}
	if err != nil || due() || sh.out.waiting.Load() != waiting {
		return t, false, err
	}
	sh.last = t
	return t, true, nil
}

// enterAll is enter with all locks, for data that reaches accounts.
func (e *Engine) enterAll(ctx context.Context, id string) (*shard, int64, error) {
	t, err := e.exclusive(ctx, false)
	if err != nil {
		return nil, 0, err
	}
	kept, _, err := e.store.Resolve(ctx, profile.UserRef(id))
	if err != nil {
		e.release(ctx)
		return nil, 0, fmt.Errorf("resolve %q: %w", id, err)
	}
	sh := e.shardOf(kept)
	sh.all = true
	return sh, t, nil
}

// lockShard locks the shard of the profile that id names.
func (e *Engine) lockShard(ctx context.Context, id string) (*shard, error) {
	sh := e.shardOf(id)
	sh.mu.Lock()
	for len(e.shards) > 1 && sh.states[profile.User][id] == nil {
		// It is new, or the id was merged into another profile, elsewhere.
		kept, exists, err := e.store.Resolve(ctx, profile.UserRef(id))
		if err != nil {
			sh.mu.Unlock()
			return nil, fmt.Errorf("resolve %q: %w", id, err)
		}
		home := e.shardOf(id)
		if exists {
			home = e.shardOf(kept)
		}
		if home == sh {
			break
		}
		// Between the locks the profile may be merged again: look once more.
		sh.mu.Unlock()
		sh = home
		sh.mu.Lock()
	}
	return sh, nil
}

// leave is the end of what enter began.
func (e *Engine) leave(ctx context.Context, sh *shard) {
	if sh.all {
		sh.all = false
		e.release(ctx)
		return
	}
	earlier := sh.earlier
	sh.earlier = false
	sh.mu.Unlock()
	if earlier {
		e.poke()
	}
	sh.deliver(ctx)
}

// poke tells Run to look at the timers again.
func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// exclusive is enter for what concerns all profiles: all locks are held, and
// all that is due before t (at t too, if inclusive) has fired. The caller ends
// with release.
func (e *Engine) exclusive(ctx context.Context, inclusive bool) (t int64, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		e.lock()
		t, err := e.now(e.shards...)
		if err == nil && e.closed.Load() {
			err = profile.ErrClosed
		}
		if err != nil {
			e.unlock()
			return 0, err
		}
		until := t
		if !inclusive {
			until--
		}
		if _, due := e.earliest(); due > until {
			for _, sh := range e.shards {
				sh.last = t
			}
			return t, nil
		}
		e.unlock()
		for fired := true; fired; {
			if fired, err = e.fire(ctx, until); err != nil {
				return 0, err
			}
		}
	}
}

// release is the end of what exclusive began.
func (e *Engine) release(ctx context.Context) {
	e.unlock()
	e.poke()
	for _, sh := range e.shards {
		sh.deliver(ctx)
	}
}

// alone runs what concerns all profiles, between exclusive and release. what
// begins the text of its errors.
func (e *Engine) alone(ctx context.Context, what string, inclusive bool, do func(t int64) error) error {
	t, err := e.exclusive(ctx, inclusive)
	if err == nil {
		err = do(t)
		e.release(ctx)
	}
	return in(what, err)
}
