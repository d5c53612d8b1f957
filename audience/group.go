package audience

import (
	"context"

	"github.com/muster-go/muster/profile"
)

// A group is a transaction of several steps, each of which could be one by itself: messages,
// and profiles that are due. What it saves is the commits, and the syncs, between them. Each
// step is at its own instant, and is checked and made, or refused, by itself; ids of what is
// told are in the order of the steps. If a step fails, the group leaves nothing, and its
// steps are made one by one.
//
// A group holds all locks. So it is begun only when nobody holds any, ends as soon as somebody
// waits for one, and after that the next steps are made one by one: goroutines that take data
// side by side go on doing so.

const (
	groupMost   = 256  // steps that a group has
	groupTold   = 1024 // notices after which it ends
	groupPause  = 64   // steps that are made one by one after others were in the way
	ungroupMost = 64   // messages taken one by one that are waited for together
)

// aftermath is what is left to do once locks are gone: to wait until what was committed
// stays, and to deliver what is told of it.
type aftermath struct {
	mark   profile.Mark
	shards shardSet
}

func (a *aftermath) add(mark profile.Mark, shards shardSet) {
	a.mark, a.shards = max(a.mark, mark), a.shards|shards
}

// finish does what is left to do.
func (e *Engine) finish(ctx context.Context, a *aftermath) error {
	err := e.durable(ctx, a.mark)
	a.shards.deliver(ctx, e)
	*a = aftermath{}
	return err
}

// grouping is what a transaction knows of its steps, if it is a group.
type grouping struct {
	steps   int
	wrote   bool      // the step at hand has put something
	at      int64     // the instant of the store's transaction
	lasts   []int64   // of the shards, before it
	retimed []int32   // those of touched whose timers are to be set
	timers  []touched // that were set, by steps
	fired   []timer   // that were removed
}

// lock takes the shard's lock, and has groups end if somebody else has it.
func (sh *shard) lock() {
	if !sh.mu.TryLock() {
		sh.e.crowded.Store(true)
		sh.mu.Lock()
	}
}

// tryLock takes all locks, unless somebody has one.
func (e *Engine) tryLock() bool {
	var held shardSet
	for _, sh := range e.shards {
		if !sh.mu.TryLock() {
			held.unlock(e)
			return false
		}
		held |= sh.self
	}
	if !e.mu.TryLock() {
		held.unlock(e)
		return false
	}
	return true
}

// beginGroup begins a group, which endGroup ends; nil: steps are to be made one by one.
func (e *Engine) beginGroup(ctx context.Context) *txn {
	if e.singly.Load() > 0 {
		e.singly.Add(-1)
		return nil
	}
	if !e.tryLock() {
		e.singly.Store(groupPause)
		return nil
	}
	if e.closed.Load() || len(e.revisions) > 0 || len(e.rollouts) > 0 {
		e.unlock()
		return nil
	}
	e.crowded.Store(false)
	e.moved.Add(1)
	x := e.x
	x.Ctx, x.Err, x.steps = lasting(ctx), nil, 0
	x.lasts = x.lasts[:0]
	for _, sh := range e.shards {
		x.lasts = append(x.lasts, sh.last)
	}
	return x
}

// endGroup gives the locks back.
func (e *Engine) endGroup(after *aftermath) {
	if e.crowded.Load() {
		e.singly.Store(groupPause)
	}
	e.unlockAll(after)
}

// grouped makes the steps of a group, with its transaction; nothing of them if it fails.
func (x *txn) grouped(steps func() error) error {
	return x.within(func() error {
		x.onAbandon(func() {
			for i, sh := range x.e.shards {
				sh.last = x.lasts[i]
			}
		})
		return steps()
	})
}

// putBack puts the timers back that steps have set or removed.
func (x *txn) putBack() {
	for i := len(x.timers) - 1; i >= 0; i-- {
		of := &x.timers[i]
		x.shardOf(of.ref).setTimer(of.ref, of.now, of.was)
	}
	for _, t := range x.fired {
		sh := x.shardOf(t.ref)
		sh.laneOf(t.ref).add(t, 2*len(sh.page))
		sh.setDue()
	}
}

// goesOn reports whether a group is to have another step.
func (x *txn) goesOn() bool {
	return x.steps < groupMost && len(x.notices) < groupTold && !x.e.crowded.Load()
}

// moveTo has the next step at an instant.
func (x *txn) moveTo(at int64) error {
	x.At = at
	for sh := range x.locks.of(x.e) {
		sh.last = max(sh.last, at)
	}
	if x.tx == nil || x.at == at {
		return nil
	}
	x.at = at
	return x.tx.At(instant(at))
}

