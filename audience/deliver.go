package audience

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/muster-go/muster/profile"
)

// Callback is told of a transition. It may call the engine. An error that it
// returns, a panic, or runtime.Goexit goes to Options.OnError, or else
// Options.Logger, and changes nothing else.
type Callback func(context.Context, Transition) error

// TraitCallback is told of a change of a computed trait; see Callback.
type TraitCallback func(context.Context, TraitChange) error

// IDCallback is told that a profile got ids; see Callback.
type IDCallback func(context.Context, IDChange) error

// subscribers is a list of callbacks; reading it takes no lock.
type subscribers[F any] struct {
	mu   sync.Mutex
	list atomic.Pointer[[]*F]
}

// Subscribe has fn called for every transition from now on, in order for each
// profile: Entered and Exited alternate for each audience. It returns what ends
// that. Several callbacks are called in the order in which they subscribed.
//
// Callbacks run without any lock of the engine, on the goroutine of a call to
// the engine, before that call returns; with one exception: while a goroutine
// delivers what happened to profiles of one shard, others that change such
// profiles leave their transitions to it. So the transitions of a call from
// within a callback come after that callback has returned, if they concern the
// same shard. A callback that is slower than the data comes makes them wait, in
// memory; what waits when fn is subscribed is told to it too. A nil fn is an error
// that wraps profile.ErrInvalid.
func (e *Engine) Subscribe(fn Callback) (cancel func(), err error) {
	return e.subs.add(&fn, fn == nil)
}

// SubscribeTraits has fn called for every change of a computed trait from now
// on, as Subscribe has for transitions. What one profile's data or time changes
// at one instant is told in one order: first the computed traits, by key, then
// the audiences. All of it has happened when the first callback runs.
func (e *Engine) SubscribeTraits(fn TraitCallback) (cancel func(), err error) {
	return e.traitSubs.add(&fn, fn == nil)
}

// SubscribeIDs has fn called, from now on, when a profile got an external id that
// it had not: by a message that names it, or by a merge, as Subscribe has for
// transitions. The store has the id by then.
func (e *Engine) SubscribeIDs(fn IDCallback) (cancel func(), err error) {
	return e.idSubs.add(&fn, fn == nil)
}

func (s *subscribers[F]) add(fn *F, none bool) (cancel func(), err error) {
	if none {
		return nil, fmt.Errorf("subscribe: %w: no callback", profile.ErrInvalid)
	}
	s.edit(func(list []*F) []*F { return append(list, fn) })
	return func() {
		s.edit(func(list []*F) []*F {
			return slices.DeleteFunc(list, func(f *F) bool { return f == fn })
		})
	}, nil
}

func (s *subscribers[F]) edit(change func([]*F) []*F) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := change(slices.Clone(s.all()))
	s.list.Store(&list)
}

func (s *subscribers[F]) all() []*F {
	if list := s.list.Load(); list != nil {
		return *list
	}
	return nil
}

// outbox holds the transitions of a shard, in order, until they are delivered.
type outbox struct {
	waiting atomic.Int64 // len(queue), to be read without the lock
	mu      sync.Mutex
	queue   []notice
	spare   []notice
	mark    profile.Mark // of the last commit that told any of them
	busy    bool         // a goroutine delivers
}

// push queues a notice of a commit. The shard's lock is held.
func (o *outbox) push(n notice, mark profile.Mark) {
	o.mu.Lock()
	o.queue = append(o.queue, n)
	o.mark = max(o.mark, mark)
	o.waiting.Store(int64(len(o.queue)))
	o.mu.Unlock()
}

// take returns what waits, and the mark from which on it stays; and keeps others from
// delivering until it returns nothing. used is what it returned before, emptied, or nil at
// first.
func (o *outbox) take(used []notice) ([]notice, profile.Mark) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy && used == nil {
		return nil, 0
	}
	queue := o.queue
	if o.busy = len(queue) > 0; !o.busy {
		o.spare = used
		return nil, 0
	}
	if used == nil {
		used, o.spare = o.spare, nil
	}
	o.queue = used
	o.waiting.Store(0)
	return queue, o.mark
}

