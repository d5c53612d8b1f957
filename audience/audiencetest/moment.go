package audiencetest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
)

// moment is an instant as scripts write it: "day 3 10:00", "+30d",
// "2026-03-01T10:00:00Z", each but the second with a shift behind it if need be:
// "day 31 10:00 -1ns". The zero moment is now.
type moment struct {
	from  origin
	day   int           // of onDay; day 1 is the day on which the script starts
	clock time.Duration // of onDay, since midnight
	at    time.Time     // of absolute
	shift time.Duration
}

// origin is what a moment counts from.
type origin uint8

const (
	fromNow origin = iota
	onDay
	absolute
)

// maxDay bounds the days of a script: more than there are in the times that the
// engine takes.
const maxDay = 400 * 366

// in returns the instant, in a script that starts on a day and has come to now.
func (m moment) in(start, now time.Time) time.Time {
	switch m.from {
	case onDay:
		return start.AddDate(0, 0, m.day-1).Add(m.clock).Add(m.shift)
	case absolute:
		return m.at.Add(m.shift)
	}
	return now.Add(m.shift)
}

// String returns the moment as scripts write it.
func (m moment) String() string {
	base := ""
	switch m.from {
	case onDay:
		base = fmt.Sprintf("day %d %s", m.day, clockText(m.clock))
	case absolute:
		base = m.at.Format(time.RFC3339Nano)
	default:
		return shiftText(m.shift)
	}
	if m.shift != 0 {
		base += " " + shiftText(m.shift)
	}
	return base
}

func shiftText(d time.Duration) string {
	if d < 0 {
		return "-" + profile.FormatDuration(-d)
	}
	return "+" + profile.FormatDuration(d)
}

// clockText writes a time of day, with seconds and their fraction only where
// there are any.
func clockText(d time.Duration) string {
	midnight := time.Time{}.Add(d)
	switch {
	case d%time.Minute == 0:
		return midnight.Format("15:04")
	case d%time.Second == 0:
		return midnight.Format("15:04:05")
	}
	return midnight.Format("15:04:05.999999999")
}

// dayOf returns an instant as a moment of a day, in a script that starts on
// start.
func dayOf(t, start time.Time) moment {
	t = t.UTC()
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	day := int((midnight.Unix()-start.Unix())/(24*60*60)) + 1
	return moment{from: onDay, day: day, clock: t.Sub(midnight)}
}

// instants finds what the engine writes of instants, outside of texts in quotes:
// those are values, and stay as they are.
var instants = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z`)

// inDays returns a text of the engine with its instants as days of a script.
func inDays(text string, start time.Time) string {
	return instants.ReplaceAllStringFunc(text, func(found string) string {
		t, err := time.Parse(time.RFC3339Nano, found)
		if err != nil {
			return found
		}
		return dayOf(t, start).String()
	})
}

const wantMoment = "a time: day 3 10:00, +30d, -1ns or 2026-03-01T10:00:00Z"

// moment reads a moment.
func (c *cursor) moment() (moment, error) {
	var m moment
	text := c.peek()
	switch {
	case text == "day":
		c.next()
		day, err := strconv.Atoi(c.peek())
		if err != nil || day < -maxDay || day > maxDay {
			return m, c.want("the number of a day, as in day 3 10:00")
		}
		c.next()
		m.from, m.day = onDay, day
		if strings.Contains(c.peek(), ":") {
			if m.clock, err = parseClock(c.peek()); err != nil {
				return m, c.want("a time of day such as 10:00 or 23:59:59.999999999")
			}
			c.next()
		}
	case text != "" && text[0] >= '0' && text[0] <= '9':
		at, ok := profile.ParseTime(profile.StringValue(text))
		if !ok {
			return m, c.want(wantMoment)
		}
		c.next()
		m.from, m.at = absolute, at
	case !isShift(text):
		return m, c.want(wantMoment)
	}
	if shift := c.peek(); isShift(shift) {
		d, err := profile.ParseDuration(shift[1:])
		if err != nil || d < 0 || d > profile.MaxWindow*4 {
			return m, c.want("a duration such as +30d, -2h or +1ns")
		}
		c.next()
		m.shift = d
		if shift[0] == '-' {
			m.shift = -d
		}
	}
	return m, nil
}

func isShift(text string) bool { return text != "" && (text[0] == '+' || text[0] == '-') }

func parseClock(text string) (time.Duration, error) {
	for _, layout := range []string{"15:04", "15:04:05"} { // a fraction is read as well
		if t, err := time.Parse(layout, text); err == nil {
			return t.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)), nil
		}
	}
	return 0, strconv.ErrSyntax
}
