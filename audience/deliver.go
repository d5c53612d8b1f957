package audience

import (
	"context"
	"errors"
	"fmt"

	"github.com/muster-go/muster/internal/outbox"
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

// Subscribe has fn called for every transition from now on, in order for each
// profile: Entered and Exited alternate for each audience. It returns what ends
// that. Several callbacks are called in the order in which they subscribed.
//
// Callbacks run without any lock of the engine, on the goroutine of a call to
// the engine, before that call returns; with one exception: while a goroutine
// delivers what happened to profiles of one shard, others that change such
// profiles leave their transitions to it. So the transitions of a call from
// within a callback come after that callback has returned, if they concern the
// same shard, and those of a call on a store with a SyncInterval, which returns before what
// it did stays, come within that. Calls for profiles of different shards may be side by side,
// within one Create too: fn is safe for concurrent use. A callback that is slower than the data
// comes makes them wait, in memory; what waits when fn is subscribed is told to it too. A nil
// fn is an error that wraps profile.ErrInvalid.
func (e *Engine) Subscribe(fn Callback) (cancel func(), err error) {
	return add(&e.subs, fn)
}

// SubscribeTraits has fn called for every change of a computed trait from now
// on, as Subscribe has for transitions. What one profile's data or time changes
// at one instant is told in one order: first the computed traits, by key, then
// the audiences. All of it has happened when the first callback runs.
func (e *Engine) SubscribeTraits(fn TraitCallback) (cancel func(), err error) {
	return add(&e.traitSubs, fn)
}

// SubscribeIDs has fn called, from now on, when a profile got an external id that
// it had not: by a message that names it, or by a merge, as Subscribe has for
// transitions. The store has the id by then.
func (e *Engine) SubscribeIDs(fn IDCallback) (cancel func(), err error) {
	return add(&e.idSubs, fn)
}

func add[A any](to *outbox.Callbacks[A], fn func(context.Context, A) error) (cancel func(), err error) {
	if fn == nil {
		return nil, fmt.Errorf("subscribe: %w: no callback", profile.ErrInvalid)
	}
	return to.Add(fn), nil
}

// deliver has the callbacks called with what waits: now, or by a goroutine of its own where
// nobody is to wait until it stays. No lock is held.
func (sh *shard) deliver(ctx context.Context) {
	if sh.e.later == nil {
		sh.out.Deliver(ctx)
		return
	}
	select {
	case sh.e.later <- struct{}{}:
	default:
	}
}

// deliverLater delivers what waits, again and again, until the engine is closed.
func (e *Engine) deliverLater() {
	for {
		select {
		case <-e.life.Done():
			return
		case <-e.later:
			e.deliverAll(e.life)
		}
	}
}

func (e *Engine) deliverAll(ctx context.Context) {
	for _, sh := range e.shards {
		sh.out.Deliver(ctx)
	}
}

// lasting returns ctx without its end.
func lasting(ctx context.Context) context.Context {
	if ctx.Done() == nil {
		return ctx // it has none
	}
	return context.WithoutCancel(ctx)
}

// tell calls all callbacks with a notice.
func (e *Engine) tell(ctx context.Context, n *notice) {
	switch {
	case n.step != nil:
		e.guarded("observer.Step", func() { e.observer.Step(ctx, *n.step) })
	case n.ids != nil:
		e.idSubs.Call(ctx, *n.ids)
	case n.change != nil:
		e.traitSubs.Call(ctx, *n.change)
	default:
		e.subs.Call(ctx, n.transition)
	}
}

// reportFailures has callbacks that fail reported.
func (e *Engine) reportFailures() {
	e.subs.Failed = func(t Transition, f outbox.Failure) { e.misfired("", Notice{ID: t.ID, Transition: &t}, f) }
	e.traitSubs.Failed = func(c TraitChange, f outbox.Failure) { e.misfired("", Notice{ID: c.ID, TraitChange: &c}, f) }
	e.idSubs.Failed = func(c IDChange, f outbox.Failure) { e.misfired("", Notice{ID: c.ID, IDChange: &c}, f) }
	e.outbox.Failed = e.misfired
}

// misfired reports a callback that failed.
func (e *Engine) misfired(subscriber string, n Notice, f outbox.Failure) {
	e.misfires.Add(1)
	e.report(&CallbackError{Subscriber: subscriber, Notice: n, Err: f.Err, Panic: f.Panic, Stack: f.Stack})
}

// report tells what no caller can be told.
func (e *Engine) report(err error) {
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
