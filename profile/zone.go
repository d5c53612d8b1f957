package profile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones come with the library: a machine need not have them
)

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
