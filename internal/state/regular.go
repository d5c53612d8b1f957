package state

import (
	"math"
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
)

// Of a leaf that asks in how many of the last periods there are events, Times are when the
// events leave the last period, ascending, those to come among them. Of three of which the
// first and the last are at most a period apart the one between is always in the period of
// one of the others, so it is dropped: of n periods there are at most 2n+1 times, 8 bytes
// each, and some for what is to come.

// addRegular counts an event of time at.
func (m *matches) addRegular(l *network.Count, at, now int64) {
	_, x := l.Span(at)
	if x <= now {
		return
	}
	if len(m.Times) > 0 && m.Times[0] <= now {
		m.Forget(now)
	}
	i, found := slices.BinarySearch(m.Times, x)
	if found || i > 0 && i < len(m.Times) && m.Times[i]-m.Times[i-1] <= l.Length {
		return
	}
	if i > 1 && x-m.Times[i-2] <= l.Length {
		m.Times[i-1] = x // instead of the one before, which is between
		return
	}
	if i+1 < len(m.Times) && m.Times[i+1]-x <= l.Length {
		m.Times[i] = x
		return
	}
	m.insert(x, 0)
}

// regular answers the leaf at now.
func (m *matches) regular(l *network.Count, now int64) horizon.Verdict {
	m.Forget(now)
	span := int64(l.Periods) * l.Length
	past, until := m.Times, horizon.Never
	for n := len(past); n > 0 && past[n-1]-span > now; n-- {
		past, until = past[:n-1], past[n-1]-span // it is to come
	}
	if len(past) < l.Min {
		return horizon.Verdict{Until: until}
	}
	if x, ok := apart(past, l.Min, l.Length); ok {
		return horizon.Verdict{True: true, Until: min(until, x)}
	}
	var room [64]int64
	c := cycle{times: past, phases: room[:0], l: l, now: now}
	for _, x := range past {
		c.phases = append(c.phases, floorMod(x, l.Length))
	}
	c.phase = floorMod(now, l.Length)
	truth := c.now < c.end(c.phase)
	return horizon.Verdict{True: truth, Until: min(until, c.next(truth))}
}

// apart returns the oldest of n times of which each is at least a length after the one
// before, the newest there are: as long as it counts they are in n periods, whatever the
// instant.
func apart(times []int64, n int, length int64) (oldest int64, ok bool) {
	last := int64(math.MaxInt64)
	for i := len(times) - 1; i >= 0; i-- {
		if x := times[i]; last == math.MaxInt64 || last-x >= length {
			last = x
			if n--; n == 0 {
				return last, true
			}
		}
	}
	return 0, false
}

// cycle goes through the phases of a period. At instants that are a whole number of periods
// apart the same events are in one period, so for each phase the leaf holds up to an
// instant, if at all, and then no more until an event arrives.
type cycle struct {
	times  []int64 // of events that have happened, when they leave the last period
	phases []int64 // theirs
	l      *network.Count
	now    int64
	phase  int64 // that of now
}

// end returns the first instant of a phase at which the leaf does not hold.
func (c *cycle) end(phase int64) int64 {
	last, n := int64(math.MinInt64), c.l.Min
	for i := len(c.times) - 1; i >= 0; i-- {
		// The first instant of the phase at which the event is in no period.
		end := c.times[i] + c.from(c.phases[i], phase)
		if end != last {
			last = end
			if n--; n == 0 {
				return last
			}
		}
	}
	return math.MinInt64
}

// next returns the first instant after now at which the leaf holds, if it does not, or does
// not, if it does: which events share a period changes at the phases at which they begin
// one, and only there.
func (c *cycle) next(truth bool) int64 {
	next := horizon.Never
	for _, phase := range c.phases {
		at := c.now + c.from(c.phase, phase)
		if at == c.now {
			at += c.l.Length
		}
		switch end := c.end(phase); {
		case truth:
			next = min(next, max(at, end))
		case at < end:
			next = min(next, at)
		}
	}
	return next
}

// from returns how long it is from a phase to another.
func (c *cycle) from(phase, to int64) int64 {
	if to -= phase; to < 0 {
		to += c.l.Length
	}
	return to
}

func floorMod(a, b int64) int64 {
	if a %= b; a < 0 {
		a += b
	}
	return a
}
