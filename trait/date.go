package trait

import (
	"fmt"
	"time"

	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
)

// Date is a condition on a date that a trait holds. The date is read as
// profile.ParseTime reads it; a trait that is missing, or no date, makes the
// condition false.
type Date struct {
	// Name is that of the trait, or a path into it: "subscription.renewal". A key with a dot
	// or a bracket is written ["a.b"].
	Name string `json:"name"`
	// Yearly says that the day of the date counts in each year from that of the date on, from
	// the first instant that a clock in Zone shows it: a birthday, an anniversary. February
	// 29 is on March 1 in other years. A date without a time is that day in any zone; one
	// with a time the day that it is on in Zone.
	Yearly bool       `json:"yearly,omitempty"`
	Zone   string     `json:"zone,omitempty"` // of Yearly; see profile.LoadZone
	Window DateWindow `json:"window,omitzero"`
}

// InYears returns d about the day of the date in each year, as a clock in a zone shows it.
func (d Date) InYears(zone string) Date {
	d.Yearly, d.Zone = true, zone
	return d
}

// MaxYearly bounds the windows of yearly dates, such that those of two years never meet: a
// year has 364 days where a zone skipped one, as Samoa did in 2011.
const MaxYearly = 363 * profile.Day

// Path returns the keys that Name is. The error wraps profile.ErrInvalid.
func (d Date) Path() ([]string, error) { return property.ParsePath(d.Name) }

// DateWindow says where the date has to lie: relative to now, or between given
// instants, whatever now is. The zero DateWindow is the past: the condition
// holds from the date on.
type DateWindow struct {
	// Past is of ages of the date, until now. A window of fixed instants, or of units of the
	// calendar, is of all dates in it, also of those to come: those of this month.
	Past profile.Window
	Next time.Duration // or: in the coming Next, half-open: true on [date-Next, date)

	// Or a bound on either side: the date is later than After, or not earlier
	// than From, and earlier than Before. A bound that is zero is none. A day
	// alone is its first instant in UTC.
	After, From, Before time.Time
}

// WithinLast is the window of the last d: the date lies in (now-d, now].
func WithinLast(d time.Duration) DateWindow { return DateWindow{Past: profile.Within(d)} }

// Between is the window of ages in [min, max).
func Between(min, max time.Duration) DateWindow {
	return DateWindow{Past: profile.Between(min, max)}
}

// WithinNext is the window of the coming d: the date lies in (now, now+d].
func WithinNext(d time.Duration) DateWindow { return DateWindow{Next: d} }

// After is the window of dates later than t.
func After(t time.Time) DateWindow { return DateWindow{After: t.UTC()} }

// Before is the window of dates earlier than t.
func Before(t time.Time) DateWindow { return DateWindow{Before: t.UTC()} }

// In is a window of package profile: of calendar months, of units of the calendar.
func In(w profile.Window) DateWindow { return DateWindow{Past: w} }

// During is the window of dates in [from, before).
func During(from, before time.Time) DateWindow {
	return DateWindow{From: from.UTC(), Before: before.UTC()}
}

// Validate returns an error wrapping profile.ErrInvalid or ErrTime for a name
// or a window that cannot be.
func (d Date) Validate() error {
	if err := profile.CheckID("trait name", d.Name); err != nil {
		return err
	}
	if _, err := d.Path(); err != nil {
		return strictjson.At("name", err)
	}
	if err := d.Window.Validate(); err != nil {
		return err
	}
	if !d.Yearly {
		if d.Zone != "" {
			return strictjson.At("zone", fmt.Errorf("%w: it is for yearly dates", profile.ErrInvalid))
		}
		return nil
	}
	if _, err := profile.LoadZone(d.Zone); err != nil {
		return strictjson.At("zone", err)
	}
	if w := d.Window; w.Absolute() || w.IsZero() || w.Next > MaxYearly || w.Past.Max > MaxYearly || !w.Past.Plain() {
		return strictjson.At("window", fmt.Errorf("%w: a yearly date has a window within, between or next, in days and hours, of at most %s", profile.ErrInvalid, profile.FormatDuration(MaxYearly)))
	}
	return nil
}

// Validate returns an error wrapping profile.ErrInvalid or ErrTime for a window
// that cannot be.
func (w DateWindow) Validate() error {
	switch {
	case w.Next < 0 || w.Next > profile.MaxWindow:
		return fmt.Errorf("%w: next %s", profile.ErrInvalid, profile.FormatDuration(w.Next))
	case w.Next > 0 && !w.Past.IsZero():
		return fmt.Errorf("%w: a date window is either past or next", profile.ErrInvalid)
	case !w.Absolute():
		return w.Past.ValidateOfDates()
	case w.Next > 0 || !w.Past.IsZero():
		return fmt.Errorf("%w: a date window is either relative to now or between instants", profile.ErrInvalid)
	case !w.After.IsZero() && !w.From.IsZero():
		return fmt.Errorf("%w: a date window is either after or from an instant", profile.ErrInvalid)
	}
	for _, bound := range []time.Time{w.After, w.From, w.Before} {
		if bound.IsZero() {
			continue
		}
		if err := profile.CheckTime(bound); err != nil {
			return err
		}
	}
	if from, before := w.bounds(); from >= before {
		return fmt.Errorf("%w: no date is both %s", profile.ErrInvalid, w)
	}
	return nil
}

// Absolute reports whether the window lies between instants, whatever now is.
func (w DateWindow) Absolute() bool {
	return !w.After.IsZero() || !w.From.IsZero() || !w.Before.IsZero()
}

// bounds returns the dates in an absolute window, [from, before).
func (w DateWindow) bounds() (from, before int64) {
	from, before = profile.MinTime.UnixNano(), profile.MaxTime.UnixNano()
	switch {
	case !w.After.IsZero():
		from = w.After.UnixNano() + 1
	case !w.From.IsZero():
		from = w.From.UnixNano()
	}
	if !w.Before.IsZero() {
		before = w.Before.UnixNano()
	}
	return from, before
}

// IsZero reports whether w is the past.
func (w DateWindow) IsZero() bool { return w == DateWindow{} }
