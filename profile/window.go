package profile

import (
	"fmt"
	"strings"
	"time"
)

// Units of durations. A day is 24 hours, always; what knows the calendar and daylight
// saving is Calendar and the lengths in months.
const (
	Day  = 24 * time.Hour
	Week = 7 * Day
)

// MaxWindow is the longest window. Leave the window out to count all time.
const MaxWindow = 50 * 365 * Day

// MinTime and MaxTime bound the times the engine takes: [MinTime, MaxTime).
// Within them an instant plus MaxWindow is an exact int64 of Unix nanoseconds.
var (
	MinTime = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	MaxTime = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

var minSecond, maxSecond = MinTime.Unix(), MaxTime.Unix()

// CheckTime returns an error wrapping ErrTime for a time that the engine does
// not take.
func CheckTime(t time.Time) error {
	switch s := t.Unix(); {
	case minSecond <= s && s < maxSecond:
		return nil
	case t.IsZero():
		return fmt.Errorf("%w: the time is zero", ErrTime)
	}
	return fmt.Errorf("%w: %s", ErrTime, t.UTC().Format(time.RFC3339))
}

// Window selects events by when they were: by their age, half-open to the nanosecond; between
// fixed instants; by the unit of the calendar that they are in. Of several it is what
// they have in common. The zero Window is all time up to now.
//
// An event begins to count at its time, and not before. It counts
//
//   - of an age in [Min, Max), from its time + Min until its time + Max. MinMonths and
//     MaxMonths are calendar months before these durations: the same day and time of the
//     clock in Zone so many months later, on the last day of the month where there is no
//     such day, and where the clock skips that time when it goes on;
//   - if its time is in [Since, Until), whatever now is. Either may be zero: no bound;
//   - while the unit of the calendar that it is in, in Zone, is one of From to To counted
//     from that of now: 0 is this one, -1 the last one. A unit goes from the instant at
//     which the clock in Zone first shows its first day to that of the next one: mostly
//     from midnight to midnight, also where a day has 23 or 25 hours.
type Window struct {
	Min, Max             time.Duration
	MinMonths, MaxMonths int

	Since, Until time.Time // in UTC

	Unit     Unit
	From, To int

	Zone string // see LoadZone
}

// Within is the window of the last d: event time in (now-d, now]. Within(0) is
// empty, which Validate refuses.
func Within(d time.Duration) Window { return Between(0, d) }

// WithinMonths is the window of the last n calendar months; 12 are a year.
func WithinMonths(n int) Window { return BetweenMonths(0, n) }

// Between is the window of ages in [min, max).
func Between(min, max time.Duration) Window {
	if min == 0 && max == 0 {
		return empty // the zero Window would be all time
	}
	return Window{Min: min, Max: max}
}

// BetweenMonths is the window of ages from min to max calendar months.
func BetweenMonths(min, max int) Window {
	if min == 0 && max == 0 {
		return empty
	}
	return Window{MinMonths: min, MaxMonths: max}
}

// Since is the window of events from t on.
func Since(t time.Time) Window { return Window{Since: t.UTC().Round(0)} }

// Until is the window of events before t.
func Until(t time.Time) Window { return Window{Until: t.UTC().Round(0)} }

// During is the window of events in [since, until).
func During(since, until time.Time) Window { return Since(since).And(Until(until)) }

// This is the window of the unit of the calendar that now is in, in a zone.
func This(unit Unit, zone string) Window { return Units(unit, zone, 0, 0) }

// Last is the window of the unit of the calendar before the one that now is in.
func Last(unit Unit, zone string) Window { return Units(unit, zone, -1, -1) }

// Units is the window of the units of the calendar from one to another, counted from
// the one that now is in: Units(UnitDay, zone, -7, -1) is the last seven whole days.
func Units(unit Unit, zone string, from, to int) Window {
	return Window{Unit: unit, Zone: zone, From: from, To: to}
}

// In returns w in a zone: where its months and the units of its calendar are.
func (w Window) In(zone string) Window {
	w.Zone = zone
	return w
}

var empty = Window{Min: 1, Max: 1}

// apart is what windows have in common that cannot be said as one.
var apart = Window{Min: 2, Max: 2}

// And returns the window of what is in both. One of nothing is not valid, and one of
// different calendars, or of months and durations, is none either.
func (w Window) And(x Window) Window {
	switch {
	case w.IsZero():
		return x
	case x.IsZero():
		return w
	case w == empty || x == empty:
		return empty
	case w == apart || x == apart,
		w.zoned() && x.zoned() && w.Zone != x.Zone,
		w.Unit != NoUnit && x.Unit != NoUnit && w.Unit != x.Unit:
		return apart
	}
	both, ok := w.andAges(x)
	if !ok {
		return both
	}
	if !x.zoned() {
		both.Zone = w.Zone
	}
	both.Since, both.Until = w.Since, w.Until
	if x.Since.After(both.Since) {
		both.Since = x.Since
	}
	if both.Until.IsZero() || !x.Until.IsZero() && x.Until.Before(both.Until) {
		both.Until = x.Until
	}
	both.Unit, both.From, both.To = x.Unit, x.From, x.To
	if x.Unit == NoUnit {
		both.Unit, both.From, both.To = w.Unit, w.From, w.To
	} else if w.Unit != NoUnit {
		both.From, both.To = max(w.From, x.From), min(w.To, x.To)
	}
	return both
}

// andAges returns the ages that are in both windows, in the zone of x.
func (w Window) andAges(x Window) (both Window, ok bool) {
	both.Zone = x.Zone
	switch {
	case !w.aged():
		both.Min, both.Max, both.MinMonths, both.MaxMonths = x.Min, x.Max, x.MinMonths, x.MaxMonths
	case !x.aged():
		both.Min, both.Max, both.MinMonths, both.MaxMonths = w.Min, w.Max, w.MinMonths, w.MaxMonths
	case w.monthly() || x.monthly():
		if min, max := w.ages(); !sameLengths(min, max, x) {
			return apart, false
		}
		both.Min, both.Max, both.MinMonths, both.MaxMonths = w.Min, w.Max, w.MinMonths, w.MaxMonths
	default:
		both.Min, both.Max = max(w.Min, x.Min), min(w.Max, x.Max)
		if both.Max <= both.Min {
			return empty, false
		}
	}
	return both, true
}

func sameLengths(min, max length, x Window) bool {
	xMin, xMax := x.ages()
	return min == xMin && max == xMax
}

// IsZero reports whether w is all time.
func (w Window) IsZero() bool { return w == Window{} }

// Plain reports whether w is of ages in durations alone, or all time.
func (w Window) Plain() bool { return w == Window{Min: w.Min, Max: w.Max} }

// aged reports whether w asks for an age, monthly whether for one in months, zoned
// whether it asks for anything that a zone decides.
func (w Window) aged() bool    { return w.monthly() || w.Min != 0 || w.Max != 0 }
func (w Window) monthly() bool { return w.MinMonths != 0 || w.MaxMonths != 0 }
func (w Window) zoned() bool   { return w.monthly() || w.Unit != NoUnit }

func (w Window) ages() (min, max length) {
	return length{w.MinMonths, w.Min}, length{w.MaxMonths, w.Max}
}

// Longest returns how long after its time an event can count at most; ok is false
// where it can for ever.
func (w Window) Longest() (d time.Duration, ok bool) {
	if _, max := w.ages(); w.aged() {
		d, ok = max.most(), true
		if w.monthly() {
			d += Day // a zone may move its clock
		}
	}
	if w.Unit != NoUnit {
		if longest := w.Unit.longest(1 - w.From); !ok || longest < d {
			d, ok = longest, true
		}
	}
	return d, ok
}

// Validate returns an error wrapping ErrInvalid unless events can be in w: its
// lengths are of at most MaxWindow, it is not empty, no unit of it is still to come,
// and there is such a zone.
func (w Window) Validate() error {
	if w.To > 0 {
		return fmt.Errorf("%w: to %d: events of a %s that is to come cannot count", ErrInvalid, w.To, w.Unit)
	}
	return w.ValidateOfDates()
}

// ValidateOfDates is Validate for a window of dates, which may be to come.
func (w Window) ValidateOfDates() error {
	switch {
	case w.IsZero():
		return nil
	case w == apart:
		return fmt.Errorf("%w: windows that cannot be one: of different zones or units of the calendar, or of months and days", ErrInvalid)
	case w.Zone != "" && !w.zoned():
		return fmt.Errorf("%w: a zone is for units of the calendar and lengths in months", ErrInvalid)
	}
	if _, err := LoadZone(w.Zone); err != nil {
		return err
	}
	if err := w.validateAges(); err != nil {
		return err
	}
	for _, bound := range []time.Time{w.Since, w.Until} {
		if bound.IsZero() {
			continue
		}
		if err := CheckTime(bound); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	switch {
	case !w.Since.IsZero() && !w.Until.IsZero() && !w.Since.Before(w.Until):
		return fmt.Errorf("%w: window is empty: until is not after since", ErrInvalid)
	case int(w.Unit) >= len(unitNames):
		return fmt.Errorf("%w: %s", ErrInvalid, w.Unit)
	case w.Unit == NoUnit && (w.From != 0 || w.To != 0):
		return fmt.Errorf("%w: from and to are for a window of a unit of the calendar", ErrInvalid)
	case w.From > w.To:
		return fmt.Errorf("%w: window is empty: from %d to %d", ErrInvalid, w.From, w.To)
	case w.From < -w.Unit.most() || w.To > w.Unit.most():
		return fmt.Errorf("%w: window of more than %d units", ErrInvalid, w.Unit.most())
	}
	return nil
}

func (w Window) validateAges() error {
	min, max := w.ages()
	switch {
	case !w.aged():
		return nil
	case w.Min < 0 || w.MinMonths < 0 || w.MaxMonths < 0:
		return fmt.Errorf("%w: window starts at age %s, before now", ErrInvalid, FormatDuration(w.Min))
	case w == empty:
		return fmt.Errorf("%w: window of no length", ErrInvalid)
	case max.most() <= min.least():
		return fmt.Errorf("%w: window [%s, %s) is empty", ErrInvalid, min, max)
	case w.Max > MaxWindow || w.MaxMonths > maxMonths || w.Max+time.Duration(w.MaxMonths)*(365*Day/12) > MaxWindow:
		return fmt.Errorf("%w: window longer than %s", ErrInvalid, FormatDuration(MaxWindow))
	}
	return nil
}

// String returns the window as its JSON form reads.
func (w Window) String() string {
	if w.IsZero() {
		return "ever"
	}
	var parts []string
	if min, max := w.ages(); w.aged() {
		if min == (length{}) {
			parts = append(parts, "within "+max.String())
		} else {
			parts = append(parts, "between "+min.String()+" and "+max.String())
		}
	}
	if !w.Since.IsZero() {
		parts = append(parts, "since "+formatInstant(w.Since))
	}
	if !w.Until.IsZero() {
		parts = append(parts, "until "+formatInstant(w.Until))
	}
	if w.Unit != NoUnit {
		parts = append(parts, w.units())
	}
	text := strings.Join(parts, ", ")
	if w.Zone != "" {
		text += " (" + w.Zone + ")"
	}
	return text
}

// units says which units of the calendar count.
func (w Window) units() string {
	switch {
	case w.From == 0 && w.To == 0:
		return "this " + w.Unit.String()
	case w.From == -1 && w.To == -1:
		return "last " + w.Unit.String()
	case w.From == 1 && w.To == 1:
		return "next " + w.Unit.String()
	}
	return fmt.Sprintf("%ss %d to %d", w.Unit, w.From, w.To)
}
