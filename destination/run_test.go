package destination_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
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

// Whatever waits for a receiver, a callback does not: the queue keeps one change
// for each pair, which is bounded, and loses nothing.
func TestCallbacksNeverWait(t *testing.T) {
	r := newRig(t, "a")
	to := newGated(r.to)
	go func() { _ = r.hub.Run(r.ctx) }()
	c, err := r.hub.Connect(r.ctx, to, destination.Config{Mode: destination.Identify, BatchSize: 1, Timeout: time.Hour})
	r.NoError(err)
	r.src.change(entered("a", "first", start))
	<-to.arrived // the receiver does not answer from now on
	const users, times = 1000, 9
	for i := range times {
		for user := range users {
			id := fmt.Sprintf("u%d", user)
			if i%2 == 0 {
				r.src.change(entered("a", id, start))
			} else {
				r.src.change(exited("a", id, start))
			}
		}
	}
	r.Equal(users, c.Stats().Queued)
	r.NoError(c.Close(done(r.ctx)))
	r.connect(destination.Config{}) // the receiver itself, which takes what it is sent
	r.NoError(r.hub.Flush(r.ctx))
	r.Len(r.to.in(), users+1)
}

// A call to the engine ends whatever the receiver does, also one with a context
// that has ended or is to end soon; what it changed is sent once the receiver
// takes it.
func TestTrackIsNotHeldByAReceiver(t *testing.T) {
	r := newRig(t)
	engine, err := audience.New(r.ctx, profile.NewMemStore(), audience.Options{Clock: r.clock})
	r.NoError(err)
	defer engine.Close()
	r.NoError(engine.Create(r.ctx, audience.Define("buyers").Members(audience.Performed("Buy"))))
	hub := destination.NewHub(engine, destination.Options{})
	to := newGated(r.to)
	c, err := hub.Connect(r.ctx, to, destination.Config{Mode: destination.Identify, Timeout: time.Hour})
	r.NoError(err)
	running, stop := context.WithCancel(r.ctx)
	ran := make(chan error)
	go func() { ran <- hub.Run(running) }()
	for i := range 2000 {
		ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
		r.NoError(engine.Track(ctx, profile.Event{Profile: fmt.Sprintf("u%d", i), Name: "Buy", Time: start}))
		r.NoError(ctx.Err())
		cancel()
		if i == 0 {
			<-to.arrived
		}
	}
	r.NoError(engine.CatchUp(r.ctx, "destination:test"))
	r.Equal(1999, c.Stats().Queued)
	stop()
	r.ErrorIs(<-ran, context.Canceled)
	go func() {
		for range to.arrived {
			to.let <- struct{}{}
		}
	}()
	r.NoError(hub.Flush(r.ctx))
	close(to.arrived)
	r.NoError(hub.Close(r.ctx))
	r.Len(r.to.in(), 2000)
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
	r.NoError(c.Close(done(r.ctx)))

	c, err = r.hub.Connect(r.ctx, to, destination.Config{Mode: destination.Identify})
	r.NoError(err)
	go func() { _ = r.hub.Run(r.ctx) }()
	<-to.arrived
	ctx, cancel := context.WithCancel(r.ctx)
	closed := make(chan error)
	go func() { closed <- c.Close(ctx) }()
	cancel()
	r.NoError(<-closed)
	r.Equal(1, c.Stats().InFlight)
	r.Zero(c.Stats().Failures, "it was not the receiver's fault")
}

// done returns a context that is done.
func done(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}
