package traitset

import (
	"bytes"
	"time"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// yearly answers for the day of a date in each year from that of the date on. No two of the
// spans that it makes meet: they are shorter than any year.
func (c *Date) yearly(value profile.Value, date time.Time, t int64) horizon.Verdict {
	if !isDay(value) {
		date = date.In(c.zone)
	}
	first, month, day := date.Date()
	now := time.Unix(0, t).In(c.zone).Year()
	for year := max(first, now-2); year < profile.MaxTime.Year() && year <= max(first, now+2); year++ {
		from, to := c.dueAt(StartOfDay(year, month, day, c.zone))
		switch {
		case t < from:
			return horizon.Verdict{True: false, Until: from}
		case t < to:
			return horizon.Verdict{True: true, Until: to}
		}
	}
	return horizon.Always(false)
}

// isDay reports whether a date is a day alone, which it is in any zone: a text that says no
// time.
func isDay(v profile.Value) bool {
	text, ok := v.Bytes()
	if !ok {
		return false
	}
	text = bytes.TrimSpace(text)
	return len(text) == len("20060102") || len(text) == len(time.DateOnly) && text[4] == '-'
}

// StartOfDay returns the first instant at which the clock in a zone shows a day, or a later
// one: mostly midnight. February 29 is March 1 in years that have none.
func StartOfDay(year int, month time.Month, day int, zone *time.Location) time.Time {
	shown := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	const most = 26 * time.Hour // that a zone is from UTC
	for at := shown.Add(-most).In(zone); ; {
		_, offset := at.Zone()
		from, to := at.ZoneBounds()
		midnight := shown.Add(-time.Duration(offset) * time.Second)
		if midnight.Before(from) {
			midnight = from // the clock skipped it
		}
		if to.IsZero() || midnight.Before(to) {
			return midnight
		}
		at = to
	}
}
