package outbox

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/muster-go/muster/profile"
)

// Queue holds notices, in order, until they are delivered. It is safe for concurrent use.
type Queue[N any] struct {
	teller  Teller[N]
	waiting atomic.Int64 // len(queue), to be read without the lock

	mu    sync.Mutex
	queue []N
	spare []N
	mark  profile.Mark // of the last commit that told any of them
	busy  bool         // a goroutine delivers
}

// Teller is what a queue does with notices.
type Teller[N any] struct {
	Durable func(context.Context, profile.Mark) error // returns when what is told stays
	Tell    func(context.Context, *N)                 // calls the callbacks
	Report  func(error)                               // that a notice may not stay
}

// NewQueue returns an empty queue.
func NewQueue[N any](to Teller[N]) *Queue[N] { return &Queue[N]{teller: to} }

// Waiting returns how many notices nobody delivers yet.
func (q *Queue[N]) Waiting() int64 { return q.waiting.Load() }

// Push queues a notice of a commit. The order is that of the calls.
func (q *Queue[N]) Push(n N, mark profile.Mark) {
	q.mu.Lock()
	q.queue = append(q.queue, n)
	q.mark = max(q.mark, mark)
	q.waiting.Store(int64(len(q.queue)))
	q.mu.Unlock()
}

// Deliver tells what waits, once that stays. While one goroutine does, others leave what
// they have to it. Where a notice may not stay it waits for the next call.
func (q *Queue[N]) Deliver(ctx context.Context) {
	if q.waiting.Load() == 0 {
		return
	}
	queue, mark := q.take(nil)
	if len(queue) == 0 {
		return
	}
	// What has happened is told, also when the request that brought it is over.
	ctx = context.WithoutCancel(ctx)
	next, finished := 0, false
	defer func() {
		if !finished { // a callback ended the goroutine: it dies when all is told
			q.abandon(queue[next:])
			q.Deliver(ctx)
		}
	}()
	for len(queue) > 0 {
		if err := q.teller.Durable(ctx, mark); err != nil {
			finished = true
			q.abandon(queue)
			q.teller.Report(fmt.Errorf("what is told may not stay: %w", err))
			return
		}
		for next = 0; next < len(queue); {
			n := &queue[next]
			next++
			q.teller.Tell(ctx, n)
		}
		clear(queue)
		queue, mark = q.take(queue[:0])
	}
	finished = true
}

// take returns what waits, and the mark from which on it stays; and keeps others from
// delivering until it returns nothing. used is what it returned before, emptied, or nil at
// first.
func (q *Queue[N]) take(used []N) ([]N, profile.Mark) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy && used == nil {
		return nil, 0
	}
	queue := q.queue
	if q.busy = len(queue) > 0; !q.busy {
		q.spare = used
		return nil, 0
	}
	if used == nil {
		used, q.spare = q.spare, nil
	}
	q.queue = used
	q.waiting.Store(0)
	return queue, q.mark
}

// abandon puts back what was taken and not told.
func (q *Queue[N]) abandon(rest []N) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = append(rest, q.queue...)
	q.waiting.Store(int64(len(q.queue)))
	q.busy = false
}
