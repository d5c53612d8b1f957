package celfilter

import (
	"fmt"
	"regexp"
	"time"
	_ "time/tzdata" // zones come with the library: a machine need not have them
)

var offsetPattern = regexp.MustCompile(`^[+-]?(0\d|1[0-4]):[0-5]\d$`)

// checkZone returns an error for a text that is no time zone: neither an IANA name nor
// an offset such as -05:00. The machine's own zone is none, as what is true of an
// event is true everywhere.
func checkZone(zone string) error {
	if offsetPattern.MatchString(zone) {
		return nil
	}
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		return fmt.Errorf("time zone %q does not exist", zone)
	}
	return nil
}
