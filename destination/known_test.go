package destination_test

import (
	"encoding/json"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
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
			r.connect(destination.Config{Known: c.Known()})
		}
	}
	r.Equal([]string{"u: a true", "u: a false", "u: a true", "u: a false", "u: a true", "u: a false"}, r.to.got())
	r.Zero(r.to.repeats)
}

// Two hubs without a common memory give a transition the same id: the receiver
// drops what it has.
func TestIDsAreTheSameAfterARestart(t *testing.T) {
	r := newRig(t, "a")
	r.src.change(entered("a", "u", start.Add(-time.Hour)))
	r.connect(destination.Config{})
	r.sync()
	r.NoError(r.hub.Close(r.ctx))

	again := newRig(t)
	again.src, again.to = r.src, r.to
	again.hub = destination.NewHub(r.src, destination.Options{})
	again.connect(destination.Config{})
	again.sync()
	r.Equal([]string{"u: a true"}, r.to.got())
	r.Equal(1, r.to.repeats)
}

// A connection that is told what the receiver has sends the difference.
func TestKnown(t *testing.T) {
	r := newRig(t, "a", "b")
	for _, id := range []string{"stays", "goes"} {
		r.src.store(entered("a", id, start))
	}
	r.src.store(entered("b", "u", start))
	old := r.connect(destination.Config{})
	r.sync()
	r.NoError(old.Close(r.ctx))
	r.to.got()

	r.pass(time.Hour)
	r.src.change(exited("a", "goes", start.Add(time.Minute)))
	r.src.change(entered("a", "new", start.Add(time.Minute)))
	r.src.change(exited("b", "u", start.Add(time.Minute)))
	c := r.connect(destination.Config{Known: old.Known(), Audiences: []string{"a"}})
	r.sync()
	r.ElementsMatch([]string{"new: a true", "goes: a false"}, r.to.got())
	r.Equal(2, c.Stats().Known)
}

// What the engine says of a member's time counts, whatever was kept.
func TestKnownOfAnotherTime(t *testing.T) {
	r := newRig(t, "a")
	r.src.store(entered("a", "u", start))
	later := destination.State{Audience: "a", Ref: profile.UserRef("u"), At: start.Add(time.Hour)}
	r.to.members["u a"] = true
	r.connect(destination.Config{Known: slices.Values([]destination.State{later})})
	r.src.change(exited("a", "u", r.pass(time.Second)))
	r.sync()
	r.Equal([]string{"u: a false"}, r.to.got())
}

// What was on its way when a connection was closed comes again first, whether it
// arrived or not.
func TestKnownOfWhatWasOnItsWay(t *testing.T) {
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
			r.Error(c.Close(done(r.ctx)))
			switch i {
			case 1:
				r.src.change(entered("a", "returns", start))
			case 3:
				r.src.change(exited("a", "passes", start))
			}
			c = r.connect(destination.Config{BatchSize: 1, Known: kept(r, c)})
		}
		r.to.fail = nil
		r.EqualValues(-1, r.sync())
		r.Equal([]string{"enters a", "returns a"}, r.to.in())
	}
}

// kept returns what a connection knows after it was kept as JSON.
func kept(r *rig, c *destination.Connection) iter.Seq[destination.State] {
	text, err := json.Marshal(slices.Collect(c.Known()))
	r.NoError(err)
	var states []destination.State
	r.NoError(json.Unmarshal(text, &states))
	return slices.Values(states)
}
