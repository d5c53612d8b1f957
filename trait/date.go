package trait

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
)

// Date is a condition on a date that a trait holds, relative to now. The date
// is read as profile.ParseTime reads it; a trait that is missing, or no date,
// makes the condition false.
type Date struct {
	Name   string     `json:"name"`
	Window DateWindow `json:"window,omitzero"`
}

// DateWindow says where the date has to lie. The zero DateWindow is the past:
// the condition holds from the date on.
type DateWindow struct {
	Past profile.Window // ages of the date
	Next time.Duration  // or: in the coming Next, half-open: true on [date-Next, date)
}

// Last is the window of the last d: the date lies in (now-d, now].
func Last(d time.Duration) DateWindow { return DateWindow{Past: profile.Within(d)} }

// Between is the window of ages in [min, max).
func Between(min, max time.Duration) DateWindow {
	return DateWindow{Past: profile.Between(min, max)}
}

// Next is the window of the coming d: the date lies in (now, now+d].
func Next(d time.Duration) DateWindow { return DateWindow{Next: d} }

// Validate returns an error wrapping profile.ErrInvalid for a name or a window
// that cannot be.
func (d Date) Validate() error {
	if err := profile.CheckID("trait name", d.Name); err != nil {
		return err
	}
	w := d.Window
	switch {
	case w.Next < 0 || w.Next > profile.MaxWindow:
		return fmt.Errorf("%w: next %s", profile.ErrInvalid, profile.FormatDuration(w.Next))
	case w.Next > 0 && !w.Past.IsZero():
		return fmt.Errorf("%w: a date window is either past or next", profile.ErrInvalid)
	}
	return w.Past.Validate()
}

// Ages returns the ages of the date, [min, max), at which the condition holds.
// Ages before the date are negative; bounded is false where there is no max.
func (w DateWindow) Ages() (min, max time.Duration, bounded bool) {
	if w.Next > 0 {
		return -w.Next, 0, true
	}
	return w.Past.Min, w.Past.Max, !w.Past.IsZero()
}

// At answers the condition at t (Unix nanoseconds) for the trait's value.
func (d Date) At(value profile.Value, t int64) horizon.Verdict {
	date, ok := profile.ParseTime(value)
	if !ok {
		return horizon.Always(false)
	}
	at := date.UnixNano()
	min, max, bounded := d.Window.Ages()
	switch start := at + int64(min); {
	case t < start:
		return horizon.Verdict{True: false, Until: start}
	case !bounded:
		return horizon.Always(true)
	case t < at+int64(max):
		return horizon.Verdict{True: true, Until: at + int64(max)}
	}
	return horizon.Always(false)
}

// IsZero reports whether w is the past.
func (w DateWindow) IsZero() bool { return w == DateWindow{} }

// MarshalJSON writes {"next": "7d"}, or the window of ages as profile.Window
// does.
func (w DateWindow) MarshalJSON() ([]byte, error) {
	if w.Next > 0 {
		return json.Marshal(map[string]string{"next": profile.FormatDuration(w.Next)})
	}
	return w.Past.MarshalJSON()
}

// UnmarshalJSON reads what MarshalJSON writes, strictly.
func (w *DateWindow) UnmarshalJSON(text []byte) error {
	var next struct {
		Next string `json:"next"`
	}
	if err := strictjson.Decode(text, &next); err != nil || next.Next == "" {
		return w.Past.UnmarshalJSON(text) // its error tells the forms
	}
	d, err := profile.ParseDuration(next.Next)
	if err != nil {
		return err
	}
	if d <= 0 {
		return fmt.Errorf("%w: next %q", profile.ErrInvalid, next.Next)
	}
	w.Next = d
	return nil
}
