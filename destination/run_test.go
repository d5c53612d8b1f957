package destination_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/destination"
)

// gated is a receiver that takes a batch when it is let.
type gated struct {
	*receiver
	arrived chan struct{}
	let     chan struct{}
}

func newGated(r *receiver) gated { return gated{r, make(chan struct{}), make(chan struct{})} }

func (g gated) Deliver(ctx context.Context, b *destination.Batch) error {
	select {
	case g.arrived <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-g.let:
	case <-ctx.Done():
		return ctx.Err()
	}
	return g.receiver.Deliver(ctx, b)
}

// A full queue has callbacks wait, until a batch is taken. Folding goes on.
func TestBackPressure(t *testing.T) {
	r := newRig(t, "a")
	to := newGated(r.to)
	go func() { _ = r.hub.Run(r.ctx) }()
	c, err := r.hub.Connect(r.ctx, to, destination.Config{Mode: destination.Identify, BatchSize: 1, MaxQueued: 2})
	r.NoError(err)
	r.src.change(entered("a", "u0", start))
	<-to.arrived // one batch is on its way
	r.src.change(entered("a", "u1", start))
	r.src.change(entered("a", "u2", start))
	var fed sync.WaitGroup
	told := make(chan string, 2)
	feed := func(id string) {
		fed.Add(1)
		go func() {
			defer fed.Done()
			r.src.change(entered("a", id, start))
			told <- id
		}()
	}
	waits := func(n int) { r.Eventually(func() bool { return c.Stats().Queued == n }, time.Minute, time.Millisecond) }
	feed("u3")
	waits(3)
	r.Empty(told, "it waits")
	r.src.change(exited("a", "u1", start)) // folds, which makes room
	r.Equal("u3", <-told)

	feed("u4")
	waits(3)
	r.Empty(told)
	to.let <- struct{}{}
	<-to.arrived
	r.Equal("u4", <-told, "the next batch was taken from the queue")

	feed("u5")
	waits(3)
	r.Error(c.Close(done(r.ctx)))
	r.Equal("u5", <-told, "Close lets go of it")
	fed.Wait()
}

// A receiver may change the engine; what that queues does not wait for itself.
func TestADeliveryThatCausesTransitions(t *testing.T) {
	r := newRig(t, "a", "b")
	done := make(chan struct{})
	to := reacting{r.to, func(ctx context.Context) {
		for i := range 10 {
			r.src.tellIn(ctx, entered("b", fmt.Sprintf("u%d", i), start))
		}
		close(done)
	}}
	go func() { _ = r.hub.Run(r.ctx) }()
	c, err := r.hub.Connect(r.ctx, to, destination.Config{Mode: destination.Identify, MaxQueued: 1, Timeout: time.Hour})
	r.NoError(err)
	r.src.change(entered("a", "u", start))
	<-done
	r.Eventually(func() bool { return c.Stats().Sent == 11 }, time.Minute, time.Millisecond)
}

type reacting struct {
	*receiver
	react func(context.Context)
}

func (d reacting) Deliver(ctx context.Context, b *destination.Batch) error {
	if d.attempts == 0 {
		d.react(ctx)
	}
	return d.receiver.Deliver(ctx, b)
}

// Run delivers on connections that were made before and after it began, and
// waits for its loops; a second Run is an error.
func TestRun(t *testing.T) {
	r := newRig(t, "a")
	r.src.store(entered("a", "u", start))
	other := newReceiver(t)
	other.name = "other"
	before := r.connect(destination.Config{})
	ctx, cancel := context.WithCancel(r.ctx)
	ran := make(chan error)
	go func() { ran <- r.hub.Run(ctx) }()
	r.Eventually(func() bool { return before.Stats().Sent == 1 }, time.Minute, time.Millisecond)
	r.ErrorIs(r.hub.Run(ctx), destination.ErrRunning)
	after, err := r.hub.Connect(r.ctx, other, destination.Config{Mode: destination.Identify})
	r.NoError(err)
	r.Eventually(func() bool { return after.Stats().Sent == 1 }, time.Minute, time.Millisecond)
	r.src.change(exited("a", "u", start))
	r.Eventually(func() bool { return after.Stats().Sent+before.Stats().Sent == 4 }, time.Minute, time.Millisecond)
	cancel()
	r.ErrorIs(<-ran, context.Canceled)

	r.src.change(entered("a", "u", start))
	r.Equal(1, after.Stats().Queued, "nobody sends")
	go func() { ran <- r.hub.Run(r.ctx) }()
	r.Eventually(func() bool { return after.Stats().Sent+before.Stats().Sent == 6 }, time.Minute, time.Millisecond)
	r.NoError(r.hub.Close(r.ctx))
	r.NoError(<-ran)
}

// A delivery that does not end is broken off by the timeout, or by Close.
func TestTimeout(t *testing.T) {
	r := newRig(t, "a")
	to := newGated(r.to)
	r.src.store(entered("a", "u", start))
	c, err := r.hub.Connect(r.ctx, to, destination.Config{Mode: destination.Identify, Timeout: time.Nanosecond})
	r.NoError(err)
	r.sync()
	r.ErrorIs(c.Stats().LastError, context.DeadlineExceeded)
	r.Error(c.Close(done(r.ctx)))

	c, err = r.hub.Connect(r.ctx, to, destination.Config{Mode: destination.Identify})
	r.NoError(err)
	go func() { _ = r.hub.Run(r.ctx) }()
	<-to.arrived
	ctx, cancel := context.WithCancel(r.ctx)
	closed := make(chan error)
	go func() { closed <- c.Close(ctx) }()
	cancel()
	r.ErrorContains(<-closed, "1 changes were not sent")
	r.Zero(c.Stats().Failures, "it was not the receiver's fault")
}

// done returns a context that is done.
func done(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}
