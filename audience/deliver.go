package audience

import (
	"context"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
)

// Callback is told of a transition. It may call the engine. An error that it
// returns, or a panic, goes to Options.OnError and changes nothing else.
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
// memory.
func (e *Engine) Subscribe(fn Callback) (cancel func()) { return e.subs.add(&fn) }

// SubscribeTraits has fn called for every change of a computed trait from now
// on, as Subscribe has for transitions. What one profile's data or time changes
// at one instant is told in one order: first the computed traits, by key, then
// the audiences. All of it has happened when the first callback runs.
func (e *Engine) SubscribeTraits(fn TraitCallback) (cancel func()) { return e.traitSubs.add(&fn) }

// SubscribeIDs has fn called, from now on, when a profile got an external id that
// it had not: by a message that names it, or by a merge, as Subscribe has for
// transitions. The store has the id by then.
func (e *Engine) SubscribeIDs(fn IDCallback) (cancel func()) { return e.idSubs.add(&fn) }

func (s *subscribers[F]) add(fn *F) (cancel func()) {
	s.edit(func(list []*F) []*F { return append(list, fn) })
	return func() {
		s.edit(func(list []*F) []*F {
			return slices.DeleteFunc(list, func(f *F) bool { return f == fn })
		})
	}
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
	busy    bool // a goroutine delivers
}

// push queues a notice. The shard's lock is held.
func (o *outbox) push(n notice) {
	o.mu.Lock()
	o.queue = append(o.queue, n)
	o.waiting.Store(int64(len(o.queue)))
	o.mu.Unlock()
}

// take returns what waits, and keeps others from delivering until it returns
// nothing. used is what it returned before, emptied, or nil at first.
func (o *outbox) take(used []notice) []notice {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy && used == nil {
		return nil
	}
	queue := o.queue
	if o.busy = len(queue) > 0; !o.busy {
		o.spare = used
		return nil
	}
	if used == nil {
		used, o.spare = o.spare, nil
	}
	o.queue = used
	o.waiting.Store(0)
	return queue
}

// abandon puts back what a callback left that ended its goroutine, as a test's
// FailNow does: it is delivered with the next call.
func (o *outbox) abandon(rest []notice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(rest, o.queue...)
	o.waiting.Store(int64(len(o.queue)))
	o.busy = false
}

// deliver calls the callbacks with what waits. No lock is held.
func (sh *shard) deliver(ctx context.Context) {
	if sh.out.waiting.Load() == 0 {
		return
	}
	queue := sh.out.take(nil)
	if len(queue) == 0 {
		return
	}
	// What has happened is told, also when the request that brought it is over.
	ctx = lasting(ctx)
	next, finished := 0, false
	defer func() {
		if !finished {
			sh.out.abandon(queue[next:])
		}
	}()
	for len(queue) > 0 {
		for next = 0; next < len(queue); {
			n := &queue[next]
			next++
			sh.e.notify(ctx, n)
		}
		clear(queue)
		queue = sh.out.take(queue[:0])
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
	if n.ids != nil {
		for _, fn := range e.idSubs.all() {
			e.callIDs(ctx, *fn, n)
		}
		return
	}
	if n.change != nil {
		for _, fn := range e.traitSubs.all() {
			e.callTrait(ctx, *fn, n)
		}
		return
	}
	for _, fn := range e.subs.all() {
		e.call(ctx, *fn, n)
	}
}

func (e *Engine) call(ctx context.Context, fn Callback, n *notice) {
	defer e.guard(n)
	if err := fn(ctx, n.transition); err != nil {
		e.report(&CallbackError{Transition: n.transition, Err: err})
	}
}

func (e *Engine) callTrait(ctx context.Context, fn TraitCallback, n *notice) {
	defer e.guard(n)
	if err := fn(ctx, *n.change); err != nil {
		e.report(&CallbackError{Change: n.change, Err: err})
	}
}

func (e *Engine) callIDs(ctx context.Context, fn IDCallback, n *notice) {
	defer e.guard(n)
	if err := fn(ctx, *n.ids); err != nil {
		e.report(&CallbackError{IDs: n.ids, Err: err})
	}
}

// guard, deferred, reports the panic of a callback.
func (e *Engine) guard(n *notice) {
	if v := recover(); v != nil {
		e.report(&CallbackError{Transition: n.transition, Change: n.change, IDs: n.ids, Panic: v, Stack: debug.Stack()})
	}
}

func (e *Engine) report(err error) {
	if e.onError == nil {
		return
	}
	defer func() { _ = recover() }() // nobody is left to tell
	e.onError(err)
}
