package profile

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads a duration as time.ParseDuration does, with whole numbers
// of the units w (7 d) and d (24 h) before the rest: "30d", "1w2d", "1d12h30m".
func ParseDuration(s string) (time.Duration, error) {
	invalid := fmt.Errorf("%w: duration %q", ErrInvalid, s)
	rest, total := s, time.Duration(0)
	for {
		i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if i <= 0 || (rest[i] != 'd' && rest[i] != 'w') {
			break
		}
		unit := Day
		if rest[i] == 'w' {
			unit = Week
		}
		n, err := strconv.ParseInt(rest[:i], 10, 64)
		if err != nil || n > int64((math.MaxInt64-total)/unit) {
			return 0, invalid
		}
		total += time.Duration(n) * unit
		if rest = rest[i+1:]; rest == "" {
			return total, nil
		}
		if rest == "0" || !isDigit(rest[0]) && rest[0] != '.' {
			return 0, invalid // time.ParseDuration takes a sign, and 0 without a unit
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d > math.MaxInt64-total {
		return 0, invalid
	}
	return total + d, nil
}

// FormatDuration writes a duration in the largest units that keep it exact:
// "30d", "1d12h", "1h30m".
func FormatDuration(d time.Duration) string {
	if d < Day {
		return trimZero(d.String())
	}
	days, rest := d/Day, d%Day
	s := strconv.FormatInt(int64(days), 10) + "d"
	if rest > 0 {
		s += trimZero(rest.String())
	}
	return s
}

// trimZero drops the zero units that Duration.String ends with: 1h0m0s is 1h.
func trimZero(s string) string {
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// maxMonths is how many calendar months a length has at most.
const maxMonths = 50 * 12

// length is a number of calendar months, and a duration after them.
type length struct {
	months int
	rest   time.Duration
}

// parseLength reads a duration as ParseDuration does, with whole numbers of the units
// y (12 calendar months) and mo (calendar months) before the rest: "3mo", "1y6mo", "1y2w".
func parseLength(s string) (length, error) {
	invalid := fmt.Errorf("%w: duration %q", ErrInvalid, s)
	l, rest := length{}, s
	for _, unit := range []struct {
		name   string
		months int
	}{{"y", 12}, {"mo", 1}} {
		i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if i <= 0 || !strings.HasPrefix(rest[i:], unit.name) {
			continue
		}
		n, err := strconv.Atoi(rest[:i])
		if err != nil || n > maxMonths {
			return l, invalid
		}
		l.months += n * unit.months
		if rest = rest[i+len(unit.name):]; rest == "" {
			return l, nil
		}
		if !isDigit(rest[0]) || rest == "0" {
			return l, invalid // a sign, or 0 without a unit
		}
	}
	d, err := ParseDuration(rest)
	if err != nil {
		return l, invalid
	}
	l.rest = d
	return l, nil
}

// String writes a length as parseLength reads it.
func (l length) String() string {
	if l.months == 0 {
		return FormatDuration(l.rest)
	}
	s := ""
	if years := l.months / 12; years > 0 {
		s = strconv.Itoa(years) + "y"
	}
	if months := l.months % 12; months > 0 {
		s += strconv.Itoa(months) + "mo"
	}
	if l.rest > 0 {
		s += FormatDuration(l.rest)
	}
	return s
}

// least and most bound how long it is, whatever the months are.
func (l length) least() time.Duration { return time.Duration(l.months)*28*Day + l.rest }
func (l length) most() time.Duration  { return time.Duration(l.months)*31*Day + l.rest }
