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

// subscribers is the list of callbacks; reading it takes no lock.
type subscribers struct {
	mu   sync.Mutex
	list atomic.Pointer[[]*Callback]
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
func (e *Engine) Subscribe(fn Callback) (cancel func()) {
	e.subs.edit(func(list []*Callback) []*Callback { return append(list, &fn) })
	return func() {
		e.subs.edit(func(list []*Callback) []*Callback {
			return slices.DeleteFunc(list, func(f *Callback) bool { return f == &fn })
		})
	}
}

func (s *subscribers) edit(change func([]*Callback) []*Callback) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := change(slices.Clone(s.all()))
	s.list.Store(&list)
}

func (s *subscribers) all() []*Callback {
	if list := s.list.Load(); list != nil {
		return *list
	}
	return nil
}

// outbox holds the transitions of a shard, in order, until they are delivered.
type outbox struct {
	waiting atomic.Int64 // len(queue), to be read without the lock
	mu      sync.Mutex
	queue   []Transition
	spare   []Transition
	busy    bool // a goroutine delivers
}

func (o *outbox) push(t Transition) {
	o.mu.Lock()
	o.queue = append(o.queue, t)
	o.waiting.Store(int64(len(o.queue)))
	o.mu.Unlock()
}

// take returns what waits, and keeps others from delivering until it returns
// nothing. used is what it returned before, emptied, or nil at first.
func (o *outbox) take(used []Transition) []Transition {
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
func (o *outbox) abandon(rest []Transition) {
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
			t := queue[next]
			next++
			for _, fn := range sh.e.subs.all() {
				sh.e.call(ctx, *fn, t)
			}
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

// call runs one callback and reports what goes wrong in it.
func (e *Engine) call(ctx context.Context, fn Callback, t Transition) {
	defer func() {
		if v := recover(); v != nil {
			e.report(&CallbackError{Transition: t, Panic: v, Stack: debug.Stack()})
		}
	}()
	if err := fn(ctx, t); err != nil {
		e.report(&CallbackError{Transition: t, Err: err})
	}
}

func (e *Engine) report(err error) {
	if e.onError == nil {
		return
	}
	defer func() { _ = recover() }() // nobody is left to tell
	e.onError(err)
}
