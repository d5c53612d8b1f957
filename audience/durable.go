package audience

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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
// Options.Logger, and then the same notice comes again, after a while: at first 10 ms, then
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
	s := &subscriber{e: e, name: name, fn: fn, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	if !e.outbox.begin(s) {
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
			s.upTo, s.acknowledged = upTo, upTo
			e.outbox.keep(o, name)
		})
		return nil
	})
	if err != nil {
		e.outbox.end(s)
		return nil, err
	}
	ctx, cancel := context.WithCancel(e.life)
	go func() {
		defer close(s.stopped)
		s.run(context.WithValue(ctx, delivering{}, true))
		if !e.closed.Load() { // Close looks at what is done
			e.outbox.end(s)
		}
	}()
	return sync.OnceFunc(func() {
		cancel()
		<-s.stopped
	}), nil
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
		if e.outbox.called(name) != nil {
			return ErrInUse
		}
		delete(o.Cursors, name)
		x.onCommit(func() { e.outbox.keep(o, "") })
		return x.put(&profile.SetCursor{Subscriber: name, Gone: true})
	})
}

// subscriber is a durable one that is called.
type subscriber struct {
	e       *Engine
	name    string
	fn      DurableCallback
	wake    chan struct{} // something was told
	stopped chan struct{}

	mu           sync.Mutex
	last         Notice        // the last that is done with
	upTo         uint64        // its id
	acknowledged uint64        // up to this one that is stored
	moved        chan struct{} // closed when upTo has changed, for who waits for that
}

// run calls the callback until the context ends.
func (s *subscriber) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		err := s.deliver(ctx)
		if acknowledging := s.acknowledge(ctx); err == nil {
			err = acknowledging
		}
		var wait <-chan time.Time
		switch {
		case ctx.Err() != nil || errors.Is(err, profile.ErrClosed):
			return
		case err != nil:
			s.e.report(fmt.Errorf("subscriber %q: %w", s.name, err))
			wait = time.After(retryAfter(failures))
			failures++
		default:
			failures = 0
		}
		wake := s.wake
		if wait != nil {
			wake = nil
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-wait:
		}
	}
}

// acknowledgeEvery is how many notices are told of before that is stored, if more wait.
const acknowledgeEvery = 64

// deliver calls the callback with all that waits.
func (s *subscriber) deliver(ctx context.Context) error {
	for {
		page, err := s.next(ctx)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, n := range page {
			if err := ctx.Err(); err != nil {
				return err
			}
			if s.e.closed.Load() {
				return profile.ErrClosed
			}
			if err := s.call(ctx, n); err != nil {
				return err
			}
			s.done(n)
		}
		if err := s.acknowledge(ctx); err != nil {
			return err
		}
	}
}

// next returns notices that stay, whatever becomes of the process.
func (s *subscriber) next(ctx context.Context) (page []Notice, err error) {
	told, mark := s.e.outbox.toldUpTo()
	if told <= s.upTo {
		return nil, nil
	}
	if err := s.e.store.Durable(ctx, mark); err != nil {
		return nil, err
	}
	for kept, err := range s.e.store.Notices(ctx, s.upTo) {
		if err != nil {
			return nil, err
		}
		if kept.ID > told {
			break
		}
		n, err := decodeNotice(kept)
		if err != nil {
			return nil, err
		}
		if page = append(page, n); len(page) == acknowledgeEvery {
			break
		}
	}
	return page, nil
}

// call calls the callback with one notice.
func (s *subscriber) call(ctx context.Context, n Notice) (err error) {
	finished := make(chan struct{})
	go func() { // a goroutine that the callback may end
		defer close(finished)
		err = errGoexit
		defer catch("callback", &err)
		err = s.fn(ctx, n)
	}()
	<-finished
	if err != nil {
		return fmt.Errorf("notice %d: %w", n.ID, err)
	}
	return nil
}

// acknowledge stores up to where the subscriber has been told.
func (s *subscriber) acknowledge(ctx context.Context) error {
	if s.e.closed.Load() {
		return nil // Close has
	}
	return s.acknowledgeNow(lasting(ctx))
}

func (s *subscriber) acknowledgeNow(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upTo == s.acknowledged {
		return nil
	}
	tx, err := s.e.store.Begin(ctx, s.last.at(), s.last.ref())
	if err != nil {
		return err
	}
	defer tx.Abort()
	if err := tx.Put(&profile.SetCursor{Subscriber: s.name, UpTo: s.upTo}); err != nil {
		return err
	}
	if _, err := tx.Commit(); err != nil {
		return err
	}
	s.acknowledged = s.upTo
	o, err := s.e.store.Outbox(ctx)
	if err == nil {
		s.e.outbox.count(o)
	}
	return err
}

// durable waits until what was committed up to a mark stays, if a call is to.
func (e *Engine) durable(ctx context.Context, mark profile.Mark) error {
	if mark == 0 || e.later != nil {
		return nil
	}
	return e.store.Durable(lasting(ctx), mark)
}
