package traitset

import (
	"time"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Date is a condition on a date, ready to be answered.
type Date struct {
	trait.Date
	keys []profile.Key
	span *horizon.Window // the past, of one that is not yearly
	zone *time.Location  // of a yearly one
}

// NewDate returns a condition that is valid.
func NewDate(d trait.Date) Date {
	c := Date{Date: d, span: horizon.NewDateWindow(d.Window.Past)}
	names, _ := d.Path() // it is valid
	for _, name := range names {
		c.keys = append(c.keys, (*profile.Dict)(nil).Key(name))
	}
	if d.Yearly {
		c.zone, _ = profile.LoadZone(d.Zone) // it is valid
	}
	return c
}

// Trait returns the name of the trait that the date is in.
func (c *Date) Trait() string { return c.keys[0].String() }

// Value returns the date, or what stands in its place; null: there is nothing.
func (c *Date) Value(of property.Fields) profile.Value {
	return property.Source{Keys: c.keys}.Value(of)
}

// Holds answers the condition at t (Unix nanoseconds), for the value of the date. One that is
// no date makes it false.
func (c *Date) Holds(value profile.Value, t int64) horizon.Verdict {
	w := c.Window
	date, ok := profile.ParseTime(value)
	switch {
	case !ok:
		return horizon.Always(false)
	case c.Yearly:
		return c.yearly(value, date, t)
	case w.Absolute():
		return horizon.Always(between(w, date))
	}
	from, to := c.dueAt(date)
	switch {
	case from >= to:
	case t < from:
		return horizon.Verdict{True: false, Until: from}
	case t < to:
		return horizon.Verdict{True: true, Until: to}
	}
	return horizon.Always(false)
}

// between reports whether a date lies in an absolute window.
func between(w trait.DateWindow, date time.Time) bool {
	return (w.After.IsZero() || date.After(w.After)) &&
		(w.From.IsZero() || !date.Before(w.From)) &&
		(w.Before.IsZero() || date.Before(w.Before))
}

// dueAt returns the instants [from, to) at which a date lies in a window
// relative to now.
func (c *Date) dueAt(date time.Time) (from, to int64) {
	at := date.UnixNano()
	if next := c.Window.Next; next > 0 {
		return at - int64(next), at
	}
	return c.span.Span(at)
}
