package audience

import (
	"context"
	"fmt"

	"github.com/muster-go/muster/profile"
)

// update makes a change to what is known of one profile: it calls do with a
// transaction that has the locks which that takes, at the engine's instant, with
// all done that was due strictly before and its callbacks run. What do changes is
// told before update returns.
func (e *Engine) update(ctx context.Context, id string, r reach, do func(*txn) error) (err error) {
	var after aftermath
	err = e.change(ctx, &after, id, r, do)
	if stays := e.finish(ctx, &after); err == nil {
		err = stays
	}
	return err
}

// change is update but for what is left to do then.
func (e *Engine) change(ctx context.Context, after *aftermath, id string, r reach, do func(*txn) error) (err error) {
	if err := e.outbox.Admit(ctx); err != nil {
		return err
	}
	x, err := e.enter(ctx, id, r)
	if err != nil {
		return err
	}
	x.noting = notingOf(ctx)
	if err = e.perform(after, x, do); err == errBeyond {
		return e.aloneNoting(ctx, "", false, do)
	}
	return err
}

// perform makes a change between enter and leave. It returns errBeyond, and has done
// nothing, if it needs more locks.
func (e *Engine) perform(after *aftermath, x *txn, do func(*txn) error) (err error) {
	defer func() { e.leave(after, x) }()
	if err = x.within(func() error { return do(x) }, x.reached...); x.isBeyond(err) {
		return errBeyond
	}
	return err
}

// enter prepares for a change of one profile: see update. The caller ends with
// leave.
func (e *Engine) enter(ctx context.Context, id string, r reach) (*txn, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		x, all, err := e.tryEnter(ctx, id, r)
		if x != nil || err != nil {
			return x, err
		}
		if all {
			return e.exclusive(ctx, false)
		}
	}
}

// tryEnter is enter with the locks of what a call reaches. It returns nothing where there
// was something to be done first, which it has done; or all, where it takes all locks.
func (e *Engine) tryEnter(ctx context.Context, id string, r reach) (x *txn, all bool, err error) {
	sh, err := e.lockShard(ctx, id)
	if err != nil {
		return nil, false, err
	}
	shards := sh.self
	defer func() {
		if x == nil {
			shards.unlock(e)
		}
	}()
	var room [8]profile.Ref
	refs := room[:0]
	if e.nets.CrossProfile() {
		if refs, all, err = sh.reaches(ctx, r, id, refs); all || err != nil {
			return nil, all, err
		}
		if shards = e.relock(shards, refs); shards == 0 {
			return nil, false, nil
		}
	}
	t, err := e.now(shards)
	if err != nil {
		return nil, false, err
	}
	first, all, err := e.firstOf(ctx, sh, shards, refs, id, t)
	if all || err != nil {
		return nil, all, err
	}
	if first != nil {
		shards.unlock(e)
		shards = 0
		return nil, false, first()
	}
	x = sh.x
	x.locks, x.reached = shards, append(x.reached[:0], r.named...)
	if len(refs) > 1 {
		x.reached = append(x.reached, refs[1:]...)
	}
	x.Ctx, x.At, x.Err, x.upTo = lasting(ctx), t, nil, 0
	return x, false, nil
}

// firstOf returns what is to be done, without their locks, before data of an instant is
// applied to shards, which are locked; nil if there is nothing. all says that it takes all
// locks.
func (e *Engine) firstOf(ctx context.Context, home *shard, shards shardSet, refs []profile.Ref, id string, t int64) (first func() error, all bool, err error) {
	if e.closed.Load() {
		return nil, false, profile.ErrClosed
	}
	var lacking profile.Ref
	joined := e.nets.CrossProfile()
	if joined {
		if lacks, err := home.x.lacksAny(ctx, refs...); lacks || err != nil {
			return nil, err == nil, err
		}
		if _, due := e.earliest(); due < t && !e.stays.Timers { // of whichever shard
			return func() error { return e.fireAll(ctx, t-1) }, false, nil
		}
	} else if lacking, err = home.lacking(ctx, id); err != nil {
		return nil, false, err
	}
	for sh := range shards.of(e) {
		ready, err := sh.ready(ctx, lacking, t)
		if ready {
			continue
		}
		return func() error {
			shards.deliver(ctx, e)
			if err != nil {
				return err
			}
			return e.computeBatches(ctx, t)
		}, false, nil
	}
	return nil, joined && e.isDue(t), nil // what is due then is one with it
}

