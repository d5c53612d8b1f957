package destination_test

import (
	"context"
	"testing"
	"time"

	"github.com/muster-go/muster/destination"
)

// A clock that stands gives several transitions of a pair one instant. Their
// messages are different ones all the same.
func TestTransitionsOfOneInstant(t *testing.T) {
	r := newRig(t, "a")
	c := r.connect(destination.Config{})
	for i := range 6 {
		if i%2 == 0 {
			r.src.change(entered("a", "u", start))
		} else {
			r.src.change(exited("a", "u", start))
		}
		r.sync()
		if i == 3 { // also if they are told by another connection
			r.NoError(c.Close(r.ctx))
			c = r.connect(destination.Config{})
		}
	}
	r.Equal([]string{"u: a true", "u: a false", "u: a true", "u: a false", "u: a true", "u: a false"}, r.to.got())
	r.Zero(r.to.repeats)
}

// A connection that knows nothing gives a transition the same id: the receiver drops what
// it has.
func TestIDsAreTheSameWhenAllIsForgotten(t *testing.T) {
	r := newRig(t, "a")
	r.src.change(entered("a", "u", start.Add(-time.Hour)))
	r.connect(destination.Config{})
	r.sync()
	r.NoError(r.hub.Disconnect(r.ctx, "test"))
	r.connect(destination.Config{})
	r.sync()
	r.Equal([]string{"u: a true"}, r.to.got())
	r.Equal(1, r.to.repeats)
}

// A connection goes on where the last one was, with what happened in between, and what is
// sent otherwise by its own configuration.
func TestConnectGoesOn(t *testing.T) {
	r := newRig(t, "a", "b", "c")
	for _, id := range []string{"stays", "goes"} {
		r.src.store(entered("a", id, start))
	}
	r.src.store(entered("b", "u", start))
	r.src.store(entered("c", "u", start))
	old := r.connect(destination.Config{Audiences: []string{"a", "b"}})
	r.sync()
	r.NoError(old.Close(r.ctx))
	r.to.got()

	r.pass(time.Hour)
	r.src.change(exited("a", "goes", start.Add(time.Minute)))
	r.src.change(entered("a", "new", start.Add(time.Minute)))
	r.src.change(exited("b", "u", start.Add(time.Minute)))
	r.src.change(entered("b", "v", start.Add(time.Minute)))
	c := r.connect(destination.Config{Audiences: []string{"a", "c"}})
	r.sync()
	r.ElementsMatch([]string{"new: a true", "goes: a false", "u: c true"}, r.to.got())
	r.Equal(3, c.Stats().Known)
	r.NoError(c.Close(r.ctx))

	r.pass(time.Hour)
	c = r.connect(destination.Config{Audiences: []string{"b", "c"}})
	r.sync()
	r.ElementsMatch([]string{"u: b false", "v: b true"}, r.to.got(), "what changed while b was not sent")
	r.Equal(2, c.Stats().Known)
}

// A waiting sync stays due when it was, whoever connects; a shorter interval counts at once.
func TestTheIntervalOutlastsTheProcess(t *testing.T) {
	r := newRig(t, "a")
	r.src.store(entered("a", "u", start))
	cfg := destination.Config{Interval: 6 * time.Hour}
	c := r.connect(cfg)
	r.EqualValues(-1, r.sync())
	r.to.got()
	r.src.change(entered("a", "v", r.pass(time.Hour)))
	for range 3 {
		r.NoError(c.Close(r.ctx))
		c = r.connect(cfg)
		r.Equal(5*time.Hour, r.sync())
		r.Equal(1, c.Stats().Queued)
	}
	r.Empty(r.to.got())
	r.NoError(c.Close(r.ctx))
	cfg.Interval = 2 * time.Hour
	r.connect(cfg)
	r.Equal(2*time.Hour, r.sync())
	r.pass(2 * time.Hour)
	r.EqualValues(-1, r.sync())
	r.Equal([]string{"v: a true"}, r.to.got())
}

// A receiver that wants to be left alone is, by the next connection too.
func TestAWaitOutlastsTheProcess(t *testing.T) {
	r := newRig(t, "a")
	r.src.store(entered("a", "u", start))
	r.to.fail = func(*destination.Batch) (error, bool) {
		return &destination.RetryAfterError{Wait: 2 * time.Hour, Err: errDown}, true
	}
	c := r.connect(destination.Config{})
	r.Equal(2*time.Hour, r.sync())
	r.to.fail = nil
	r.NoError(c.Close(r.ctx))
	c = r.connect(destination.Config{})
	r.Equal(1, c.Stats().InFlight)
	r.Equal(2*time.Hour, r.sync())
	r.Equal(1, r.to.attempts)
	r.pass(2 * time.Hour)
	r.EqualValues(-1, r.sync())
	r.Equal(1, r.to.repeats, "it had arrived, and comes again under the same id")
	r.Len(r.to.texts, 1, "as it was")
}

// What was on its way when a connection was closed comes again first, whether it
// arrived or not.
func TestWhatWasOnItsWay(t *testing.T) {
	for _, arrived := range []bool{false, true} {
		r := newRig(t, "a")
		r.src.change(entered("a", "exits", start))
		r.src.change(entered("a", "returns", start))
		c := r.connect(destination.Config{BatchSize: 1})
		r.sync()
		r.src.change(exited("a", "exits", start))
		r.src.change(exited("a", "returns", start))
		r.src.change(entered("a", "enters", start))
		r.src.change(entered("a", "passes", start))
		for i := range 4 { // one batch is on its way each time
			r.to.fail = func(*destination.Batch) (error, bool) { return errDown, arrived }
			r.Error(c.Flush(r.ctx))
			r.Equal(1, c.Stats().InFlight)
			r.NoError(c.Close(done(r.ctx)))
			switch i {
			case 1:
				r.src.change(entered("a", "returns", start))
			case 3:
				r.src.change(exited("a", "passes", start))
			}
			c = r.connect(destination.Config{BatchSize: 1})
		}
		r.to.fail = nil
		r.NoError(r.hub.Flush(r.ctx))
		r.EqualValues(-1, r.sync())
		r.Equal([]string{"enters a", "returns a"}, r.to.in())
	}
}

// flushAll sends until nothing is left, whatever fails.
func flushAll(c *destination.Connection) {
	_ = c.Flush(context.Background())
	for s := c.Stats(); s.Queued+s.InFlight > 0; s = c.Stats() {
		_ = c.Flush(context.Background())
	}
}