// abandon puts back what a callback left that ended its goroutine.
func (o *outbox) abandon(rest []notice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(rest, o.queue...)
	o.waiting.Store(int64(len(o.queue)))
	o.busy = false
}

// deliver calls the callbacks with what waits, once that stays whatever becomes of the
// process. No lock is held.
func (sh *shard) deliver(ctx context.Context) {
	if sh.out.waiting.Load() == 0 {
		return
	}
	queue, mark := sh.out.take(nil)
	if len(queue) == 0 {
		return
	}
	// What has happened is told, also when the request that brought it is over.
	ctx = lasting(ctx)
	next, finished := 0, false
	defer func() {
		if !finished { // a callback ended the goroutine: it dies when all is told
			sh.out.abandon(queue[next:])
			sh.deliver(ctx)
		}
	}()
	for len(queue) > 0 {
		if err := sh.e.durable(ctx, mark); err != nil {
			finished = true
			sh.out.abandon(queue)
			sh.e.report(fmt.Errorf("what is told may not stay: %w", err))
			return
		}
		for next = 0; next < len(queue); {
			n := &queue[next]
			next++
			sh.e.notify(ctx, n)
		}
		clear(queue)
		queue, mark = sh.out.take(queue[:0])
	}
	finished = true
}

// lasting returns ctx without its end.
func lasting(ctx context.Context) context.Context {
	if ctx.Done() == nil {
		return ctx // it has none
	}
	return context.WithoutCancel(ctx)
}

// notify calls all callbacks with a notice.
func (e *Engine) notify(ctx context.Context, n *notice) {
	switch {
	case n.ids != nil:
		callAll(e, n, e.idSubs.all(), func(fn IDCallback) error { return fn(ctx, *n.ids) })
	case n.change != nil:
		callAll(e, n, e.traitSubs.all(), func(fn TraitCallback) error { return fn(ctx, *n.change) })
	default:
		callAll(e, n, e.subs.all(), func(fn Callback) error { return fn(ctx, n.transition) })
	}
}

// errGoexit says that a callback called runtime.Goexit, as a test's FailNow does.
var errGoexit = errors.New("it ended its goroutine")

// callAll calls callbacks, one after the other: those that are left also if one ends
// the goroutine.
func callAll[F any](e *Engine, n *notice, fns []*F, call func(F) error) {
	if len(fns) == 0 {
		return
	}
	next, err := 0, error(nil)
	defer func() {
		if next == len(fns) {
			return
		}
		failed := &CallbackError{Transition: n.transition, Change: n.change, IDs: n.ids, Err: errGoexit}
		if v := recover(); v != nil {
			failed.Err, failed.Panic, failed.Stack = nil, v, debug.Stack()
		}
		e.report(failed)
		callAll(e, n, fns[next+1:], call)
	}()
	for ; next < len(fns); next++ {
		if err = call(*fns[next]); err != nil {
			e.report(&CallbackError{Transition: n.transition, Change: n.change, IDs: n.ids, Err: err})
		}
	}
}

// report tells what no caller can be told.
func (e *Engine) report(err error) {
	if of := (*CallbackError)(nil); errors.As(err, &of) {
		e.misfires.Add(1)
	}
	if e.onError == nil {
		args := []any{"err", err}
		if of := (*CallbackError)(nil); errors.As(err, &of) && of.Panic != nil {
			args = append(args, "stack", string(of.Stack))
		}
		e.logger.Error("muster: what no caller can be told", args...)
		return
	}
	defer func() {
		if v := recover(); v != nil {
			e.logger.Error("muster: OnError panicked", "panic", v, "err", err)
		}
	}()
	e.onError(err)
}
