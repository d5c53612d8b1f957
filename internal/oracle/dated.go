package oracle

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// date answers a condition on a date in a trait.
func (v view) date(leaf *trait.Date, since int) bool {
	value, ok := v.dateOf(leaf, since)
	if !ok {
		return false
	}
	date, ok := readDate(value)
	if !ok {
		return false
	}
	if leaf.Yearly {
		for _, day := range anniversaries(leaf.Zone, value, time.Unix(0, v.t).UTC().Year()-2, time.Unix(0, v.t).UTC().Year()+2) {
			if dateInWindow(leaf.Window, day, v.t) {
				return true
			}
		}
		return false
	}
	return dateInWindow(leaf.Window, date, v.t)
}

// dateOf returns what stands at the path of a condition.
func (v view) dateOf(leaf *trait.Date, since int) (profile.Value, bool) {
	keys := pathKeys(leaf.Name)
	value, ok := v.seen(keys[:1], since)[keys[0]]
	if !ok {
		return value, false
	}
	plain := value.Any()
	for _, key := range keys[1:] {
		of, is := plain.(map[string]any)
		if plain, ok = of[key]; !is || !ok {
			return value, false
		}
	}
	return pack(plain), true
}

var keyPattern = regexp.MustCompile(`\["(?:[^"\\]|\\.)*"\]|[^.\[\]]+`)

// pathKeys returns the keys of a path that is right.
func pathKeys(path string) (keys []string) {
	for _, key := range keyPattern.FindAllString(path, -1) {
		if strings.HasPrefix(key, "[") {
			if err := json.Unmarshal([]byte(key[1:len(key)-1]), &key); err != nil {
				panic(err)
			}
		}
		keys = append(keys, key)
	}
	return keys
}

func dateInWindow(w trait.DateWindow, date, t int64) bool {
	if !w.After.IsZero() || !w.From.IsZero() || !w.Before.IsZero() {
		return (w.After.IsZero() || date > w.After.UnixNano()) &&
			(w.From.IsZero() || date >= w.From.UnixNano()) &&
			(w.Before.IsZero() || date < w.Before.UnixNano())
	}
	if next := w.Next; next > 0 {
		return date-int64(next) <= t && t < date
	}
	return dated(w.Past, date, t)
}

var dayPattern = regexp.MustCompile(`^(\d{4}-\d\d-\d\d|\d{8})$`)

// anniversaries returns the first instants of the day of a date in the years from one to
// another, from that of the date on.
func anniversaries(zone string, value profile.Value, from, to int) (all []int64) {
	at, ok := readDate(value)
	if !ok {
		return nil
	}
	date := time.Unix(0, at).UTC()
	if text, is := value.Any().(string); !is || !dayPattern.MatchString(strings.TrimSpace(text)) {
		date = date.In(location(zone))
	}
	for year := max(from, date.Year()); year <= min(to, 2199); year++ {
		day := date.Format("01-02")
		if leap := time.Date(year, 2, 29, 0, 0, 0, 0, time.UTC).Day() == 29; day == "02-29" && !leap {
			day = "03-01"
		}
		all = append(all, firstShown(zone, fmt.Sprintf("%d-%s", year, day)))
	}
	return all
}

func location(zone string) *time.Location {
	at, err := time.LoadLocation(zone)
	if err != nil {
		panic(err) // the engine took it
	}
	return at
}

var firstDays sync.Map // zone and day → instant

// firstShown returns the first instant at which the clock in a zone shows a day or a later
// one: it looks at every minute.
func firstShown(zone, day string) int64 {
	if at, known := firstDays.Load(zone + day); known {
		return at.(int64)
	}
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	in := location(zone)
	year, yearDay := at.Year(), at.YearDay()
	before := func(t time.Time) bool {
		return t.Year() < year || t.Year() == year && t.YearDay() < yearDay
	}
	for at = at.Add(-27 * time.Hour); before(at.In(in)); {
		at = at.Add(time.Minute)
	}
	firstDays.Store(zone+day, at.UnixNano())
	return at.UnixNano()
}

// appendYearly appends when conditions on yearly dates may begin and end to hold, for values.
func appendYearly(times []int64, n audience.Node, values []profile.Value, from, to int) []int64 {
	for _, c := range children(n) {
		times = appendYearly(times, c, values, from, to)
	}
	if n.TraitDate == nil || !n.TraitDate.Yearly {
		return times
	}
	w := n.TraitDate.Window
	for _, value := range values {
		for _, day := range anniversaries(n.TraitDate.Zone, value, from, to) {
			times = append(times, day, day-int64(w.Next), day+int64(w.Past.Min), day+int64(w.Past.Max))
		}
	}
	return times
}