// step makes one step.
func (x *txn) step(do func() error) error {
	x.steps++
	x.wrote = false
	if err := do(); err != nil {
		return err
	}
	if x.Err != nil {
		return x.Err
	}
	for _, of := range x.setTimers() {
		x.timers = append(x.timers, x.touched[of])
		x.touched[of].was = x.touched[of].now
	}
	return nil
}

// setTimers sets the timers of who was touched, and returns who that is.
func (x *txn) setTimers() (set []int32) {
	for _, i := range x.retimed {
		of := &x.touched[i]
		x.shardOf(of.ref).setTimer(of.ref, of.was, of.now)
	}
	set, x.retimed = x.retimed, x.retimed[:0]
	return set
}

// fireBefore makes what is due before an instant a part of a group. It returns false if that
// cannot be, or if something is told that must be known first: then the group ends.
func (x *txn) fireBefore(ctx context.Context, t int64) (all bool, err error) {
	e := x.e
	for {
		first, due := e.earliest()
		if due >= t {
			return true, nil
		}
		if first == nil || e.nets.CrossProfile() || !x.goesOn() || ctx.Err() != nil {
			return false, nil
		}
		told := len(x.notices)
		next, err := x.nextOf(allShards, due)
		if err == nil && next.lane != nil {
			err = x.fireNext(next)
		}
		if err != nil {
			return false, unlessUnread(err)
		}
		if len(x.notices) > told && e.callsBack() {
			return false, nil
		}
	}
}

// unlessUnread returns an error unless it only says that a group has to end.
func unlessUnread(err error) error {
	if err == errUnread {
		return nil
	}
	return err
}

// callsBack reports whether somebody is called within the calls of the engine.
func (e *Engine) callsBack() bool {
	return e.later == nil && e.subs.Len()+e.traitSubs.Len()+e.idSubs.Len() > 0
}

// fireGroup fires some of what is due at an instant or before, in its order, as a group. It
// returns false if that was nothing.
func (e *Engine) fireGroup(ctx context.Context, t int64) (fired bool, err error) {
	if _, due := e.earliest(); due > t {
		return false, nil
	}
	x := e.beginGroup(ctx)
	if x == nil {
		return false, nil
	}
	var after aftermath
	last := int64(0)
	func() {
		defer e.endGroup(&after)
		err := x.grouped(func() error {
			_, err := x.fireBefore(ctx, t+1)
			fired, last = x.steps > 0, x.At
			return err
		})
		if fired = fired && err == nil; fired {
			e.reach(last)
		}
	}()
	return fired, e.finish(ctx, &after)
}

// applyGroup takes some of the messages, the first of which is number from of a call, as a
// group. It returns how many, and those that were refused: none, if the next are to be taken
// one by one.
func (e *Engine) applyGroup(ctx context.Context, messages []profile.Message, from int, timed timeOfMessage, after *aftermath) (n int, refused []*MessageError) {
	if len(messages) == 1 || e.outbox.Admit(ctx) != nil {
		return 0, nil
	}
	x := e.beginGroup(ctx)
	if x == nil {
		return 0, nil
	}
	defer e.endGroup(after)
	now, err := e.now(allShards)
	if err != nil {
		return 0, nil
	}
	at, last, taken := now, profile.MinTime.UnixNano(), -1
	take := func() error {
		for ; n < len(messages) && x.goesOn() && ctx.Err() == nil; n++ {
			m := messages[n].WithoutNoIDs(e.noID)
			if t, ok := timed(&m); ok {
				at = max(at, t) // also of one that is refused
			}
			if err := m.Validate(); err != nil {
				last = at
				refused = append(refused, refusal(from+n, &messages[n], err))
				continue
			}
			if all, err := x.fireBefore(ctx, at); !all || err != nil {
				return err
			}
			if e.nets.CrossProfile() && e.isDue(at) && x.steps > 0 {
				return nil // the store is asked what that is
			}
			if err := x.moveTo(at); err != nil {
				return err
			}
			last = at
			err := x.step(func() error { return x.message(&m) })
			switch {
			case err == nil:
				taken = n
			case refuses(err) && !x.wrote && x.Err == nil:
				refused = append(refused, refusal(from+n, &messages[n], err))
			default:
				return err
			}
		}
		return nil
	}
	err = x.grouped(func() error {
		if err := take(); err != nil || n == 0 {
			return err
		}
		// Those that are refused behind the last that was taken come with what is next: to be
		// at their instant, what is due before would have to happen.
		if of := notingOf(ctx); of != nil && taken >= 0 {
			of.at, x.noting = from+taken, of
		}
		return nil
	})
	if err != nil {
		e.singly.Store(int32(n) + 1) // one by one, it is found which fails
		return 0, nil
	}
	e.reach(last)
	return n, refused
}
