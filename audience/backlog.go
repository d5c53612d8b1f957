package audience

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/muster-go/muster/profile"
)

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
	if w.find(s.name) != nil {
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

// called returns the subscriber of a name that is called; nil if there is none.
func (w *waiting) called(name string) *subscriber {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.find(name)
}

// find is called with the lock.
func (w *waiting) find(name string) *subscriber {
	if i := slices.IndexFunc(w.subscribers, func(o *subscriber) bool { return o.name == name }); i >= 0 {
		return w.subscribers[i]
	}
	return nil
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

// waits returns how many notices wait, and what these take.
func (w *waiting) waits() (notices int, bytes int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return int(w.notices), int64(w.bytes)
}

// toldUpTo returns the id of the last notice that is committed, and up to which mark.
func (w *waiting) toldUpTo() (id uint64, mark profile.Mark) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told, w.mark
}

// delivering is the key of contexts that durable callbacks get: what they call does not
// wait for them.
type delivering struct{}

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
		case <-e.life.Done():
			return profile.ErrClosed
		}
	}
	return nil
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
