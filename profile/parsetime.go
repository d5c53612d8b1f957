package profile

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseTime reads a time as senders write it, in a message or a trait; ok is
// false for anything else and for times outside [MinTime, MaxTime). Blanks around
// a text are nothing. It accepts
//
//   - RFC 3339 ("2024-03-01T12:00:00.5+01:00"), and the same with a space or a t for
//     the T, without the seconds, without the offset (UTC then), and with one such as
//     "z", "+00", "+0000", " +00:00", " UTC" or " GMT";
//   - a date alone ("2024-03-01": its first instant in UTC), both without dashes and
//     colons ("20240301T120000Z", "20240301"), and the date of an HTTP header;
//   - numbers, in text as well: Unix seconds if that is a time in [MinTime,
//     MaxTime), otherwise milliseconds, microseconds or nanoseconds, the first that
//     is. So any milliseconds but those of the 84 days that follow 1970-01-01, and
//     the 26 days before it, are told apart. Fractions count to the microsecond. As
//     text a number has nine digits or more: fewer are no time that anybody means.
//
// Zero, as a number or a year, is no time: it is how senders write that there is
// none. The result is in UTC.
func ParseTime(v Value) (t time.Time, ok bool) {
	t, ok = readTime(v)
	if !ok || CheckTime(t) != nil {
		return time.Time{}, false
	}
	return t, true
}

// readTime is ParseTime without the bounds. The zero time says that there is none.
func readTime(v Value) (time.Time, bool) {
	switch v.kind {
	case String:
		return timeOfText(v.data)
	case Int:
		return timeOfInt(int64(v.num)), true
	case Float:
		return timeOfFloat(math.Float64frombits(v.num))
	}
	return time.Time{}, false
}

// units are those in which numbers tell times, by how many there are in a second.
var units = [...]int64{1, 1e3, 1e6, 1e9}

func timeOfInt(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	for _, unit := range units[:3] {
		if s := n / unit; MinTime.Unix() <= s && s < MaxTime.Unix() && (s > MinTime.Unix() || n%unit >= 0) {
			return time.Unix(s, n%unit*(1e9/unit)).UTC()
		}
	}
	return time.Unix(0, n).UTC()
}

func timeOfFloat(f float64) (time.Time, bool) {
	if f == 0 {
		return time.Time{}, true
	}
	for _, unit := range units {
		if s := f / float64(unit); s >= float64(MinTime.Unix()) && s < float64(MaxTime.Unix()) {
			return time.UnixMicro(int64(math.Round(s * 1e6))).UTC(), true
		}
	}
	return time.Time{}, false
}

func timeOfText(text []byte) (time.Time, bool) {
	var t time.Time
	if len(text) >= len(time.DateOnly) && isDigit(text[0]) && t.UnmarshalText(text) == nil {
		return known(t), true // RFC 3339, strictly, without an allocation
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 || len(text) > 64 {
		return time.Time{}, false
	}
	if t, ok := timeOfDigits(string(text)); ok {
		return t, true
	}
	if strings.HasPrefix(string(text), "0000-00-00") {
		return time.Time{}, true // how MySQL writes that there is none
	}
	if !isDigit(text[0]) {
		t, err := time.Parse(time.RFC1123, string(text))
		if err != nil {
			t, err = time.Parse(time.RFC1123Z, string(text))
		}
		return known(t), err == nil
	}
	clean := plainTime(string(text))
	t, err := time.Parse(layoutOf(clean), clean)
	return known(t), err == nil
}

// known returns t in UTC, and the zero time if its year is 1 or less.
func known(t time.Time) time.Time {
	if t = t.UTC(); t.Year() <= 1 {
		return time.Time{}
	}
	return t
}

// timeOfDigits reads a number in text.
func timeOfDigits(text string) (time.Time, bool) {
	const fewest = 9
	whole, fraction, isFloat := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if !allDigits(whole) || isFloat && !allDigits(fraction) {
		return time.Time{}, false
	}
	if strings.Trim(text, "-.0") == "" {
		return time.Time{}, true
	}
	if len(whole) < fewest {
		return time.Time{}, false
	}
	if !isFloat {
		n, err := strconv.ParseInt(text, 10, 64)
		return timeOfInt(n), err == nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return time.Time{}, false
	}
	return timeOfFloat(f)
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// plainTime returns a text with T between date and time, and Z for UTC.
func plainTime(text string) string {
	for _, utc := range [...]string{" +0000 UTC", " UTC", "UTC", " GMT", "GMT", " Z", " z", "z"} {
		if s, ok := strings.CutSuffix(text, utc); ok {
			text = s + "Z"
			break
		}
	}
	for _, at := range [...]int{len("20060102"), len(time.DateOnly)} {
		if len(text) > at && (text[at] == ' ' || text[at] == 't') {
			text = text[:at] + "T" + text[at+1:]
		}
	}
	if i := strings.LastIndexAny(text, "+-"); i > 0 && text[i-1] == ' ' {
		text = text[:i-1] + text[i:] // a blank before the offset
	}
	return text
}

// layoutOf returns the layout of the form that a text has, by its shape. Go reads
// a fraction of a second where the layout has none.
func layoutOf(text string) string {
	date, clock, timed := strings.Cut(text, "T")
	layout := time.DateOnly
	if !strings.Contains(date, "-") {
		layout = "20060102"
	}
	if !timed {
		return layout
	}
	zone := ""
	if i := strings.IndexAny(clock, "Z+-"); i >= 0 {
		clock, zone = clock[:i], clock[i:]
	}
	layout += "T"
	switch colons := strings.Count(clock, ":"); {
	case colons == 2:
		layout += "15:04:05"
	case colons == 1:
		layout += "15:04"
	case len(clock) == 4:
		layout += "1504"
	default:
		layout += "150405"
	}
	switch {
	case zone == "":
	case len(zone) == 3:
		layout += "Z07"
	case strings.Contains(zone, ":"):
		layout += "Z07:00"
	default:
		layout += "Z0700"
	}
	return layout
}
