package horizon

import (
	"sync/atomic"
	"time"

	"github.com/muster-go/muster/profile"
)

// clock is the one on the wall in a time zone. It is set forward and back, so a time that
// it shows is at one instant, at two, or at none. What begins at such a time begins at the
// first instant at which the clock shows it or a later one: time never goes back over it.
type clock struct{ zone *time.Location }

// first returns the first instant at which the clock shows a time, given as if it were
// UTC, or a later one.
func (c clock) first(shown int64) int64 {
	// No clock is more than a day ahead of another.
	at := time.Unix(0, shown-int64(26*time.Hour)).In(c.zone)
	for {
		_, offset := at.Zone()
		start, end := at.ZoneBounds()
		first := shown - int64(offset)*int64(time.Second)
		if !start.IsZero() && changes(start) {
			first = max(first, nanos(start))
		}
		if end.IsZero() || first < nanos(end) {
			return first
		}
		if !end.After(at) { // ZoneBounds is wrong at the end of some years after 2037
			end = at.Add(time.Hour)
		}
		at = end
	}
}

// changes reports whether the clock is set forward or back at an instant: where a rule says when
// that is, ZoneBounds gives the beginnings of years as well.
func changes(at time.Time) bool {
	_, before := at.Add(-1).Zone()
	_, after := at.Zone()
	return before != after
}

// nanos is UnixNano for times as far as it has them, and the nearest for others.
func nanos(t time.Time) int64 {
	if t.Before(earliest) {
		return earliest.UnixNano()
	}
	if t.After(latest) {
		return latest.UnixNano()
	}
	return t.UnixNano()
}

var (
	earliest = time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2260, 1, 1, 0, 0, 0, 0, time.UTC)
)

// midnight returns when a day begins.
func (c clock) midnight(year int, month time.Month, day int) int64 {
	return c.first(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).UnixNano())
}

// later returns the instant so many calendar months after another, or before: the same day
// of the month at the same time of the clock, on the last day of the month where there is
// no such day.
func (c clock) later(at int64, months int) int64 {
	t := time.Unix(0, at).In(c.zone)
	year, month, day := t.Date()
	month += time.Month(months)
	if last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day(); day > last {
		day = last
	}
	hour, minute, second := t.Clock()
	shown := time.Date(year, month, day, hour, minute, second, t.Nanosecond(), time.UTC).UnixNano()
	return c.first(shown)
}

// index returns the number of the unit that an instant is in: those of a kind are
// numbered without a gap.
func (c clock) index(unit profile.Unit, at int64) int {
	year, month, day := time.Unix(0, at).In(c.zone).Date()
	i := indexOf(unit, year, month, day)
	for at >= c.start(unit, i+1) {
		i++ // the clock was set back over the beginning of the next one
	}
	return i
}

func indexOf(unit profile.Unit, year int, month time.Month, day int) int {
	switch unit {
	case profile.UnitYear:
		return year
	case profile.UnitQuarter:
		return year*4 + (int(month)-1)/3
	case profile.UnitMonth:
		return year*12 + int(month) - 1
	}
	days := floorDiv(int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()), 24*60*60)
	if unit == profile.UnitDay {
		return days
	}
	return floorDiv(days+monday, 7)
}

// monday is how many days after a Monday the first of 1970 was.
const monday = 3

// start returns when a unit begins.
func (c clock) start(unit profile.Unit, i int) int64 {
	switch unit {
	case profile.UnitYear:
		return c.midnight(i, 1, 1)
	case profile.UnitQuarter:
		return c.midnight(floorDiv(i, 4), time.Month(3*(i-4*floorDiv(i, 4))+1), 1)
	case profile.UnitMonth:
		return c.midnight(floorDiv(i, 12), time.Month(i-12*floorDiv(i, 12)+1), 1)
	case profile.UnitWeek:
		i = 7*i - monday
	}
	return c.midnight(1970, 1, 1+i)
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// spans remembers, for times in [first, last), when they count: events are of few days.
type spans [64]atomic.Pointer[unitSpan]

type unitSpan struct{ first, last, start, end int64 }

// of returns the span of a time, by find if it is not known.
func (s *spans) of(at int64, find func() unitSpan) unitSpan {
	slot := &s[uint64(at)/uint64(profile.Day)%uint64(len(s))]
	if known := slot.Load(); known != nil && known.first <= at && at < known.last {
		return *known
	}
	found := find()
	slot.Store(&found)
	return found
}
