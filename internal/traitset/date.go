package traitset

import (
	"time"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Date answers a condition on a date at t (Unix nanoseconds), for the value of
// the trait. One that is no date makes it false; span is w.Past, compiled.
func Date(w trait.DateWindow, span *horizon.Window, value profile.Value, t int64) horizon.Verdict {
	date, ok := profile.ParseTime(value)
	switch {
	case !ok:
		return horizon.Always(false)
	case w.Absolute():
		return horizon.Always(between(w, date))
	}
	from, to := dueAt(w, span, date)
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
func dueAt(w trait.DateWindow, span *horizon.Window, date time.Time) (from, to int64) {
	at := date.UnixNano()
	if w.Next > 0 {
		return at - int64(w.Next), at
	}
	return span.Span(at)
}
