package horizon_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// Zones that changed their rules or skipped a day, of the southern hemisphere, of half and
// quarter hours; where midnight is skipped, and where it comes twice.
var oddZones = []string{
	"America/New_York", "America/St_Johns", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "America/Havana",
}

// days are those of 20 years in a zone, each with the instant at which it begins: the first at
// which the clock shows it or a later one. They are found by going through all minutes.
func days(zone *time.Location) (begin []int64, day []time.Time) {
	t := time.Date(1994, 1, 1, 12, 0, 0, 0, time.UTC)
	y, m, d := t.In(zone).Date()
	next := time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)
	for end := t.AddDate(20, 0, 0); t.Before(end); {
		y, m, d := t.In(zone).Date()
		for !next.After(time.Date(y, m, d, 0, 0, 0, 0, time.UTC)) {
			begin, day = append(begin, t.Unix()*1e9), append(day, next)
			next = next.AddDate(0, 0, 1)
		}
		if left := next.Sub(time.Date(y, m, d, t.In(zone).Hour(), 0, 0, 0, time.UTC)); left > 4*time.Hour {
			t = t.Add(time.Hour)
		} else {
			t = t.Add(time.Minute)
		}
	}
	return begin, day
}

// unitsOf are the days' units, each by a name that tells it.
var unitsOf = map[profile.Unit]func(time.Time) string{
	profile.UnitDay:  func(day time.Time) string { return day.Format(time.DateOnly) },
	profile.UnitWeek: func(day time.Time) string { y, w := day.ISOWeek(); return fmt.Sprint(y, w) },
	profile.UnitMonth: func(day time.Time) string {
		return day.Format("2006-01")
	},
	profile.UnitQuarter: func(day time.Time) string { return fmt.Sprint(day.Year(), (day.Month()-1)/3) },
	profile.UnitYear:    func(day time.Time) string { return fmt.Sprint(day.Year()) },
}

// TestUnitsOfTheCalendarOverTwentyYears goes through 20 years of days in each zone: an event of
// any hour of a day counts from the first day of the units that it is to count in to the last.
func TestUnitsOfTheCalendarOverTwentyYears(t *testing.T) {
	for _, name := range oddZones {
		zone, err := profile.LoadZone(name)
		require.NoError(t, err)
		begin, day := days(zone)
		require.InDelta(t, 20*365+5, len(day), 2, name)
		for unit, nameOf := range unitsOf {
			// numbers[i] is the number of the unit of day i, starts[n] when unit n begins.
			numbers, starts := make([]int, len(day)), []int64{begin[0]}
			for i := range day {
				if i > 0 && nameOf(day[i]) != nameOf(day[i-1]) {
					starts = append(starts, begin[i])
				}
				numbers[i] = len(starts) - 1
			}
			for _, units := range [][2]int{{0, 0}, {-1, -1}, {-7, -1}, {-2, 0}, {0, 2}, {1, 1}} {
				events := horizon.NewWindow(profile.Units(unit, name, units[0], units[1]))
				dates := horizon.NewDateWindow(profile.Units(unit, name, units[0], units[1]))
				for i, n := range numbers {
					first, end := n-units[1], n-units[0]+1
					if n < 3 || first < 1 || end >= len(starts) || i+1 == len(day) || begin[i] == begin[i+1] {
						continue // the first unit is not whole; the day was skipped
					}
					for _, at := range []int64{begin[i], begin[i] + (begin[i+1]-begin[i])/2, begin[i+1] - 1} {
						from, to := dates.Span(at)
						if from != starts[first] || to != starts[end] {
							t.Fatalf("%s, %s %v: an event of %s counts from %s to %s, want %s to %s", name, unit, units, utc(at),
								utc(from), utc(to), utc(starts[first]), utc(starts[end]))
						}
						if from, to = events.Span(at); from != max(at, starts[first]) || to != starts[end] {
							t.Fatalf("%s, %s %v: %s", name, unit, units, utc(at))
						}
						if over := events.Over(to); units[1] <= 0 && (over < at || events.Over(to-1) >= at) {
							t.Fatalf("%s, %s %v: at %s what is over is up to %s", name, unit, units, utc(to), utc(over))
						}
					}
				}
			}
		}
	}
}

// TestMonthsOverTwentyYears holds lengths in months to what the clock on the wall shows: the
// same day and time, on the last day of the month where there is none, or as near after it as
// there is an instant.
func TestMonthsOverTwentyYears(t *testing.T) {
	for _, name := range oddZones {
		zone, err := profile.LoadZone(name)
		require.NoError(t, err)
		for _, months := range []int{1, 2, 3, 12, 13} {
			w := horizon.NewWindow(profile.WithinMonths(months).In(name))
			for at := time.Date(1994, 1, 1, 0, 0, 0, 1, time.UTC); at.Year() < 2014; at = at.Add(5*time.Hour + 30*time.Minute) {
				_, end := w.Span(at.UnixNano())
				was, is := at.In(zone), time.Unix(0, end).In(zone)
				month := time.Date(was.Year(), was.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
				want := month.AddDate(0, 0, min(was.Day(), month.AddDate(0, 1, -1).Day())-1)
				want = want.Add(time.Duration(was.Hour())*time.Hour + time.Duration(was.Minute())*time.Minute + time.Duration(was.Second())*time.Second + 1)
				got := time.Date(is.Year(), is.Month(), is.Day(), is.Hour(), is.Minute(), is.Second(), is.Nanosecond(), time.UTC)
				if got.Equal(want) {
					// It is the first such instant.
					if before := time.Unix(0, end).Add(-time.Hour).In(zone); before.Format(time.DateTime) == is.Format(time.DateTime) {
						t.Fatalf("%s and %d months: %s is shown before %s", was, months, is, before)
					}
					continue
				}
				// The clock skips it: the instant before shows less, and this one more.
				before := time.Unix(0, end-1).In(zone)
				shown := time.Date(before.Year(), before.Month(), before.Day(), before.Hour(), before.Minute(), before.Second(), before.Nanosecond(), time.UTC)
				if !got.After(want) || !shown.Before(want) {
					t.Fatalf("%s and %d months is %s, want %s", was, months, is, want)
				}
			}
		}
	}
}

func utc(at int64) string { return time.Unix(0, at).UTC().Format(time.RFC3339Nano) }

// Go tells wrong bounds of a zone's offset at the end of some years after 2037, the last one
// with bounds of their own: days begin all the same, one after the other.
func TestDaysAtTheEndsOfFarYears(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca", "Asia/Kolkata"} {
		at, err := profile.LoadZone(zone)
		require.NoError(t, err)
		units := horizon.NewUnits(profile.UnitDay, zone)
		for year := 2036; year < 2100; year++ {
			last := int64(0)
			for day := 28; day <= 34; day++ { // to the third of January
				begins := units.Begin(time.Date(year, time.December, day, 12, 0, 0, 0, at).UnixNano())
				if want := time.Date(year, time.December, day, 0, 0, 0, 0, at).UnixNano(); begins != want {
					t.Fatalf("%s: day %d of December %d begins at %s", zone, day, year, time.Unix(0, begins).In(at))
				}
				if begins <= last {
					t.Fatalf("%s: day %d of December %d begins before the one before it", zone, day, year)
				}
				last = begins
			}
		}
	}
}
