package profile

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseDurationReadsDaysAndWeeks(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"30d":            30 * Day,
		"1w2d":           9 * Day,
		"2d1w":           9 * Day,
		"1d12h30m":       36*time.Hour + 30*time.Minute,
		"1d.5s":          Day + 500*time.Millisecond,
		"90m":            90 * time.Minute,
		"1ns":            1,
		"0s":             0,
		"0":              0,
		"-5h":            -5 * time.Hour,
		"106751d":        106751 * Day,
		"15250w1d23h47m": 106751*Day + 23*time.Hour + 47*time.Minute,
	} {
		got, err := ParseDuration(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
}

func TestParseDurationRefuses(t *testing.T) {
	for _, in := range []string{
		"", "d", "30", "30 d", "-5d", "1.5d", "1d-5h", "1d+5h", "1d0", "1h1d", "1dx", "1D",
		"106752d", "106751d24h", "36500d36500d36500d", "100000000000000000000d", "9223372036854775807w",
	} {
		_, err := ParseDuration(in)
		require.ErrorIs(t, err, ErrInvalid, in)
	}
}

func TestFormatDurationUsesTheLargestUnits(t *testing.T) {
	for want, in := range map[string]time.Duration{
		"30d":                        30 * Day,
		"1d12h":                      36 * time.Hour,
		"1h30m":                      90 * time.Minute,
		"10m":                        10 * time.Minute,
		"20h":                        20 * time.Hour,
		"1h0m5s":                     time.Hour + 5*time.Second,
		"1d1ns":                      Day + 1,
		"0s":                         0,
		"-48h":                       -2 * Day,
		"106751d23h47m16.854775807s": math.MaxInt64,
	} {
		require.Equal(t, want, FormatDuration(in))
	}
}

func TestWindowValidate(t *testing.T) {
	for _, w := range []Window{{}, Within(1), Within(MaxWindow), Between(0, Day), Between(Day, Day+1), Between(MaxWindow-1, MaxWindow)} {
		require.NoError(t, w.Validate(), w)
	}
	for _, w := range []Window{Within(-1), Within(MaxWindow + 1), Between(Day, Day), Between(2*Day, Day), Between(-Day, Day), Between(Day, 0)} {
		require.ErrorIs(t, w.Validate(), ErrInvalid, w)
		_, err := json.Marshal(w)
		require.ErrorIs(t, err, ErrInvalid, w)
	}
}

func TestWindowJSONRoundTrips(t *testing.T) {
	for text, w := range map[string]Window{
		`null`:                       {},
		`{"within":"30d"}`:           Within(30 * Day),
		`{"within":"1ns"}`:           Within(1),
		`{"between":["30d","90d"]}`:  Between(30*Day, 90*Day),
		`{"between":["1h30m","7d"]}`: Between(90*time.Minute, Week),
	} {
		got, err := json.Marshal(w)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
		back := Within(5)
		require.NoError(t, json.Unmarshal(got, &back))
		require.Equal(t, w, back)
	}
}

func TestWindowJSONRefuses(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, `"30d"`, `{"within":30}`, `{"within":""}`, `{"within":"0s"}`, `{"within":"-1h"}`, `{"within":"0d"}`,
		`{"within":"30d","between":["1d","2d"]}`, `{"between":["1d"]}`, `{"between":["1d","2d","3d"]}`,
		`{"between":["2d","1d"]}`, `{"between":["1d","1d"]}`, `{"between":["0d","0d"]}`, `{"between":["x","1d"]}`,
		`{"between":["-1h","1d"]}`, `{"within":"30d","unit":"days"}`, `{"within":"20000d"}`,
	} {
		w := Within(5)
		require.ErrorIs(t, json.Unmarshal([]byte(text), &w), ErrInvalid, text)
		require.Equal(t, Within(5), w, "left alone on an error")
	}
}

func TestWindowReadsAsText(t *testing.T) {
	require.Equal(t, "ever", Window{}.String())
	require.Equal(t, "within 30d", Within(30*Day).String())
	require.Equal(t, "between 30d and 90d", Between(30*Day, 90*Day).String())
}

