package horizon

import (
	"time"

	"github.com/muster-go/muster/profile"
)

// Units are those of a calendar in a zone: days, weeks, months. They are not changed once they are
// made, and safe for concurrent use.
type Units struct {
	clock clock
	unit  profile.Unit
	spans *spans
}

// NewUnits returns the units of a kind. The zone must be one.
func NewUnits(unit profile.Unit, zone string) *Units {
	u := &Units{unit: unit, spans: new(spans)}
	if at, err := profile.LoadZone(zone); err == nil {
		u.clock = clock{at}
	}
	return u
}

// Text says, for people, which unit begins at an instant: by its first day.
func (u *Units) Text(begin int64) string {
	layout := time.DateOnly
	if u.unit == profile.UnitMonth {
		layout = "2006-01"
	}
	return time.Unix(0, begin).In(u.clock.zone).Format(layout)
}

// Begin returns the instant at which the unit begins that an instant is in: no other has it.
func (u *Units) Begin(at int64) int64 {
	return u.spans.of(at, func() unitSpan {
		i := u.clock.index(u.unit, at)
		first, next := u.clock.start(u.unit, i), u.clock.start(u.unit, i+1)
		return unitSpan{first: first, last: next, start: first, end: next}
	}).first
}
