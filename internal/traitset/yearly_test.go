package traitset_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// naive answers conditions on yearly dates in a zone by looking at clocks.
type naive struct {
	zone   *time.Location
	shown  map[string]time.Time // day → the first instant at which the clock shows it, or a later one
	window trait.DateWindow
	date   string
}

// first goes through the minutes until the clock shows a day.
func (n *naive) first(year int) time.Time {
	day := fmt.Sprint(year, n.date[4:])
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		day = fmt.Sprint(year, "-03-01") // there is no February 29
		at, _ = time.Parse(time.DateOnly, day)
	}
	if found, ok := n.shown[day]; ok {
		return found
	}
	for at = at.Add(-27 * time.Hour); at.In(n.zone).Format(time.DateOnly) < day; {
		at = at.Add(time.Minute)
	}
	n.shown[day] = at
	return at
}

func (n *naive) holds(at time.Time) bool {
	for year := at.Year() - 2; year <= at.Year()+2; year++ {
		if fmt.Sprint(year) < n.date[:4] {
			continue
		}
		day := n.first(year)
		if n.window.Next > 0 && day.After(at) && !day.After(at.Add(n.window.Next)) {
			return true
		}
		if age := at.Sub(day); n.window.Next == 0 && age >= n.window.Past.Min && age < n.window.Past.Max {
			return true
		}
	}
	return false
}

// Twenty years of days in six zones: one without a summer time, one whose clocks skip
// midnight, one whose clocks go back over midnight, and one that skipped a day.
func TestYearlyDatesStepThroughTwentyYearsOfDays(t *testing.T) {
	from, to := time.Date(2006, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"} {
		location, err := profile.LoadZone(zone)
		require.NoError(t, err)
		n := naive{zone: location, shown: map[string]time.Time{}}
		for _, n.date = range []string{"1984-02-29", "1990-12-30", "1971-10-16", "2010-11-07", "2008-03-01"} {
			for _, n.window = range []trait.DateWindow{
				trait.WithinNext(7 * profile.Day), trait.WithinLast(profile.Day), trait.Between(30*profile.Day, 60*profile.Day), trait.WithinNext(trait.MaxYearly),
			} {
				d := trait.Date{Name: "d", Window: n.window}.InYears(zone)
				require.NoError(t, d.Validate())
				c, value := traitset.NewDate(d), profile.StringValue(n.date)
				where := fmt.Sprintf("%s of %s in %s", n.window, n.date, zone)
				v := c.Holds(value, from.UnixNano())
				changes := 0
				for at := from; at.Before(to); at = at.Add(profile.Day) {
					for v.Until <= at.UnixNano() {
						until := time.Unix(0, v.Until).UTC()
						if n.holds(until.Add(-1)) != v.True || n.holds(until) == v.True {
							t.Fatalf("%s: no change at %s", where, until)
						}
						changes++
						v = c.Holds(value, v.Until)
					}
					if now := c.Holds(value, at.UnixNano()); now != v || now.True != n.holds(at) {
						t.Fatalf("%s: %v at %s, want %v", where, now, at, v)
					}
				}
				require.GreaterOrEqual(t, changes, 2*15, where)
			}
		}
	}
}

func TestTheDayOfAYearlyDate(t *testing.T) {
	at := func(text string) int64 {
		at, ok := profile.ParseTime(profile.StringValue(text))
		require.True(t, ok, text)
		return at.UnixNano()
	}
	d := traitset.NewDate(trait.Value("born").WithinLast(profile.Day).InYears("America/New_York"))
	for _, c := range []struct {
		value profile.Value
		from  string
	}{
		{profile.StringValue("1990-05-17"), "2026-05-17T00:00:00-04:00"},
		{profile.StringValue(" 19900517 "), "2026-05-17T00:00:00-04:00"},
		{profile.StringValue("1990-05-17T00:00:00Z"), "2026-05-16T00:00:00-04:00"}, // an instant is on the day that it is on there
		{profile.StringValue("1990-05-17 04:00"), "2026-05-17T00:00:00-04:00"},
		{profile.IntValue(642960000), "2026-05-17T00:00:00-04:00"},
		{profile.StringValue("642960000"), "2026-05-17T00:00:00-04:00"},
		{profile.StringValue("1767312000"), "2026-01-01T00:00:00-05:00"},
		{profile.StringValue("1992-02-29"), "2026-03-01T00:00:00-05:00"},
	} {
		require.Equal(t, horizon.Verdict{True: false, Until: at(c.from)}, d.Holds(c.value, at(c.from)-1), c.value)
		require.Equal(t, horizon.Verdict{True: true, Until: at(c.from) + int64(profile.Day)}, d.Holds(c.value, at(c.from)), c.value)
	}
	require.Equal(t, horizon.Verdict{Until: at("2028-02-29T00:00:00-05:00")}, d.Holds(profile.StringValue("1992-02-29"), at("2027-06-01")))
	require.Equal(t, horizon.Verdict{Until: at("2030-07-01T00:00:00-04:00")}, d.Holds(profile.StringValue("2030-07-01"), at("2026-06-01")), "none before the date itself")
	require.Equal(t, horizon.Always(false), d.Holds(profile.StringValue("2030-07-01"), at("2199-12-31")))
	require.Equal(t, horizon.Always(false), d.Holds(profile.StringValue("soon"), at("2026-06-01")))
}
