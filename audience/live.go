package audience

import (
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// live is an audience or a computed trait that exists.
type live struct {
	*definition
	network.Output
	refs    []string // the keys that it reads
	filters []network.FilterAt
}

func newLive(d *definition) *live {
	return &live{definition: d, Output: network.Output{Key: d.key, Of: d.subject()}, refs: d.plan.Refs(nil)}
}

// holdsOf reports whether profiles of a subject are members.
func (a *live) holdsOf(of profile.Subject) bool {
	return of == a.subject() || of == profile.User && a.audience.PerUser
}

// waits reports whether what a definition makes of the profiles of a subject comes with a
// later stage of its creation: of one that an engine before has begun something is stored.
func (a *live) waits(of profile.Subject) bool { return a.pending && a.RootOf(of) == nil }
