package outbox

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/muster-go/muster/internal/backoff"
	"github.com/muster-go/muster/profile"
)

// Store is what a log needs of one.
type Store interface {
	Durable(ctx context.Context, upTo profile.Mark) error
	Notices(ctx context.Context, after uint64) iter.Seq2[profile.Notice, error]
	Outbox(ctx context.Context) (profile.Outbox, error)
	Begin(ctx context.Context, now time.Time, refs ...profile.Ref) (profile.Tx, error)
}

// Told is a notice that the store has kept.
type Told[N any] struct {
	ID     uint64
	At     time.Time
	Ref    profile.Ref // whom it is about
	Notice N
}

// Subscriber is a durable one that is called: with one notice after the other, with each
// again and again until that is done with.
type Subscriber[N any] struct {
	log     *Log[N]
	name    string
	fn      func(context.Context, N) error
	wake    chan struct{} // something was told
	stopped chan struct{}

	mu           sync.Mutex
	last         Told[N]       // the last that is done with
	upTo         uint64        // its id
	acknowledged uint64        // up to this one that is stored
	moved        chan struct{} // closed when upTo has changed, for who waits for that
}

// movedBefore returns what is closed when the subscriber is done with more; nil if it is
// with all up to an id.
func (s *Subscriber[N]) movedBefore(id uint64) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upTo >= id {
		return nil
	}
	if s.moved == nil {
		s.moved = make(chan struct{})
	}
	return s.moved
}

// done notes that the subscriber is done with a notice.
func (s *Subscriber[N]) done(n Told[N]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.upTo, s.last = n.ID, n
	if s.moved != nil {
		close(s.moved)
		s.moved = nil
	}
}

// Enlist notes a subscriber, which is told of once Start says from where on; false if there
// is one of its name.
func (l *Log[N]) Enlist(name string, fn func(context.Context, N) error) (*Subscriber[N], bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.find(name) != nil {
		return nil, false
	}
	s := &Subscriber[N]{log: l, name: name, fn: fn, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	l.subscribers = append(l.subscribers, s)
	return s, true
}

// Remove undoes Enlist.
func (l *Log[N]) Remove(s *Subscriber[N]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.subscribers = slices.DeleteFunc(l.subscribers, func(o *Subscriber[N]) bool { return o == s })
}

// From says after which notice a subscriber goes on, as it is stored.
func (s *Subscriber[N]) From(upTo uint64) {
	s.mu.Lock()
	s.upTo, s.acknowledged = upTo, upTo
	s.mu.Unlock()
}

// Start begins to call the subscriber. stop ends that, and returns when the call that is
// running has.
func (s *Subscriber[N]) Start() (stop func()) {
	ctx, cancel := context.WithCancel(s.log.Life)
	go func() {
		defer close(s.stopped)
		s.run(context.WithValue(ctx, delivering{}, true))
		if !s.log.closed.Load() { // Close looks at what is done
			s.log.Remove(s)
		}
	}()
	return sync.OnceFunc(func() {
		cancel()
		<-s.stopped
	})
}

// run calls the callback until the context ends.
func (s *Subscriber[N]) run(ctx context.Context) {
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
			if err != errFailed {
				s.log.Report(fmt.Errorf("subscriber %q: %w", s.name, err))
			}
			wait = time.After(backoff.After(failures))
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
func (s *Subscriber[N]) deliver(ctx context.Context) error {
	for {
		page, err := s.next(ctx)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, n := range page {
			if err := ctx.Err(); err != nil {
				return err
			}
			if s.log.closed.Load() {
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
func (s *Subscriber[N]) next(ctx context.Context) (page []Told[N], err error) {
	told, mark := s.log.toldUpTo()
	if told <= s.upTo {
		return nil, nil
	}
	if err := s.log.Store.Durable(ctx, mark); err != nil {
		return nil, err
	}
	for kept, err := range s.log.Store.Notices(ctx, s.upTo) {
		if err != nil {
			return nil, err
		}
		if kept.ID > told {
			break
		}
		n, err := s.log.Decode(kept)
		if err != nil {
			return nil, err
		}
		if page = append(page, n); len(page) == acknowledgeEvery {
			break
		}
	}
	return page, nil
}

// errFailed says that the callback failed, which was reported.
var errFailed = errors.New("the callback failed")

// call calls the callback with one notice, and reports it if it fails, unless all is at an end.
func (s *Subscriber[N]) call(ctx context.Context, n Told[N]) error {
	finished, failure := make(chan struct{}), &Failure{Err: ErrGoexit}
	go func() { // a goroutine that the callback may end
		defer close(finished)
		defer func() {
			if v := recover(); v != nil {
				failure = &Failure{Panic: v, Stack: debug.Stack()}
			}
		}()
		if err := s.fn(ctx, n.Notice); err != nil {
			failure = &Failure{Err: err}
		} else {
			failure = nil
		}
	}()
	<-finished
	switch {
	case failure == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case s.log.closed.Load():
		return profile.ErrClosed
	}
	s.log.Failed(s.name, n.Notice, *failure)
	return errFailed
}

// acknowledge stores up to where the subscriber has been told.
func (s *Subscriber[N]) acknowledge(ctx context.Context) error {
	if s.log.closed.Load() {
		return nil // Close has
	}
	return s.acknowledgeNow(context.WithoutCancel(ctx))
}

func (s *Subscriber[N]) acknowledgeNow(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upTo == s.acknowledged {
		return nil
	}
	tx, err := s.log.Store.Begin(ctx, s.last.At, s.last.Ref)
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
	o, err := s.log.Store.Outbox(ctx)
	if err == nil {
		s.log.count(o)
	}
	return err
}
