package profile

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/muster-go/muster/internal/strictjson"
)

type windowJSON struct {
	Within  *string   `json:"within,omitempty"`
	Between *[]string `json:"between,omitempty"`
	Since   *string   `json:"since,omitempty"`
	Until   *string   `json:"until,omitempty"`
	Unit    *string   `json:"unit,omitempty"`
	From    int       `json:"from,omitempty"`
	To      int       `json:"to,omitempty"`
	Zone    string    `json:"zone,omitempty"`
}

// MarshalJSON writes {"within": "30d"}, {"between": ["30d", "3mo"]}, {"since": "2026-01-01",
// "until": "2026-07-01T12:00:00Z"} or {"unit": "month", "zone": "America/New_York", "from": -1,
// "to": -1}, several of them as one object, and null for all time. A window that is not
// valid is an error.
func (w Window) MarshalJSON() ([]byte, error) {
	if err := w.ValidateOfDates(); err != nil {
		return nil, err
	}
	if w.IsZero() {
		return []byte("null"), nil
	}
	j := windowJSON{From: w.From, To: w.To, Zone: w.Zone}
	if min, max := w.ages(); w.aged() {
		text := max.String()
		if min == (length{}) {
			j.Within = &text
		} else {
			j.Between = &[]string{min.String(), text}
		}
	}
	for _, bound := range []struct {
		at   time.Time
		into **string
	}{{w.Since, &j.Since}, {w.Until, &j.Until}} {
		if !bound.at.IsZero() {
			text := formatInstant(bound.at)
			*bound.into = &text
		}
	}
	if w.Unit != NoUnit {
		unit := w.Unit.String()
		j.Unit = &unit
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes, strictly. An instant is text in any form that
// ParseTime reads.
func (w *Window) UnmarshalJSON(text []byte) error {
	read, err := parseWindow(text)
	if err == nil {
		err = read.Validate()
	}
	if err != nil {
		return err
	}
	*w = read
	return nil
}

// ParseWindowOfDates reads what UnmarshalJSON does, also where what is to come is in it.
func ParseWindowOfDates(text []byte) (Window, error) {
	read, err := parseWindow(text)
	if err == nil {
		err = read.ValidateOfDates()
	}
	return read, err
}

func parseWindow(text []byte) (Window, error) {
	var w Window
	if string(text) == "null" {
		return w, nil
	}
	var j windowJSON
	if err := strictJSON(text, &j); err != nil {
		return w, err
	}
	if err := j.ages(&w); err != nil {
		return w, err
	}
	for _, bound := range []struct {
		name string
		text *string
		into *time.Time
	}{{"since", j.Since, &w.Since}, {"until", j.Until, &w.Until}} {
		if bound.text == nil {
			continue
		}
		t, ok := ParseTime(StringValue(*bound.text))
		if !ok {
			return w, strictjson.At(bound.name, fmt.Errorf("%w: %q is not a date", ErrInvalid, *bound.text))
		}
		*bound.into = t.UTC()
	}
	if j.Unit != nil {
		unit, err := ParseUnit(*j.Unit)
		if err != nil {
			return w, strictjson.At("unit", err)
		}
		w.Unit = unit
	}
	w.From, w.To = j.From, j.To
	if w.Zone = j.Zone; w.Zone != "" {
		if _, err := LoadZone(w.Zone); err != nil {
			return w, strictjson.At("zone", err)
		}
	}
	if w.IsZero() || j.Within == nil && j.Between == nil && j.Since == nil && j.Until == nil && j.Unit == nil {
		return w, fmt.Errorf(`%w: a window is {"within": "30d"}, {"between": ["30d", "90d"]}, {"since": "2026-01-01", "until": "2026-07-01"} or `+
			`{"unit": "month", "zone": "America/New_York", "from": -1, "to": -1}`, ErrInvalid)
	}
	return w, nil
}

// ages reads within and between.
func (j *windowJSON) ages(into *Window) error {
	var bounds []string
	paths := [2]string{"between[0]", "between[1]"}
	switch {
	case j.Within != nil && j.Between == nil:
		bounds, paths[1] = []string{"0s", *j.Within}, "within"
	case j.Between != nil && j.Within == nil && len(*j.Between) == 2:
		bounds = *j.Between
	case j.Within != nil || j.Between != nil:
		return fmt.Errorf(`%w: the ages of a window are {"within": "30d"} or {"between": ["30d", "90d"]}`, ErrInvalid)
	default:
		return nil
	}
	min, err := parseLength(bounds[0])
	if err != nil {
		return strictjson.At(paths[0], err)
	}
	max, err := parseLength(bounds[1])
	if err != nil {
		return strictjson.At(paths[1], err)
	}
	into.MinMonths, into.Min, into.MaxMonths, into.Max = min.months, min.rest, max.months, max.rest
	if !into.aged() {
		return fmt.Errorf("%w: window of 0s is empty", ErrInvalid)
	}
	return nil
}

// formatInstant writes an instant, as a day alone if it is one.
func formatInstant(t time.Time) string {
	t = t.UTC()
	if t.Truncate(Day).Equal(t) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}
