package audience

import (
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// seenIDs returns who the profile at hand is, as a leaf reads it.
func (s *txn) seenIDs(n *network.Node) []SeenTrait {
	seen := []SeenTrait{{Name: "id", Value: profile.StringValue(s.Profile.Ref.ID)}}
	if !n.ReadsIDs() {
		return seen
	}
	return append(seen, SeenTrait{Name: "ids", Value: s.Self().IDs.Value()})
}
