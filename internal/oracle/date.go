package oracle

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
)

// datePattern is the forms of a time in text that profile.ParseTime documents,
// but for those without dashes and colons and that of HTTP: RFC 3339, the same with
// a space, without seconds, without the offset or with another one, and a date
// alone.
var datePattern = regexp.MustCompile(
	`^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?: ?(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?)?$`)

var numberPattern = regexp.MustCompile(`^-?\d{9,19}$`)

// readDate reads a date as profile.ParseTime says it does, in Unix nanoseconds.
func readDate(v profile.Value) (ns int64, ok bool) {
	var t time.Time
	switch x := v.Any().(type) {
	case string:
		x = strings.TrimSpace(x)
		if numberPattern.MatchString(x) {
			n, _ := strconv.ParseInt(x, 10, 64)
			return readDate(profile.IntValue(n))
		}
		if t, ok = dateOfText(x); !ok {
			return 0, false
		}
	case int64:
		if x == 0 {
			return 0, false
		}
		for _, t = range []time.Time{time.Unix(x, 0), time.UnixMilli(x), time.UnixMicro(x), time.Unix(0, x)} {
			if inRange(t) {
				break
			}
		}
	case float64:
		if x == 0 {
			return 0, false
		}
		for _, unit := range []float64{1, 1e3, 1e6, 1e9} {
			if s := x / unit; math.Abs(s) < 1e11 {
				if t = microseconds(s); inRange(t) {
					break
				}
			}
		}
	default:
		return 0, false
	}
	return t.UnixNano(), inRange(t)
}

// microseconds returns the time of Unix seconds, to the microsecond.
func microseconds(seconds float64) time.Time {
	return time.UnixMicro(int64(math.Round(seconds * 1e6)))
}

func inRange(t time.Time) bool { return !t.Before(profile.MinTime) && t.Before(profile.MaxTime) }

func dateOfText(text string) (time.Time, bool) {
	part := datePattern.FindStringSubmatch(text)
	if part == nil {
		return time.Time{}, false
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(part[i]) // digits, or nothing: 0
		return n
	}
	year, month, day := number(1), number(2), number(3)
	hour, minute, second := number(4), number(5), number(6)
	if month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	fraction, _ := strconv.Atoi((part[7] + "000000000")[:9])
	t := time.Date(year, time.Month(month), day, hour, minute, second, fraction, time.UTC)
	if t.Day() != day { // February 30
		return time.Time{}, false
	}
	if zone := strings.ReplaceAll(part[8], ":", ""); strings.HasPrefix(zone, "+") || strings.HasPrefix(zone, "-") {
		zone = (zone + "00")[:5]
		hours, _ := strconv.Atoi(zone[1:3])
		minutes, _ := strconv.Atoi(zone[3:])
		offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
		if zone[0] == '-' {
			offset = -offset
		}
		t = t.Add(-offset)
	}
	return t, true
}
