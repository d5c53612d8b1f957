package profile

import (
	"cmp"
	"slices"
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
	// Counts are, for an account, how many of its users meet what conditions ask of them, in
	// the order of their marks, as of the definitions of version Counted. They are the
	// engine's own too: a store keeps them as they are.
	Counts  []UsersCount
	Counted uint32
}

// UsersCount is how many users an account has, and how many of them meet what the condition
// of a mark asks.
type UsersCount struct {
	Mark        uint64
	Users, Meet uint32
}

// Clone returns a wake that shares no memory with w.
func (w Wake) Clone() Wake {
	w.Marks, w.Counts = slices.Clone(w.Marks), slices.Clone(w.Counts)
	return w
}

// SetWake replaces what is kept of a profile. Of one that does not exist nothing is kept.
type SetWake struct{ Wake Wake }

func (*SetWake) change() {}

// CompareWakes is the order of wakes: by instant, then users before accounts, then id.
func CompareWakes(a, b Wake) int {
	return cmp.Or(a.At.Compare(b.At), a.Ref.Compare(b.Ref))
}
