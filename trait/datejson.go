package trait

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
)

// dateWindowJSON is the JSON form of the windows that are not those of profile.Window.
type dateWindowJSON struct {
	Next   *string `json:"next,omitempty"`
	After  *string `json:"after,omitempty"`
	From   *string `json:"from,omitempty"`
	Before *string `json:"before,omitempty"`
}

var errDateWindow = fmt.Errorf(`%w: a window of a date is one of {"next": "7d"}, {"after": "2026-01-01"}, `+
	`{"from": "2026-01-01", "before": "2027-01-01"}, {"within": "7d"}, {"between": ["7d", "30d"]}, `+
	`{"since": "2026-01-01", "until": "2027-01-01"} and {"unit": "month", "zone": "America/New_York", "from": -1, "to": -1}`, profile.ErrInvalid)

// MarshalJSON writes {"next": "7d"}, {"after": "2026-01-01"}, {"before": ...},
// {"from": ..., "before": ...}, or the window of ages as profile.Window does. A
// window that is not valid is an error.
func (w DateWindow) MarshalJSON() ([]byte, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	var j dateWindowJSON
	switch {
	case w.Absolute():
		j.After, j.From, j.Before = formatBound(w.After), formatBound(w.From), formatBound(w.Before)
	case w.Next > 0:
		next := profile.FormatDuration(w.Next)
		j.Next = &next
	default:
		return w.Past.MarshalJSON()
	}
	return strictjson.Encode(j)
}

// UnmarshalJSON reads what MarshalJSON writes, strictly. An instant is text in
// any form that profile.ParseTime reads.
func (w *DateWindow) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*w = DateWindow{}
		return nil
	}
	// Which fields there are decides who reads them; what is no object has none.
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(text, &fields)
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return fields[name] != nil })
	}
	others := has("within", "between", "since", "until", "unit", "to", "zone")
	own := has("next", "after", "before") || !others && has("from")
	switch {
	case own && others, fields != nil && len(fields) == 0:
		return errDateWindow
	case !own:
		past, err := profile.ParseWindowOfDates(text)
		if err == nil {
			*w = DateWindow{Past: past}
		}
		return err
	}
	var j dateWindowJSON
	if err := strictjson.Decode(text, &j, profile.ErrInvalid); err != nil {
		return err
	}
	if j == (dateWindowJSON{}) {
		return errDateWindow
	}
	var read DateWindow
	if j.Next != nil {
		d, err := profile.ParseDuration(*j.Next)
		if err == nil && d <= 0 {
			err = fmt.Errorf("%w: duration %q, want one that is to come", profile.ErrInvalid, *j.Next)
		}
		if err != nil {
			return strictjson.At("next", err)
		}
		read.Next = d
	}
	for _, bound := range []struct {
		name string
		text *string
		into *time.Time
	}{{"after", j.After, &read.After}, {"from", j.From, &read.From}, {"before", j.Before, &read.Before}} {
		if bound.text == nil {
			continue
		}
		t, ok := profile.ParseTime(profile.StringValue(*bound.text))
		if !ok {
			return strictjson.At(bound.name, fmt.Errorf("%w: %q is not a date", profile.ErrInvalid, *bound.text))
		}
		*bound.into = t
	}
	if err := read.Validate(); err != nil {
		return err
	}
	*w = read
	return nil
}

// String returns the window as its JSON form reads.
func (w DateWindow) String() string {
	if w.Next > 0 {
		return "next " + profile.FormatDuration(w.Next)
	}
	if !w.Absolute() {
		return w.Past.String()
	}
	var parts []string
	for _, bound := range []struct {
		name string
		at   time.Time
	}{{"after", w.After}, {"from", w.From}, {"before", w.Before}} {
		if text := formatBound(bound.at); text != nil {
			parts = append(parts, bound.name+" "+*text)
		}
	}
	return strings.Join(parts, " and ")
}

// formatBound writes an instant, as a day alone if it is one; nil is none.
func formatBound(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	layout := time.RFC3339Nano
	if t.Truncate(profile.Day).Equal(t) {
		layout = time.DateOnly
	}
	text := t.Format(layout)
	return &text
}
