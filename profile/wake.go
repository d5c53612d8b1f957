package profile

import (
	"cmp"
	"time"
)

// Wake is what the engine keeps of a profile to go on with it, whenever that is and
// whatever it has forgotten meanwhile. A profile that never had one has the zero Wake.
type Wake struct {
	Ref Ref
	// At is when time next changes what the engine says of the profile, or before; zero:
	// it never does.
	At time.Time
	// Version is that of the last definitions which came to the profile while others had
	// yet to get them: see KeyRecord.
	Version uint32
	// Marks tell, for conditions that others rely on, how the profile differs from one
	// without any data. They are the engine's own, and ascending.
	Marks []uint64
}

// SetWake replaces what is kept of a profile. Of one that does not exist nothing is kept.
type SetWake struct{ Wake Wake }

func (*SetWake) change() {}

// CompareWakes is the order of wakes: by instant, then users before accounts, then id.
func CompareWakes(a, b Wake) int {
	return cmp.Or(a.At.Compare(b.At), a.Ref.Compare(b.Ref))
}
