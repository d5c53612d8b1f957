package destination_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
)

func TestConnectRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg  destination.Config
		want error
	}{
		"no mode":               {destination.Config{}, profile.ErrInvalid},
		"an unknown mode":       {destination.Config{Mode: 64}, profile.ErrInvalid},
		"lists and messages":    {destination.Config{Mode: destination.Lists | destination.Track}, profile.ErrInvalid},
		"an unsupported mode":   {destination.Config{Mode: destination.Track}, destination.ErrMode},
		"an unknown audience":   {destination.Config{Mode: destination.Identify, Audiences: []string{"a", "b"}}, profile.ErrNotFound},
		"a negative interval":   {destination.Config{Mode: destination.Identify, Interval: -1}, profile.ErrInvalid},
		"a negative batch size": {destination.Config{Mode: destination.Identify, BatchSize: -1}, profile.ErrInvalid},
		"an unknown trait":      {destination.Config{Mode: destination.Identify, Traits: []string{"a"}}, profile.ErrNotFound},
		"unknown account calls": {destination.Config{Mode: destination.Identify, Accounts: 9}, profile.ErrInvalid},
		"an id that is no text": {destination.Config{Mode: destination.Identify, AnonymousID: "\xff"}, profile.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "a")
			_, err := r.hub.Connect(r.ctx, identifyOnly{r.to}, tt.cfg)
			r.ErrorIs(err, tt.want)
			r.connect(destination.Config{}) // the type is still free
		})
	}
}

// identifyOnly is a receiver that supports one mode.
type identifyOnly struct{ *receiver }

func (identifyOnly) Modes() destination.Mode { return destination.Identify }

func TestConnectWantsADestinationWithAType(t *testing.T) {
	r := newRig(t)
	_, err := r.hub.Connect(r.ctx, nil, destination.Config{Mode: destination.Identify})
	r.ErrorIs(err, profile.ErrInvalid)
	r.to.name = ""
	_, err = r.hub.Connect(r.ctx, r.to, destination.Config{Mode: destination.Identify})
	r.ErrorIs(err, profile.ErrInvalid)
}

func TestOneConnectionPerType(t *testing.T) {
	r := newRig(t, "a")
	c := r.connect(destination.Config{})
	_, err := r.hub.Connect(r.ctx, newReceiver(t), destination.Config{Mode: destination.Identify})
	r.ErrorIs(err, destination.ErrConnected)

	other := newReceiver(t)
	other.name = "other"
	_, err = r.hub.Connect(r.ctx, other, destination.Config{Mode: destination.Track})
	r.NoError(err)
	r.Len(r.hub.Connections(), 2)

	r.NoError(c.Close(r.ctx))
	r.connect(destination.Config{})
}

// Who enters and exits within an interval is not sent, and neither is one who is
// known and exits and enters.
func TestIntervalFoldsToTheNetChange(t *testing.T) {
	r := newRig(t, "a", "b")
	r.src.store(entered("a", "known", start))
	c := r.connect(destination.Config{Interval: time.Hour})
	r.EqualValues(-1, r.sync())
	r.Equal([]string{"known: a true"}, r.to.got())

	at := r.pass(10 * time.Minute)
	r.src.change(exited("a", "known", at))
	r.src.change(entered("a", "short", at))
	r.src.change(entered("a", "stays", at))
	r.src.change(entered("b", "short", at))
	r.Equal(50*time.Minute, r.sync())
	at = r.pass(10 * time.Minute)
	r.src.change(entered("a", "known", at))
	r.src.change(exited("a", "short", at))
	r.Empty(r.to.got(), "the interval has not passed")
	r.Equal(2, c.Stats().Queued)
	r.EqualValues(2, c.Stats().Folded)

	r.pass(40 * time.Minute)
	r.EqualValues(-1, r.sync())
	r.Equal([]string{"stays: a true", "short: b true"}, r.to.got())

	// Syncs stay an interval apart, also when there was nothing to send.
	at = r.pass(2*time.Hour + 30*time.Minute)
	r.src.change(exited("a", "stays", at))
	r.Equal(30*time.Minute, r.sync())
	r.Empty(r.to.got())
	r.NoError(r.hub.Flush(r.ctx))
	r.Equal([]string{"stays: a false"}, r.to.got())
	r.src.change(entered("a", "stays", at))
	r.Equal(time.Hour, r.sync(), "after what Flush sent")
}

