package aggregate

import (
	"bytes"

	"github.com/muster-go/muster/internal/canonical"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Values that are remembered have one form for all that are equal by
// profile.Value.Compare: see package canonical. So 1 and 1.0 are one value, reported as 1,
// whichever came.

// comparePacked is profile.Value.Compare of packed values, without unpacking
// the kinds that are common.
func comparePacked(a, b []byte) int {
	if profile.Kind(a[0]) == profile.String && profile.Kind(b[0]) == profile.String {
		return bytes.Compare(a[1:], b[1:])
	}
	return canonical.Unpack(a).Compare(canonical.Unpack(b))
}

// rememberable reports whether v is a value that is remembered, and not null.
func rememberable(v profile.Value) bool { return !v.IsNull() && canonical.Fits(v, trait.MaxValue) }
