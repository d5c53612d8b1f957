package horizon

import (
	"math"
	"time"

	"github.com/muster-go/muster/profile"
)

// Window is a compiled profile.Window: for an event of any time it has the instants at which
// the event counts, from Start until End. Both are functions of the event's time alone, so
// all that counts events works in the same way whatever the window.
//
// Where Ordered, neither goes back from an event to a later one. They do with calendar
// months: an event of January 30 at noon counts a month until noon of February 28, one of
// the 31st in the morning until the morning of that day.
//
// A Window is not changed once it is made, and safe for concurrent use.
type Window struct {
	plain    bool  // of ages in durations alone, or all time
	from, to int64 // these; to is Never where there is no upper one

	fromMonths, toMonths int
	since, until         int64 // of fixed instants
	clock                clock
	unit                 profile.Unit
	low, high            int
	spans                *spans // of the units of the calendar
}

// NewWindow compiles a window of events, which must be valid.
func NewWindow(w profile.Window) *Window { return newWindow(w, true) }

// NewDateWindow compiles a window of dates: where it is one of fixed instants or of units of
// the calendar, what is to come counts before its time.
func NewDateWindow(w profile.Window) *Window { return newWindow(w, false) }

func newWindow(w profile.Window, past bool) *Window {
	c := &Window{
		plain: w.Plain(), from: int64(w.Min), to: Never,
		fromMonths: w.MinMonths, toMonths: w.MaxMonths,
		since: math.MinInt64, until: Never,
		unit: w.Unit, low: w.From, high: w.To,
	}
	if w.Max > 0 || w.MaxMonths > 0 {
		c.to = int64(w.Max)
	}
	if !w.Since.IsZero() {
		c.since = w.Since.UnixNano()
	}
	if !w.Until.IsZero() {
		c.until = w.Until.UnixNano()
	}
	if at, err := profile.LoadZone(w.Zone); err == nil {
		c.clock = clock{at}
	}
	if w.Unit != profile.NoUnit {
		c.spans = new(spans)
	}
	if !past && !c.aged() && !c.plain {
		c.from = math.MinInt64
	}
	return c
}

// aged reports whether it asks for an age.
func (w *Window) aged() bool { return w.to != Never }

// Ends reports whether events stop to count.
func (w *Window) Ends() bool { return w.to != Never || w.spans != nil }

// Ordered reports whether neither Start nor End goes back from an event to a later one.
func (w *Window) Ordered() bool { return w.fromMonths == 0 && w.toMonths == 0 }

// Delays reports whether an event may begin to count only after its time.
func (w *Window) Delays() bool {
	return w.from > 0 || w.fromMonths > 0 || w.spans != nil && w.high < 0
}

// Span returns the instants at which an event of a time counts, [start, end): Never is for
// ever, and one that never counts has an end that is not after its start.
func (w *Window) Span(at int64) (start, end int64) {
	if w.plain {
		if w.to == Never {
			return at, Never
		}
		return at + w.from, at + w.to
	}
	if !w.Includes(at) {
		return at, at
	}
	return w.Start(at), w.End(at)
}

// Includes reports whether a time lies between the fixed instants.
func (w *Window) Includes(at int64) bool { return w.since <= at && at < w.until }

// Start returns when an event of a time begins to count, if it ever does.
func (w *Window) Start(at int64) int64 {
	start := int64(math.MinInt64)
	switch {
	case w.fromMonths > 0:
		start = w.clock.later(at, w.fromMonths) + w.from
	case w.from != math.MinInt64:
		start = at + w.from
	}
	if w.spans != nil {
		start = max(start, w.span(at).start)
	}
	return start
}

// End returns when an event of a time stops to count, the fixed instants aside.
func (w *Window) End(at int64) int64 {
	end := Never
	switch {
	case w.toMonths > 0:
		end = w.clock.later(at, w.toMonths) + w.to
	case w.to != Never:
		end = at + w.to
	}
	if w.spans != nil {
		end = min(end, w.span(at).end)
	}
	return end
}

// slack is more than what clamping to the end of a month, or a change of a clock, moves an
// instant by.
const slack = int64(5 * profile.Day)

// Over returns a time such that End is not after now for all events up to it and, where
// Ordered, for no other.
func (w *Window) Over(now int64) int64 {
	last := int64(math.MinInt64)
	switch {
	case w.toMonths > 0:
		last = w.clock.later(now-w.to, -w.toMonths) - slack
	case w.to != Never:
		last = now - w.to
	}
	if w.spans != nil {
		first := w.clock.start(w.unit, w.clock.index(w.unit, now)+w.low)
		last = max(last, first-1)
	}
	return last
}

// From returns the time before which no event can count at now or later; zero if there is
// none.
func (w *Window) From(now int64) time.Time {
	from := max(w.since, w.Over(now)) // it is an event more than need be
	if from == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(0, from)
}

// span returns that of the units of the calendar, without regard to the time in the unit.
func (w *Window) span(at int64) unitSpan {
	return w.spans.of(at, func() unitSpan {
		i := w.clock.index(w.unit, at)
		return unitSpan{
			first: w.clock.start(w.unit, i), last: w.clock.start(w.unit, i+1),
			start: w.clock.start(w.unit, i-w.high), end: w.clock.start(w.unit, i-w.low+1),
		}
	})
}
