package profile

import (
	"math"
	"time"
)

// timeLayouts are the forms of a time beside RFC 3339; those without an offset
// are UTC. Go reads a fraction of a second where the layout has none.
var timeLayouts = [...]string{
	"2006-01-02 15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04:05Z0700",
	time.DateOnly,
}

// ParseTime reads a time as senders write it, in a message or a trait; ok is
// false for anything else and for times outside [MinTime, MaxTime). It accepts
//
//   - text: RFC 3339 ("2024-03-01T12:00:00.5+01:00"), the same with a space for
//     the T, without the offset (UTC then) or without its colon, and a date
//     alone ("2024-03-01": its first instant in UTC);
//   - numbers: Unix seconds if that is a time in [MinTime, MaxTime), otherwise
//     milliseconds. So any milliseconds but those of the 84 days that follow
//     1970-01-01, and the 26 days before it, are told apart. Fractions count to
//     the microsecond. Zero is no time: it is how senders write that there is none.
//
// The result is in UTC.
func ParseTime(v Value) (t time.Time, ok bool) {
	t, ok = readTime(v)
	if !ok || CheckTime(t) != nil {
		return time.Time{}, false
	}
	return t, true
}

// readTime is ParseTime without the bounds.
func readTime(v Value) (time.Time, bool) {
	switch v.kind {
	case String:
		return timeOfText(v.data)
	case Int:
		n := int64(v.num)
		if MinTime.Unix() <= n && n < MaxTime.Unix() {
			return time.Unix(n, 0).UTC(), n != 0
		}
		return time.UnixMilli(n).UTC(), true
	case Float:
		return timeOfFloat(math.Float64frombits(v.num))
	}
	return time.Time{}, false
}

func timeOfText(text []byte) (time.Time, bool) {
	// Only a digit begins a time; the longest has 35 bytes.
	if len(text) < len(time.DateOnly) || len(text) > 64 || !isDigit(text[0]) {
		return time.Time{}, false
	}
	var t time.Time
	if t.UnmarshalText(text) == nil { // RFC 3339, strictly, without an allocation
		return t.UTC(), true
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, string(text)); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func timeOfFloat(f float64) (time.Time, bool) {
	if f < float64(MinTime.Unix()) || f >= float64(MaxTime.Unix()) {
		f /= 1000
	}
	// Beyond this an int64 of microseconds overflows, and no time is in bounds.
	if f == 0 || math.Abs(f) > 1e12 {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(math.Round(f * 1e6))).UTC(), true
}
