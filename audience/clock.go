package audience

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/muster-go/muster/profile"
)

// Clock tells the engine what time it is.
type Clock interface{ Now() time.Time }

// ErrClockJump says that the clock is further ahead of the instant that the engine
// has reached than Options.MaxClockJump. Nothing has happened: with the clock put
// right the same call succeeds. If the clock is right, Advance brings the engine to
// it; what is due until then fires.
var ErrClockJump = errors.New("the clock is too far ahead")

// checkJump returns an error if the clock is too far ahead of the instant reached.
func (e *Engine) checkJump(now time.Time, reached int64) error {
	if e.maxJump < 0 || reached <= profile.MinTime.UnixNano() || now.UnixNano()-reached <= e.maxJump {
		return nil
	}
	return fmt.Errorf("%w: it says %s, and the engine is at %s", ErrClockJump, now.UTC().Format(time.RFC3339), instant(reached).Format(time.RFC3339))
}

// Now returns what time it is for the engine, in UTC: what its clock says, or the
// instant that Advance has reached if that is later or the clock says nothing
// that is a time (profile.CheckTime) or is too far ahead (ErrClockJump).
func (e *Engine) Now() time.Time {
	now, err := e.readClock()
	reached := e.last.Load()
	if err != nil || profile.CheckTime(now) != nil || now.UnixNano() < reached || e.checkJump(now, reached) != nil {
		return instant(reached)
	}
	return now.UTC()
}

// WallClock is the machine's clock, the default.
type WallClock struct{}

// Now returns time.Now().
func (WallClock) Now() time.Time { return time.Now() }

// ManualClock is a clock that moves when told to: for tests and for replaying
// the past. It is safe for concurrent use.
type ManualClock struct {
	now atomic.Int64 // Unix nanoseconds, or unset
}

const unset = math.MinInt64

// NewManualClock returns a clock that stands at now.
func NewManualClock(now time.Time) *ManualClock {
	c := &ManualClock{}
	c.now.Store(unset)
	c.Set(now)
	return c
}

// Now returns the instant at which the clock stands, in UTC. It is the zero
// time if the clock was never set to one that profile.CheckTime takes.
func (c *ManualClock) Now() time.Time {
	if now := c.now.Load(); now != unset {
		return instant(now)
	}
	return time.Time{}
}

// Set moves the clock to t; it never moves backwards. What is due until then
// fires with the engine's next call: what is due at t itself together with the
// data of that call.
func (c *ManualClock) Set(t time.Time) {
	if profile.CheckTime(t) != nil {
		return
	}
	for to := t.UnixNano(); ; {
		now := c.now.Load()
		if to <= now || c.now.CompareAndSwap(now, to) {
			return
		}
	}
}
