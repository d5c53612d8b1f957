package audience

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
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
// the one that is running has.
//
// fn runs on a goroutine of its own, without any lock of the engine. When it returns nil
// the notice is done with. What was done with last may be told again, under the same ids,
// after a crash; a callback that runs when the engine is closed is not waited for, and told
// again. An error, a panic or runtime.Goexit is reported as of a Callback, and then the
// same notice comes again, after a while: at first 10 ms, then twice as long each time, up
// to a minute. The error wraps ErrExists while a subscriber of the name is called.
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
		o, err := x.store.Outbox(x.ctx)
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
	ctx, cancel := e.untilClosed()
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
		o, err := x.store.Outbox(x.ctx)
		if err != nil {
			return err
		}
		if _, is := o.Cursors[name]; !is {
			return profile.ErrNotFound
		}
		if e.outbox.running(name) {
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
	last         Notice // the last that is done with
	upTo         uint64 // its id
	acknowledged uint64 // up to this one that is stored
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
			s.mu.Lock()
			s.upTo, s.last = n.ID, n
			s.mu.Unlock()
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
	if err := s.e.durable(ctx, mark); err != nil {
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

// delivering is the key of contexts that durable callbacks get: what they call does not
// wait for them.
type delivering struct{}

// OutboxLimit bounds what is kept in the store for durable subscribers.
type OutboxLimit struct {
	Notices int   // 1,000,000 by default
	Bytes   int64 // 256 MiB by default
	// Refuse has calls that may tell something fail with ErrOutboxFull while more is
	// kept. Else they wait until there is room, or their context ends.
	Refuse bool
}

// ErrOutboxFull says that more waits for durable subscribers than Options.Outbox allows.
var ErrOutboxFull = errors.New("too much waits for durable subscribers")

func (l OutboxLimit) withDefaults() OutboxLimit {
	if l.Notices <= 0 {
		l.Notices = 1_000_000
	}
	if l.Bytes <= 0 {
		l.Bytes = 256 << 20
	}
	return l
}

// waiting is what the engine knows of the outbox in its store.
type waiting struct {
	limit OutboxLimit

	mu          sync.Mutex
	subscribers []*subscriber // those that are called
	keeps       atomic.Bool   // somebody has a cursor
	told        uint64        // the id of the last notice that is committed
	mark        profile.Mark  // of that commit
	notices     int           // that are kept; it may be fewer
	bytes       int64         // likewise
	room        chan struct{} // closed when there is less again
}

// begin notes a subscriber; false if there is one of its name.
func (w *waiting) begin(s *subscriber) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.ContainsFunc(w.subscribers, func(o *subscriber) bool { return o.name == s.name }) {
		return false
	}
	w.subscribers = append(w.subscribers, s)
	return true
}

func (w *waiting) end(s *subscriber) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subscribers = slices.DeleteFunc(w.subscribers, func(o *subscriber) bool { return o == s })
}

// acknowledge stores up to where each subscriber is done.
func (w *waiting) acknowledge(ctx context.Context) (err error) {
	w.mu.Lock()
	subscribers := slices.Clone(w.subscribers)
	w.mu.Unlock()
	for _, s := range subscribers {
		err = errors.Join(err, s.acknowledgeNow(ctx))
	}
	return err
}

func (w *waiting) running(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.subscribers, func(o *subscriber) bool { return o.name == name })
}

// keep notes what is in the outbox, and that a subscriber, if it has a name, is there.
func (w *waiting) keep(o profile.Outbox, name string) {
	w.mu.Lock()
	w.keeps.Store(len(o.Cursors) > 0 || name != "")
	w.told = max(w.told, o.Last)
	w.mu.Unlock()
	w.count(o)
}

// count notes how much is kept.
func (w *waiting) count(o profile.Outbox) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notices, w.bytes = o.Notices, o.Bytes
	if w.room != nil && !w.full() {
		close(w.room)
		w.room = nil
	}
}

func (w *waiting) full() bool { return w.notices > w.limit.Notices || w.bytes > w.limit.Bytes }

// add notes what a commit has told.
func (w *waiting) add(told *profile.Tell, mark profile.Mark) {
	if !w.keeps.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	last := told.OutFirst + uint64(len(told.Bodies)) - 1
	if last > w.told {
		w.told, w.mark = last, mark
	}
	for _, body := range told.Bodies {
		w.notices++
		w.bytes += int64(len(body))
	}
	for _, s := range w.subscribers {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// toldUpTo returns the id of the last notice that is committed, and up to which mark.
func (w *waiting) toldUpTo() (id uint64, mark profile.Mark) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told, w.mark
}

// admit waits until there is room for what a call may tell, or refuses it.
func (e *Engine) admit(ctx context.Context) error {
	w := &e.outbox
	for w.keeps.Load() {
		w.mu.Lock()
		if !w.full() || ctx.Value(delivering{}) != nil {
			w.mu.Unlock()
			return nil
		}
		if w.limit.Refuse {
			w.mu.Unlock()
			return ErrOutboxFull
		}
		if w.room == nil {
			w.room = make(chan struct{})
		}
		room := w.room
		w.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		case <-e.done:
			return profile.ErrClosed
		}
	}
	return nil
}

// durable waits until what was committed up to a mark stays.
func (e *Engine) durable(ctx context.Context, mark profile.Mark) error {
	if mark == 0 {
		return nil
	}
	return e.store.Durable(lasting(ctx), mark)
}

// restoreOutbox reads what waits for durable subscribers.
func (e *Engine) restoreOutbox(ctx context.Context) error {
	o, err := e.store.Outbox(ctx)
	if err != nil {
		return err
	}
	e.outbox.keep(o, "")
	return nil
}
