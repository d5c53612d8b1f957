package audience

import (
	"context"
	"fmt"

	"github.com/muster-go/muster/profile"
)

// Notice is one thing that is told: of the three, one is set.
type Notice struct {
	ID          uint64 // that of the one that is set: see Transition.ID
	Transition  *Transition
	TraitChange *TraitChange
	IDChange    *IDChange
}

// DurableCallback is told of a notice, and returns nil once it is done with it. It may
// call the engine.
type DurableCallback func(context.Context, Notice) error

// SubscribeDurable has fn called for everything that is told, transitions and changes of
// computed traits and of ids, one after the other, in the order of their ids: the first
// time that there is a subscriber of this name from now on, and else from where it was,
// whichever engine of the store told it, and whatever has become of the process since.
// What it has not been told of is kept in the store, within Options.Outbox, for as long as
// the subscriber is not removed by RemoveSubscriber. stop ends the calls, and returns when
// the one that is running has: so fn itself must not call it.
//
// fn runs on a goroutine of its own, without any lock of the engine. When it returns nil
// the notice is done with. What was done with last may be told again, under the same ids,
// after a crash; a callback that runs when the engine is closed is not waited for, and told
// again. An error, a panic or runtime.Goexit goes to Options.OnError, or else to
// Options.Logger, as a *CallbackError, and then the same notice comes again, after a while: at first 10 ms, then
// twice as long each time, up to a minute. The error wraps ErrExists while a subscriber of
// the name is called.
func (e *Engine) SubscribeDurable(ctx context.Context, name string, fn DurableCallback) (stop func(), err error) {
	stop, err = e.subscribeDurable(ctx, name, fn)
	if err != nil {
		return nil, fmt.Errorf("subscribe %q: %w", name, err)
	}
	return stop, nil
}

func (e *Engine) subscribeDurable(ctx context.Context, name string, fn DurableCallback) (stop func(), err error) {
	if err := profile.CheckID("subscriber", name); err != nil {
		return nil, err
	}
	if fn == nil {
		return nil, fmt.Errorf("%w: no callback", profile.ErrInvalid)
	}
	s, alone := e.outbox.Enlist(name, fn)
	if !alone {
		return nil, ErrExists
	}
	// With all locks nothing is told meanwhile, nor anything kept for nobody.
	err = e.alone(ctx, "", false, func(x *txn) error {
		o, err := x.Store.Outbox(x.Ctx)
		if err != nil {
			return err
		}
		upTo, was := o.Cursors[name]
		if !was {
			upTo = o.Last
			if err := x.put(&profile.SetCursor{Subscriber: name, UpTo: upTo}); err != nil {
				return err
			}
		}
		x.onCommit(func() {
			s.From(upTo)
			e.outbox.Keep(o, name)
		})
		return nil
	})
	if err != nil {
		e.outbox.Remove(s)
		return nil, err
	}
	return s.Start(), nil
}

// RemoveSubscriber ends a durable subscriber for good: nothing is kept for it any more.
// The error wraps ErrInUse while it is called, and profile.ErrNotFound if there is none.
func (e *Engine) RemoveSubscriber(ctx context.Context, name string) error {
	return e.alone(ctx, fmt.Sprintf("remove subscriber %q", name), false, func(x *txn) error {
		o, err := x.Store.Outbox(x.Ctx)
		if err != nil {
			return err
		}
		if _, is := o.Cursors[name]; !is {
			return profile.ErrNotFound
		}
		if e.outbox.Calls(name) {
			return ErrInUse
		}
		delete(o.Cursors, name)
		x.onCommit(func() { e.outbox.Keep(o, "") })
		return x.put(&profile.SetCursor{Subscriber: name, Gone: true})
	})
}

// durable waits until what was committed up to a mark stays, if a call is to.
func (e *Engine) durable(ctx context.Context, mark profile.Mark) error {
	if mark == 0 || e.later != nil {
		return nil
	}
	return e.store.Durable(lasting(ctx), mark)
}
