package profile

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/muster-go/muster/internal/strictjson"
)

// Units for windows. A day is 24 hours, always: windows know no calendar and
// no daylight saving.
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

// Window selects events by their age: those of age in [Min, Max), half-open to
// the nanosecond. An event so starts to count exactly at its time + Min and
// stops exactly at its time + Max. The zero Window is all time up to now.
type Window struct {
	Min, Max time.Duration
}

// Within is the window of the last d: event time in (now-d, now]. Within(0) is
// empty, which Validate refuses.
func Within(d time.Duration) Window { return Between(0, d) }

// Between is the window of ages in [min, max).
func Between(min, max time.Duration) Window {
	if min == 0 && max == 0 {
		return empty // the zero Window would be all time
	}
	return Window{Min: min, Max: max}
}

var empty = Window{Min: 1, Max: 1}

// And returns the window of the ages that are in both. One of none is not valid.
func (w Window) And(x Window) Window {
	switch {
	case w.IsZero():
		return x
	case x.IsZero():
		return w
	}
	both := Window{Min: max(w.Min, x.Min), Max: min(w.Max, x.Max)}
	if both.IsZero() {
		return empty
	}
	return both
}

// IsZero reports whether w is all time.
func (w Window) IsZero() bool { return w == Window{} }

// Validate returns an error wrapping ErrInvalid unless w is zero or
// 0 <= Min < Max <= MaxWindow.
func (w Window) Validate() error {
	switch {
	case w.IsZero():
		return nil
	case w.Min < 0:
		return fmt.Errorf("%w: window starts at age %s, before now", ErrInvalid, FormatDuration(w.Min))
	case w == empty:
		return fmt.Errorf("%w: window of no length", ErrInvalid)
	case w.Max <= w.Min:
		return fmt.Errorf("%w: window [%s, %s) is empty", ErrInvalid, FormatDuration(w.Min), FormatDuration(w.Max))
	case w.Max > MaxWindow:
		return fmt.Errorf("%w: window longer than %s", ErrInvalid, FormatDuration(MaxWindow))
	}
	return nil
}

// String returns the window as its JSON form reads.
func (w Window) String() string {
	switch {
	case w.IsZero():
		return "ever"
	case w.Min == 0:
		return "within " + FormatDuration(w.Max)
	}
	return "between " + FormatDuration(w.Min) + " and " + FormatDuration(w.Max)
}

type windowJSON struct {
	Within  *string   `json:"within,omitempty"`
	Between *[]string `json:"between,omitempty"`
}

// MarshalJSON writes {"within": "30d"} or {"between": ["30d", "90d"]}, and null
// for all time. A window that is not valid is an error.
func (w Window) MarshalJSON() ([]byte, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	if w.IsZero() {
		return []byte("null"), nil
	}
	if w.Min == 0 {
		d := FormatDuration(w.Max)
		return json.Marshal(windowJSON{Within: &d})
	}
	return json.Marshal(windowJSON{Between: &[]string{FormatDuration(w.Min), FormatDuration(w.Max)}})
}

// UnmarshalJSON reads what MarshalJSON writes, strictly.
func (w *Window) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*w = Window{}
		return nil
	}
	var j windowJSON
	if err := strictJSON(text, &j); err != nil {
		return err
	}
	var bounds []string
	paths := [2]string{"between[0]", "between[1]"}
	switch {
	case j.Within != nil && j.Between == nil:
		bounds, paths[1] = []string{"0s", *j.Within}, "within"
	case j.Between != nil && j.Within == nil && len(*j.Between) == 2:
		bounds = *j.Between
	default:
		return fmt.Errorf(`%w: a window is {"within": "30d"} or {"between": ["30d", "90d"]}`, ErrInvalid)
	}
	start, err := ParseDuration(bounds[0])
	if err != nil {
		return strictjson.At(paths[0], err)
	}
	end, err := ParseDuration(bounds[1])
	if err != nil {
		return strictjson.At(paths[1], err)
	}
	read := Window{Min: start, Max: end}
	if read.IsZero() {
		return fmt.Errorf("%w: window of 0s is empty", ErrInvalid)
	}
	if err := read.Validate(); err != nil {
		return err
	}
	*w = read
	return nil
}

// ParseDuration reads a duration as time.ParseDuration does, with whole numbers
// of the units w (7 d) and d (24 h) before the rest: "30d", "1w2d", "1d12h30m".
func ParseDuration(s string) (time.Duration, error) {
	invalid := fmt.Errorf("%w: duration %q", ErrInvalid, s)
	rest, total := s, time.Duration(0)
	for {
		i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if i <= 0 || (rest[i] != 'd' && rest[i] != 'w') {
			break
		}
		unit := Day
		if rest[i] == 'w' {
			unit = Week
		}
		n, err := strconv.ParseInt(rest[:i], 10, 64)
		if err != nil || n > int64((math.MaxInt64-total)/unit) {
			return 0, invalid
		}
		total += time.Duration(n) * unit
		if rest = rest[i+1:]; rest == "" {
			return total, nil
		}
		if rest == "0" || !isDigit(rest[0]) && rest[0] != '.' {
			return 0, invalid // time.ParseDuration takes a sign, and 0 without a unit
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d > math.MaxInt64-total {
		return 0, invalid
	}
	return total + d, nil
}

// FormatDuration writes a duration in the largest units that keep it exact:
// "30d", "1d12h", "1h30m".
func FormatDuration(d time.Duration) string {
	if d < Day {
		return trimZero(d.String())
	}
	days, rest := d/Day, d%Day
	s := strconv.FormatInt(int64(days), 10) + "d"
	if rest > 0 {
		s += trimZero(rest.String())
	}
	return s
}

// trimZero drops the zero units that Duration.String ends with: 1h0m0s is 1h.
func trimZero(s string) string {
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
