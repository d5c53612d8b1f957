package traitset_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestDateConditionsAreExactInTime(t *testing.T) {
	date := newYear.UnixNano()
	hour := int64(time.Hour)
	for _, c := range []struct {
		condition trait.Date
		at        int64
		true      bool
		until     int64
	}{
		{trait.Value("d").InPast(), date - 1, false, date},
		{trait.Value("d").InPast(), date, true, horizon.Never},
		{trait.Value("d").WithinLast(time.Hour), date - 1, false, date},
		{trait.Value("d").WithinLast(time.Hour), date, true, date + hour},
		{trait.Value("d").WithinLast(time.Hour), date + hour - 1, true, date + hour},
		{trait.Value("d").WithinLast(time.Hour), date + hour, false, horizon.Never},
		{trait.Value("d").WithinNext(time.Hour), date - hour - 1, false, date - hour},
		{trait.Value("d").WithinNext(time.Hour), date - hour, true, date},
		{trait.Value("d").WithinNext(time.Hour), date, false, horizon.Never},
		{trait.Value("d").AgeBetween(time.Hour, 2*time.Hour), date, false, date + hour},
		{trait.Value("d").AgeBetween(time.Hour, 2*time.Hour), date + hour, true, date + 2*hour},
	} {
		require.NoError(t, c.condition.Validate())
		for _, value := range []profile.Value{
			profile.StringValue("2026-01-01"),
			profile.StringValue("2026-01-01T01:00:00+01:00"),
			profile.IntValue(newYear.Unix()),
			profile.IntValue(newYear.UnixMilli()),
			profile.FloatValue(float64(newYear.Unix())),
		} {
			want := horizon.Verdict{True: c.true, Until: c.until}
			require.Equal(t, want, holds(c.condition, value, c.at), "%s of %s at %d", c.condition.Window, value, c.at-date)
		}
		require.Equal(t, horizon.Always(false), holds(c.condition, profile.StringValue("soon"), c.at))
	}
}

func TestDatesBetweenInstantsDoNotChangeWithTime(t *testing.T) {
	second := newYear.Add(time.Nanosecond)
	for _, c := range []struct {
		condition            trait.Date
		earlier, same, later bool
	}{
		{trait.Value("d").Before(newYear), true, false, false},
		{trait.Value("d").After(newYear), false, false, true},
		{trait.Value("d").During(newYear, second), false, true, false},
		{trait.Value("d").During(newYear.Add(-time.Nanosecond), newYear), true, false, false},
		{trait.Date{Name: "d", Window: trait.DateWindow{From: newYear}}, false, true, true},
	} {
		require.NoError(t, c.condition.Validate())
		require.True(t, c.condition.Window.Absolute())
		for at, want := range map[time.Time]bool{newYear.Add(-1): c.earlier, newYear: c.same, second: c.later} {
			value := profile.StringValue(at.Format(time.RFC3339Nano))
			for _, now := range []time.Time{profile.MinTime, newYear, profile.MaxTime} {
				require.Equal(t, horizon.Always(want), holds(c.condition, value, now.UnixNano()), "%s of %s", c.condition.Window, value)
			}
		}
		require.Equal(t, horizon.Always(false), holds(c.condition, profile.Value{}, 0))
	}
}

func holds(d trait.Date, value profile.Value, t int64) horizon.Verdict {
	c := traitset.NewDate(d)
	return c.Holds(value, t)
}