func TestCheckTimeBounds(t *testing.T) {
	for _, at := range []time.Time{MinTime, MaxTime.Add(-1), time.Unix(0, 0)} {
		require.NoError(t, CheckTime(at))
	}
	for _, at := range []time.Time{{}, MinTime.Add(-1), MaxTime, time.Unix(math.MaxInt32*1000, 0)} {
		require.ErrorIs(t, CheckTime(at), ErrTime)
	}
	require.Positive(t, MaxTime.Add(MaxWindow).UnixNano(), "the end of a window is an exact int64")
}

func TestWindowsOfTheCalendarRoundTrip(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, w := range map[string]Window{
		`{"within":"3mo"}`:                                                      WithinMonths(3),
		`{"within":"1y","zone":"Europe/Berlin"}`:                                WithinMonths(12).In("Europe/Berlin"),
		`{"between":["1mo","1y2mo"]}`:                                           BetweenMonths(1, 14),
		`{"between":["30d","1y1d12h"]}`:                                         {Min: 30 * Day, MaxMonths: 12, Max: 36 * time.Hour},
		`{"since":"2026-03-01T12:00:00Z"}`:                                      Since(noon),
		`{"until":"2026-03-01T12:00:00Z"}`:                                      Until(noon),
		`{"since":"2026-03-01","until":"2026-03-01T12:00:00Z"}`:                 During(noon.Truncate(Day), noon),
		`{"unit":"day"}`:                                                        This(UnitDay, ""),
		`{"unit":"month","from":-1,"to":-1,"zone":"America/New_York"}`:          Last(UnitMonth, "America/New_York"),
		`{"unit":"week","from":-3,"zone":"-05:30"}`:                             Units(UnitWeek, "-05:30", -3, 0),
		`{"within":"30d","since":"2026-03-01","unit":"quarter"}`:                Within(30 * Day).And(Since(noon.Truncate(Day))).And(This(UnitQuarter, "")),
		`{"within":"30d","unit":"year","from":-1,"zone":"Australia/Lord_Howe"}`: Within(30 * Day).And(Units(UnitYear, "Australia/Lord_Howe", -1, 0)),
	} {
		written, err := json.Marshal(w)
		require.NoError(t, err, text)
		require.JSONEq(t, text, string(written))
		var read Window
		require.NoError(t, json.Unmarshal(written, &read), text)
		require.Equal(t, w, read)
	}
}

func TestWindowsThatCannotBe(t *testing.T) {
	for text, want := range map[string]string{
		`{"unit":"hour"}`:                             `unit "hour", want day`,
		`{"unit":"day","zone":"Local"}`:               `time zone "Local" does not exist`,
		`{"unit":"day","zone":"Mars/Olympus"}`:        `zone: invalid input: time zone "Mars/Olympus" does not exist`,
		`{"within":"1d","zone":"Europe/Berlin"}`:      "a zone is for units of the calendar",
		`{"unit":"day","from":-1,"to":-2}`:            "is empty",
		`{"unit":"day","to":1}`:                       "to come",
		`{"unit":"year","from":-51}`:                  "more than 50",
		`{"from":-1}`:                                 "a window is",
		`{"since":"soon"}`:                            "is not a date",
		`{"since":"2026-01-02","until":"2026-01-02"}`: "is empty",
		`{"within":"600mo1d"}`:                        "longer than",
		`{"within":"1mo1y"}`:                          `duration "1mo1y"`,
		`{"within":"1y-1d"}`:                          `duration "1y-1d"`,
		`{"between":["1mo","28d"]}`:                   "is empty",
		`{"within":"1d","between":["1d","2d"]}`:       "the ages of a window",
	} {
		require.ErrorContains(t, json.Unmarshal([]byte(text), new(Window)), want, text)
	}
	for _, w := range []Window{
		WithinMonths(1).And(Within(Day)), This(UnitDay, "").And(This(UnitWeek, "")),
		This(UnitDay, "").And(This(UnitDay, "Europe/Berlin")), During(MaxTime, MaxTime.Add(1)),
	} {
		require.ErrorIs(t, w.Validate(), ErrInvalid, w)
	}
	require.Equal(t, Last(UnitDay, ""), Units(UnitDay, "", -2, -1).And(Units(UnitDay, "", -1, 0)))
}
