package outbox_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/outbox"
	"github.com/muster-go/muster/profile"
)

// told collects what a queue tells.
type told struct {
	mu      sync.Mutex
	notices []int
	errors  []error
	lost    error // of Durable
	mark    profile.Mark
	each    func(int) // is called with each
}

func (to *told) teller() outbox.Teller[int] {
	return outbox.Teller[int]{
		Durable: func(_ context.Context, mark profile.Mark) error {
			to.mark = mark
			return to.lost
		},
		Tell: func(_ context.Context, n *int) {
			to.mu.Lock()
			to.notices = append(to.notices, *n)
			to.mu.Unlock()
			if to.each != nil {
				to.each(*n)
			}
		},
		Report: func(err error) { to.errors = append(to.errors, err) },
	}
}

// inGoroutine does something that may end its goroutine.
func inGoroutine(do func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		do()
	}()
	<-ended
}

func TestNoticesAreToldInTheirOrder(t *testing.T) {
	var to told
	q := outbox.NewQueue(to.teller())
	q.Push(1, 7)
	q.Push(2, 9)
	require.EqualValues(t, 2, q.Waiting())
	q.Deliver(t.Context())
	q.Push(3, 8)
	q.Deliver(t.Context())
	require.Equal(t, []int{1, 2, 3}, to.notices)
	require.EqualValues(t, 9, to.mark)
	require.Zero(t, q.Waiting())
}

func TestWhatACallbackPushesComesAfterIt(t *testing.T) {
	var to told
	q := outbox.NewQueue(to.teller())
	to.each = func(n int) {
		if n < 3 {
			q.Push(n+1, 0)
			q.Deliver(t.Context()) // it is left to the one that delivers
			require.Equal(t, n, to.notices[len(to.notices)-1])
		}
	}
	q.Push(1, 0)
	q.Deliver(t.Context())
	require.Equal(t, []int{1, 2, 3}, to.notices)
}

func TestWhatMayNotStayIsToldLater(t *testing.T) {
	to := told{lost: errors.New("the disk is full")}
	q := outbox.NewQueue(to.teller())
	q.Push(1, 1)
	q.Push(2, 2)
	q.Deliver(t.Context())
	require.Empty(t, to.notices)
	require.EqualValues(t, 2, q.Waiting())
	require.Len(t, to.errors, 1)
	require.ErrorIs(t, to.errors[0], to.lost)
	to.lost = nil
	q.Push(3, 3)
	q.Deliver(t.Context())
	require.Equal(t, []int{1, 2, 3}, to.notices)
}

func TestAGoroutineThatIsEndedTellsTheRest(t *testing.T) {
	var to told
	q := outbox.NewQueue(to.teller())
	to.each = func(n int) {
		if n%2 == 1 {
			runtime.Goexit()
		}
	}
	for n := 1; n <= 4; n++ {
		q.Push(n, 0)
	}
	inGoroutine(func() { q.Deliver(t.Context()) })
	require.Equal(t, []int{1, 2, 3, 4}, to.notices)
	q.Push(6, 0)
	q.Deliver(t.Context())
	require.Equal(t, []int{1, 2, 3, 4, 6}, to.notices)
}

func TestManyPushAndEachNoticeIsToldOnce(t *testing.T) {
	var to told
	q := outbox.NewQueue(to.teller())
	var all sync.WaitGroup
	for g := range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range 1000 {
				q.Push(g*1000+i, 0)
				q.Deliver(t.Context())
			}
		}()
	}
	all.Wait()
	q.Deliver(t.Context())
	last := map[int]int{}
	for _, n := range to.notices {
		if was, ok := last[n/1000]; ok && n%1000 != was+1 || !ok && n%1000 != 0 {
			t.Fatalf("%d after %d", n, was)
		}
		last[n/1000] = n % 1000
	}
	require.Len(t, to.notices, 4000)
}

func TestACallbackThatFailsHarmsNoOther(t *testing.T) {
	type failure struct {
		of int
		outbox.Failure
	}
	var calls []string
	var failures []failure
	var c outbox.Callbacks[int]
	c.Failed = func(n int, f outbox.Failure) { failures = append(failures, failure{n, f}) }
	bad := errors.New("bad")
	remove := c.Add(func(context.Context, int) error { calls = append(calls, "first"); return bad })
	c.Add(func(context.Context, int) error { calls = append(calls, "second"); panic("boom") })
	c.Add(func(context.Context, int) error { calls = append(calls, "third"); runtime.Goexit(); return nil })
	c.Add(func(context.Context, int) error { calls = append(calls, "last"); return nil })
	call := func(n int) { inGoroutine(func() { c.Call(t.Context(), n) }) }
	call(1)
	require.Equal(t, []string{"first", "second", "third", "last"}, calls)
	require.Len(t, failures, 3)
	require.ErrorIs(t, failures[0].Err, bad)
	require.Equal(t, "boom", failures[1].Panic)
	require.NotEmpty(t, failures[1].Stack)
	require.ErrorIs(t, failures[2].Err, outbox.ErrGoexit)

	remove()
	remove() // again: nothing happens
	calls = nil
	call(2)
	require.Equal(t, []string{"second", "third", "last"}, calls)
	require.Equal(t, 2, failures[3].of)
}