// ready fires what is due strictly before t, and upgrades the profile that is lacking, if
// there is one. The shard, which is locked, is ready for the data of the instant unless
// there are callbacks to run first, or batch audiences to compute.
func (sh *shard) ready(ctx context.Context, lacking profile.Ref, t int64) (ready bool, err error) {
	if sh.e.closed.Load() {
		return false, profile.ErrClosed
	}
	waiting := sh.out.Waiting()
	due := func() bool { return min(sh.due.Load(), sh.e.batchDue.Load()) < t }
	for err == nil && due() && sh.due.Load() <= sh.e.batchDue.Load() && sh.out.Waiting() == waiting {
		if err = ctx.Err(); err == nil {
			err = sh.x.fire(lasting(ctx))
		}
	}
	x := sh.x
	x.Ctx, x.At, x.Err = lasting(ctx), t, nil // what has begun is done to its end
	if err == nil && lacking.ID != "" && !due() && sh.out.Waiting() == waiting {
		err = x.within(func() error { return x.upgradeID(lacking, t) }, lacking)
	}
	if err != nil || due() || sh.out.Waiting() != waiting {
		return false, err
	}
	sh.last = t
	return true, nil
}

// lockShard locks the shard of the profile that id names.
func (e *Engine) lockShard(ctx context.Context, id string) (*shard, error) {
	sh := e.shardOf(id)
	for {
		home, err := sh.lockFor(ctx, id)
		if home == sh || err != nil {
			return sh, err
		}
		sh = home // between the locks the profile may be merged again: look once more
	}
}

// lockFor locks the shard if the profile that id names is one of its own, and else
// returns its shard.
func (sh *shard) lockFor(ctx context.Context, id string) (home *shard, err error) {
	e := sh.e
	sh.lock()
	defer func() {
		if home != sh {
			sh.mu.Unlock()
		}
	}()
	if len(e.shards) == 1 || sh.states.Get(profile.UserRef(id)) != nil {
		return sh, nil
	}
	// It is new, or the id was merged into another profile, elsewhere.
	kept, exists, err := e.store.Resolve(ctx, profile.UserRef(id))
	if err != nil {
		return nil, fmt.Errorf("resolve %q: %w", id, err)
	}
	if exists {
		id = kept
	}
	return e.shardOf(id), nil
}

// leave is the end of what enter began.
func (e *Engine) leave(after *aftermath, x *txn) {
	if x.holdsAll() {
		e.unlockAll(after)
		return
	}
	shards, mark, earlier := x.locks, x.upTo, false
	x.locks = x.home.self
	for sh := range shards.of(e) {
		earlier = earlier || sh.earlier
		sh.earlier = false
		sh.states.Evict()
	}
	shards.unlock(e)
	if earlier {
		e.poke()
	}
	after.add(mark, shards)
}

// poke tells Run to look at the timers again.
func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// exclusive is enter for what concerns all profiles: all locks are held, and
// all that is due before the transaction's instant (at it too, if inclusive) has
// fired. The caller ends with release.
func (e *Engine) exclusive(ctx context.Context, inclusive bool) (*txn, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		x, until, err := e.enterAll(ctx, inclusive)
		if x != nil || err != nil {
			return x, err
		}
		if err := e.fireAll(ctx, until); err != nil {
			return nil, err
		}
	}
}

// enterAll is exclusive as long as nothing is due; else it returns until when all
// that is has to be fired.
func (e *Engine) enterAll(ctx context.Context, inclusive bool) (x *txn, until int64, err error) {
	e.lock()
	defer func() {
		if x == nil {
			e.unlock()
		}
	}()
	t, err := e.now(allShards)
	if err == nil && e.closed.Load() {
		err = profile.ErrClosed
	}
	if err != nil {
		return nil, 0, err
	}
	if until = t; !inclusive {
		until--
	}
	if _, due := e.earliest(); due <= until {
		return nil, until, nil
	}
	for _, sh := range e.shards {
		sh.last = t
	}
	e.moved.Add(1)
	e.reach(t)
	e.x.Ctx, e.x.At, e.x.Err = lasting(ctx), t, nil
	return e.x, until, nil
}

// release is the end of what exclusive began. It returns when what was committed stays.
func (e *Engine) release(ctx context.Context) error {
	var after aftermath
	e.unlockAll(&after)
	return e.finish(ctx, &after)
}

// unlockAll gives all locks back.
func (e *Engine) unlockAll(after *aftermath) {
	after.add(e.x.upTo, allShards)
	e.x.evict()
	e.unlock()
	e.poke()
}

// alone runs what concerns all profiles, between exclusive and release. what
// begins the text of its errors.
func (e *Engine) alone(ctx context.Context, what string, inclusive bool, do func(*txn) error) (err error) {
	if err := e.outbox.Admit(ctx); err != nil {
		return in(what, err)
	}
	x, err := e.exclusive(ctx, inclusive)
	if err != nil {
		return in(what, err)
	}
	defer func() {
		if stays := e.release(ctx); err == nil {
			err = in(what, stays)
		}
	}()
	return in(what, x.within(func() error { return do(x) }))
}
