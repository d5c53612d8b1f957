package aggregate

import (
	"time"

	"github.com/muster-go/muster/profile"
)

// The times of events are those of their values, so of any event any value will do.

var anyValue = profile.BoolValue(true)

func textOf(at int64) profile.Value {
	return profile.StringValue(time.Unix(0, at).UTC().Format(time.RFC3339Nano))
}

// firstTime is the time of the oldest event in a window.
type firstTime struct{ first }

func (f *firstTime) add(at, end int64, _ profile.Value) { f.first.add(at, end, anyValue) }

func (f *firstTime) value() profile.Value {
	if x, ok := f.times.Min(); ok {
		return textOf(x.at)
	}
	return profile.Value{}
}

// earliestTime is the time of the oldest event ever.
type earliestTime struct{ earliest }

func (e *earliestTime) add(at, end int64, _ profile.Value) { e.earliest.add(at, end, anyValue) }

func (e *earliestTime) value() profile.Value {
	if e.held.IsNull() {
		return e.held
	}
	return textOf(e.at)
}

// lastTime is the time of the newest event that counts.
type lastTime struct{ last }

func (l *lastTime) add(at, end int64, _ profile.Value) { l.last.add(at, end, anyValue) }

func (l *lastTime) value() profile.Value {
	if n := len(l.held); n > 0 {
		return textOf(l.held[n-1].at)
	}
	return profile.Value{}
}