func TestBatches(t *testing.T) {
	r := newRig(t, "a")
	for i := range 25 {
		r.src.store(entered("a", fmt.Sprintf("u%02d", i), start))
	}
	c := r.connect(destination.Config{BatchSize: 10})
	r.EqualValues(-1, r.sync())
	r.Equal([]int{10, 10, 5}, r.to.sizes)
	s := c.Stats()
	r.Equal(destination.Stats{Known: 25, Sent: 25, Batches: 3}, s)
}

// A connection that is closed goes on where it was; one that is disconnected begins anew.
func TestCloseAndDisconnect(t *testing.T) {
	r := newRig(t, "a")
	r.src.store(entered("a", "u", start))

	c := r.connect(destination.Config{Interval: time.Hour})
	r.NoError(c.Close(done(r.ctx)))
	r.NoError(c.Close(r.ctx), "nothing more happens")
	r.ErrorIs(c.Flush(r.ctx), profile.ErrClosed)
	r.Zero(r.to.attempts)

	c = r.connect(destination.Config{Interval: time.Hour})
	r.Equal(1, c.Stats().Queued)
	err := r.hub.Disconnect(done(r.ctx), "test")
	var unsent *destination.UnsentError
	r.ErrorAs(err, &unsent)
	r.Equal(1, unsent.Changes)
	r.ErrorContains(err, "test: 1 changes were not sent")
	r.Zero(r.to.attempts)
	r.ErrorIs(r.hub.Disconnect(r.ctx, "test"), profile.ErrNotFound)

	r.to.fail = func(*destination.Batch) (error, bool) { return errDown, false }
	r.connect(destination.Config{})
	r.ErrorIs(r.hub.Disconnect(r.ctx, "test"), errDown)

	r.to.fail = nil
	r.connect(destination.Config{Interval: time.Hour})
	r.NoError(r.hub.Disconnect(r.ctx, "test"))
	r.Equal([]string{"u: a true"}, r.to.got(), "what waits is sent")
	c = r.connect(destination.Config{})
	r.sync()
	r.Equal(1, r.to.repeats, "nothing is known any more")
	r.NoError(c.Close(r.ctx))
	r.NoError(r.hub.Disconnect(r.ctx, "test"), "of a former process")
	r.connect(destination.Config{})
	r.sync()
	r.Equal(2, r.to.repeats)

	r.NoError(r.hub.Close(r.ctx))
	_, err = r.hub.Sync(r.ctx)
	r.ErrorIs(err, profile.ErrClosed)
	r.ErrorIs(r.hub.Flush(r.ctx), profile.ErrClosed)
	r.ErrorIs(r.hub.Disconnect(r.ctx, "test"), profile.ErrClosed)
	_, err = r.hub.Connect(r.ctx, r.to, destination.Config{Mode: destination.Identify})
	r.ErrorIs(err, profile.ErrClosed)
	r.NoError(r.hub.Run(r.ctx))
	r.NoError(r.hub.Close(r.ctx))
}

// closing is a receiver that wants to be closed.
type closing struct{ *receiver }

func (closing) Close() error { return errDown }

func TestCloseClosesTheDestination(t *testing.T) {
	r := newRig(t, "a")
	c, err := r.hub.Connect(r.ctx, closing{r.to}, destination.Config{Mode: destination.Identify})
	r.NoError(err)
	r.Equal("test", c.Type())
	r.ErrorIs(c.Close(r.ctx), errDown)
}
