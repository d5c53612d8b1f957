package oracle

import (
	"sort"
	"sync"
	"time"

	"github.com/muster-go/muster/profile"
)

// counts reports whether an event of a time counts at t.
func counts(w profile.Window, at, t int64) bool { return at <= t && dated(w, at, t) }

// dated reports whether a date lies in a window at t.
func dated(w profile.Window, at, t int64) bool {
	zone := zoneOf(w.Zone)
	aged := w.Min != 0 || w.Max != 0 || w.MinMonths != 0 || w.MaxMonths != 0
	switch {
	case aged && (t < after(at, w.MinMonths, w.Min, zone) || t >= after(at, w.MaxMonths, w.Max, zone)):
		return false
	case w.IsZero() && t < at:
		return false
	case !w.Since.IsZero() && at < w.Since.UnixNano():
		return false
	case !w.Until.IsZero() && at >= w.Until.UnixNano():
		return false
	case w.Unit != profile.NoUnit:
		units := unitOf(w.Unit, dayOf(at, zone)) - unitOf(w.Unit, dayOf(t, zone))
		return w.From <= units && units <= w.To
	}
	return true
}

// edges returns the instants at which an event of a time, or a date, may begin or stop to
// count.
func edges(w profile.Window, at int64) []int64 {
	zone := zoneOf(w.Zone)
	all := []int64{at, after(at, w.MinMonths, w.Min, zone), after(at, w.MaxMonths, w.Max, zone)}
	if w.Unit == profile.NoUnit {
		return all
	}
	today := dayOf(at, zone)
	is := unitOf(w.Unit, today)
	for day := today; unitOf(w.Unit, day) >= is-w.To; day = day.AddDate(0, 0, -1) {
		all = appendBeginning(all, w.Unit, day, zone)
	}
	for day := today; unitOf(w.Unit, day) <= is-w.From+1; day = day.AddDate(0, 0, 1) {
		all = appendBeginning(all, w.Unit, day, zone)
	}
	return all
}

// appendBeginning appends when a day begins, if it is the first of a unit.
func appendBeginning(all []int64, unit profile.Unit, day time.Time, zone *time.Location) []int64 {
	if unitOf(unit, day) == unitOf(unit, day.AddDate(0, 0, -1)) {
		return all
	}
	return append(all, shows(day, zone))
}

func zoneOf(name string) *time.Location {
	if zone, ok := zones.Load(name); ok {
		return zone.(*time.Location)
	}
	zone, err := profile.LoadZone(name)
	if err != nil {
		panic(err) // the window was checked
	}
	zones.Store(name, zone)
	return zone
}

// zones are the zones by name that were read: each would be read for each event.
var zones sync.Map

// after returns the instant so many months, and then so much, after another.
func after(at int64, months int, rest time.Duration, zone *time.Location) int64 {
	if months == 0 {
		return at + int64(rest)
	}
	t := onClock(at, zone)
	then := t.AddDate(0, months, 0)
	for then.Day() != t.Day() { // it is over the end of the month
		then = then.AddDate(0, 0, -1)
		if then.AddDate(0, 0, 1).Day() == 1 {
			break
		}
	}
	return shows(then, zone) + int64(rest)
}

// onClock returns what a zone's clock shows at an instant, as if it were UTC.
func onClock(at int64, zone *time.Location) time.Time {
	t := time.Unix(0, at).In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// dayOf returns the day of an instant, as if it were UTC: the last one that has begun, even if
// the clock was set back since.
func dayOf(at int64, zone *time.Location) time.Time {
	day := onClock(at, zone).Truncate(24 * time.Hour)
	if next := day.AddDate(0, 0, 1); shows(next, zone) <= at {
		return next
	}
	return day
}

// unitOf numbers the units of the calendar.
func unitOf(unit profile.Unit, day time.Time) int {
	switch unit {
	case profile.UnitYear:
		return day.Year()
	case profile.UnitQuarter:
		return 4*day.Year() + (int(day.Month())-1)/3
	case profile.UnitMonth:
		return 12*day.Year() + int(day.Month())
	case profile.UnitWeek:
		for day.Weekday() != time.Monday {
			day = day.AddDate(0, 0, -1)
		}
		return int(day.Sub(aMonday) / (7 * 24 * time.Hour))
	}
	return int(day.Sub(aMonday) / (24 * time.Hour))
}

var aMonday = time.Date(1899, 1, 2, 0, 0, 0, 0, time.UTC)

// shown is a time of a zone's clock.
type shown struct {
	zone string
	at   int64
}

// firsts are the instants at which clocks first show a time: finding one takes a while.
var firsts sync.Map // of shown

// shows returns the first instant at which a zone's clock shows a time, or a later one.
func shows(what time.Time, zone *time.Location) int64 {
	key := shown{zone.String(), what.UnixNano()}
	if known, ok := firsts.Load(key); ok {
		return known.(int64)
	}
	const step = int64(30 * time.Second)
	is := func(at int64) bool { return !onClock(at, zone).Before(what) }
	from := what.UnixNano() - int64(27*time.Hour)
	for !is(from + step) {
		from += step
	}
	first := from + int64(sort.Search(int(step), func(i int) bool { return is(from + int64(i)) }))
	firsts.Store(key, first)
	return first
}
