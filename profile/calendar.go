package profile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones come with the library: a machine need not have them
)

// Unit is a unit of the calendar. A week begins on Monday.
type Unit uint8

// The units.
const (
	NoUnit Unit = iota
	UnitDay
	UnitWeek
	UnitMonth
	UnitQuarter
	UnitYear
)

var unitNames = [...]string{"", "day", "week", "month", "quarter", "year"}

// String returns the name that the JSON form has for a unit.
func (u Unit) String() string {
	if int(u) < len(unitNames) {
		return unitNames[u]
	}
	return fmt.Sprintf("unit(%d)", u)
}

// ParseUnit reads the name of a unit.
func ParseUnit(name string) (Unit, error) {
	for u, known := range unitNames {
		if name == known && u > 0 {
			return Unit(u), nil
		}
	}
	return NoUnit, fmt.Errorf("%w: unit %q, want day, week, month, quarter or year", ErrInvalid, name)
}

// most is how many units of a kind there are in MaxWindow.
func (u Unit) most() int {
	return [...]int{0, 50 * 365, 50 * 52, 50 * 12, 50 * 4, 50}[u]
}

// longest bounds how long n units are.
func (u Unit) longest(n int) time.Duration {
	days := [...]int{0, 1, 7, 31, 92, 366}[u] * n
	return time.Duration(days)*Day + Day // a zone may move its clock
}

var offsetPattern = regexp.MustCompile(`^[+-](0\d|1[0-4]):[0-5]\d$`)

// LoadZone returns a time zone: an IANA name such as "Europe/Berlin", or an offset such as
// "-05:00"; "" is UTC. The zone of the machine is none, as what holds of a profile holds
// everywhere. The error wraps ErrInvalid.
func LoadZone(name string) (*time.Location, error) {
	if offsetPattern.MatchString(name) {
		hours, _ := strconv.Atoi(name[1:3])
		minutes, _ := strconv.Atoi(name[4:])
		seconds := (hours*60 + minutes) * 60
		if name[0] == '-' {
			seconds = -seconds
		}
		return time.FixedZone(name, seconds), nil
	}
	at, err := time.LoadLocation(name)
	if err != nil || strings.EqualFold(name, "Local") {
		return nil, fmt.Errorf("%w: time zone %q does not exist", ErrInvalid, name)
	}
	return at, nil
}
