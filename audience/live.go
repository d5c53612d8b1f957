package audience

import "github.com/muster-go/muster/profile"

// live is an audience or a computed trait that exists.
type live struct {
	*definition
	output
	refs    []string // the keys that it reads
	filters []filterAt
}

func newLive(d *definition) *live {
	return &live{definition: d, output: output{Key: d.key, Of: d.subject()}, refs: d.plan.refs(nil)}
}

// holdsOf reports whether profiles of a subject are members.
func (a *live) holdsOf(of profile.Subject) bool {
	return of == a.subject() || of == profile.User && a.audience.PerUser
}

// waits reports whether what a definition makes of the profiles of a subject comes with a
// later stage of its creation: of one that an engine before has begun something is stored.
func (a *live) waits(of profile.Subject) bool { return a.pending && a.rootOf(of) == nil }
