package outbox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/muster-go/muster/profile"
)

// Limit bounds what is kept in a store for durable subscribers.
type Limit struct {
	Notices int
	Bytes   int64
	Refuse  bool // Admit does not wait
}

// Log is what an engine knows of the notices that its store keeps, and the subscribers that
// it calls with them. It is safe for concurrent use; the exported fields are set before.
type Log[N any] struct {
	Limit  Limit
	Full   error // what Admit returns, if it does not wait
	Store  Store
	Decode func(profile.Notice) (Told[N], error)
	Report func(error)
	Failed func(subscriber string, about N, how Failure) // is told of callbacks that failed
	Life   context.Context                               // all ends with it

	closed      atomic.Bool
	keeps       atomic.Bool // somebody has a cursor
	mu          sync.Mutex
	subscribers []*Subscriber[N] // those that are called
	told        uint64           // the id of the last notice that is committed
	mark        profile.Mark     // of that commit
	notices     int              // that are kept; it may be fewer
	bytes       int64            // likewise
	room        chan struct{}    // closed when there is less again
}

// Keeps reports whether notices are to be kept: somebody has a cursor.
func (l *Log[N]) Keeps() bool { return l.keeps.Load() }

// Keep notes what is in the outbox of the store, and that a subscriber, if it has a name, is
// there.
func (l *Log[N]) Keep(o profile.Outbox, name string) {
	l.mu.Lock()
	l.keeps.Store(len(o.Cursors) > 0 || name != "")
	l.told = max(l.told, o.Last)
	l.mu.Unlock()
	l.count(o)
}

// count notes how much is kept.
func (l *Log[N]) count(o profile.Outbox) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notices, l.bytes = o.Notices, o.Bytes
	if l.room != nil && !l.full() {
		close(l.room)
		l.room = nil
	}
}

func (l *Log[N]) full() bool { return l.notices > l.Limit.Notices || l.bytes > l.Limit.Bytes }

// Add notes what a commit has told.
func (l *Log[N]) Add(told *profile.Tell, mark profile.Mark) {
	if !l.keeps.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	last := told.OutFirst + uint64(len(told.Bodies)) - 1
	if last > l.told {
		l.told, l.mark = last, mark
	}
	for _, body := range told.Bodies {
		l.notices++
		l.bytes += int64(len(body))
	}
	for _, s := range l.subscribers {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// Waits returns how many notices wait, and what these take.
func (l *Log[N]) Waits() (notices int, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.notices, l.bytes
}

// toldUpTo returns the id of the last notice that is committed, and up to which mark.
func (l *Log[N]) toldUpTo() (id uint64, mark profile.Mark) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told, l.mark
}

// delivering is the key of contexts that durable callbacks get: what they call does not
// wait for them.
type delivering struct{}

// Admit waits until there is room for what a call may tell, or refuses it. It returns the
// context's error, or profile.ErrClosed when the log's life ends.
func (l *Log[N]) Admit(ctx context.Context) error {
	for l.keeps.Load() {
		l.mu.Lock()
		if !l.full() || ctx.Value(delivering{}) != nil {
			l.mu.Unlock()
			return nil
		}
		if l.Limit.Refuse {
			l.mu.Unlock()
			return l.Full
		}
		if l.room == nil {
			l.room = make(chan struct{})
		}
		room := l.room
		l.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.Life.Done():
			return profile.ErrClosed
		}
	}
	return nil
}

// Calls reports whether a subscriber of a name is called.
func (l *Log[N]) Calls(name string) bool { return l.called(name) != nil }

// called returns the subscriber of a name that is called; nil if there is none.
func (l *Log[N]) called(name string) *Subscriber[N] {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.find(name)
}

// find is called with the lock.
func (l *Log[N]) find(name string) *Subscriber[N] {
	if i := slices.IndexFunc(l.subscribers, func(s *Subscriber[N]) bool { return s.name == name }); i >= 0 {
		return l.subscribers[i]
	}
	return nil
}

// CatchUp returns when a subscriber is done with all that was told before the call. It
// returns profile.ErrNotFound if nobody is called by that name, and profile.ErrClosed if that
// ends meanwhile.
func (l *Log[N]) CatchUp(ctx context.Context, name string) error {
	told, _ := l.toldUpTo()
	s := l.called(name)
	if s == nil {
		return profile.ErrNotFound
	}
	for {
		moved := s.movedBefore(told)
		if moved == nil {
			return nil
		}
		select {
		case <-moved:
		case <-s.stopped:
			return profile.ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close stores up to where each subscriber is done. None is called any more, but for calls
// that run, nor writes to the store.
func (l *Log[N]) Close(ctx context.Context) (err error) {
	l.closed.Store(true)
	l.mu.Lock()
	subscribers := slices.Clone(l.subscribers)
	l.mu.Unlock()
	for _, s := range subscribers {
		err = errors.Join(err, s.acknowledgeNow(ctx))
	}
	return err
}
