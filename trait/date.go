package trait

import (
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
)

// Date is a condition on a date that a trait holds. The date is read as
// profile.ParseTime reads it; a trait that is missing, or no date, makes the
// condition false.
type Date struct {
	Name   string     `json:"name"`
	Window DateWindow `json:"window,omitzero"`
}

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
	return d.Window.Validate()
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
