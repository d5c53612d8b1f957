package celfilter

import (
	"fmt"
	"regexp"

	"github.com/muster-go/muster/profile"
)

// offsetPattern is of CEL, where a sign may be missing.
var offsetPattern = regexp.MustCompile(`^[+-]?(0\d|1[0-4]):[0-5]\d$`)

// checkZone returns an error for a text that is no time zone: neither an IANA name nor
// an offset such as -05:00. The machine's own zone is none, as what is true of an
// event is true everywhere.
func checkZone(zone string) error {
	if offsetPattern.MatchString(zone) {
		return nil
	}
	if _, err := profile.LoadZone(zone); err != nil || zone == "" {
		return fmt.Errorf("time zone %q does not exist", zone)
	}
	return nil
}
