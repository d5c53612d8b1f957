package trait_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestDateWindowsRoundTripThroughJSON(t *testing.T) {
	for text, window := range map[string]trait.DateWindow{
		`null`:                                         {},
		`{"next":"7d"}`:                                trait.WithinNext(7 * profile.Day),
		`{"within":"1h30m"}`:                           trait.WithinLast(90 * time.Minute),
		`{"between":["1d","2d"]}`:                      trait.Between(profile.Day, 2*profile.Day),
		`{"after":"2026-01-01"}`:                       trait.After(newYear),
		`{"before":"2026-01-01T00:00:00.5Z"}`:          trait.Before(newYear.Add(time.Second / 2)),
		`{"from":"2026-01-01"}`:                        {From: newYear},
		`{"from":"2025-12-31","before":"2026-01-01"}`:  trait.During(newYear.Add(-profile.Day), newYear),
		`{"unit":"day","from":-1,"to":2}`:              {Past: profile.Window{Unit: profile.UnitDay, From: -1, To: 2}},
		`{"since":"2026-01-01"}`:                       {Past: profile.Window{Since: newYear}},
		`{"after":"2025-12-31","before":"2026-01-01"}`: {After: newYear.Add(-profile.Day), Before: newYear},
	} {
		written, err := json.Marshal(window)
		require.NoError(t, err)
		require.Equal(t, text, string(written))
		read := trait.WithinNext(1)
		require.NoError(t, read.UnmarshalJSON(written))
		require.Equal(t, window, read)
	}
	var read trait.DateWindow
	require.NoError(t, json.Unmarshal([]byte(`{"before":"2026-01-01 01:00:00+01:00"}`), &read))
	require.Equal(t, trait.Before(newYear), read)
	elsewhere := time.FixedZone("", 3600)
	require.Equal(t, trait.Before(newYear), trait.Before(newYear.In(elsewhere)))
	require.Equal(t, "from 2025-12-31 and before 2026-01-01", trait.During(newYear.Add(-profile.Day), newYear).String())
	require.Equal(t, "next 7d", trait.WithinNext(profile.Week).String())
	require.Equal(t, "within 7d", trait.WithinLast(profile.Week).String())
}

func TestDateWindowsThatCannotBeAreErrors(t *testing.T) {
	for name, text := range map[string]string{
		"two kinds":           `{"next":"3d","within":"3d"}`,
		"relative and not":    `{"next":"3d","before":"2026-01-01"}`,
		"no kind":             `{}`,
		"a coming nothing":    `{"next":"0s"}`,
		"no duration":         `{"next":"soon"}`,
		"too long":            `{"next":"100000w"}`,
		"no date":             `{"before":"soon"}`,
		"no date at all":      `{"before":""}`,
		"a number":            `{"before":1767225600}`,
		"out of range":        `{"before":"1800-01-01"}`,
		"two lower bounds":    `{"after":"2026-01-01","from":"2026-01-01"}`,
		"nothing between":     `{"from":"2026-01-01","before":"2026-01-01"}`,
		"nothing after":       `{"after":"2026-01-01","before":"2026-01-01T00:00:00.000000001Z"}`,
		"unknown field":       `{"to":"2026-01-01"}`,
		"more behind the end": `{"before":"2026-01-01"} 1`,
		"nothing to come":     `{"next":null}`,
		"calendar and next":   `{"unit":"month","next":"7d"}`,
		"ages and a date":     `{"within":"7d","from":"2026-01-01"}`,
		"a unit and a date":   `{"unit":"month","from":"2026-01-01"}`,
		"from alone":          `{"from":-1}`,
		"no object":           `[]`,
		"a text":              `"7d"`,
	} {
		window := trait.WithinNext(1)
		require.ErrorIs(t, window.UnmarshalJSON([]byte(text)), profile.ErrInvalid, name)
		require.Equal(t, trait.WithinNext(1), window, name)
	}
	for name, window := range map[string]trait.DateWindow{
		"relative and not": {Past: profile.Within(1), Before: newYear},
		"past and next":    {Past: profile.Within(1), Next: 1},
		"before now":       {Next: -1},
		"no window":        {Past: profile.Window{Min: 2, Max: 1}},
	} {
		require.ErrorIs(t, trait.Date{Name: "d", Window: window}.Validate(), profile.ErrInvalid, name)
		_, err := json.Marshal(window)
		require.Error(t, err, name)
	}
	require.ErrorIs(t, trait.Value("d").Before(time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC)).Validate(), profile.ErrTime)
	require.ErrorIs(t, trait.Value("").InPast().Validate(), profile.ErrInvalid)
}
