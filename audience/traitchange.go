package audience

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
)

// TraitChange is a change of one computed trait of one profile. The values
// differ, in kind or as values; null is no value.
type TraitChange struct {
	ID       uint64 // as that of a Transition
	Trait    string
	Profile  profile.Ref
	Old, New profile.Value
	At       time.Time // UTC; as that of a Transition
	Cause    Cause
}

// String returns, say, "u1 total_revenue 12.5 → 20 at 2026-01-02T15:04:05Z (event)".
func (c TraitChange) String() string {
	return printable(fmt.Sprintf("%s %s %s → %s at %s (%s)", c.Profile.ID, c.Trait, c.Old, c.New,
		c.At.UTC().Format(time.RFC3339Nano), c.Cause))
}

// MarshalJSON writes one object: trait, profile, old, new, at, cause.
func (c TraitChange) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Trait   string        `json:"trait"`
		Profile string        `json:"profile"`
		Old     profile.Value `json:"old"`
		New     profile.Value `json:"new"`
		At      string        `json:"at"`
		Cause   string        `json:"cause"`
	}{c.Trait, c.Profile.ID, c.Old, c.New, c.At.UTC().Format(atFormat), c.Cause.String()})
}
