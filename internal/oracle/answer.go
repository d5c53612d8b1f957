package oracle

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
)

// Members answers from a log alone who is in an audience at t, ascending.
func Members(log []Operation, key string, t time.Time) []string {
	w, fs := fold(log), newFilters()
	var ids []string
	for id, p := range w.people {
		v := view{world: w, filters: fs, messages: p.distinct(), t: t.UnixNano()}
		if v.member(key) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Members answers who is in an audience at t, ascending, given all that was
// done until now: not from what the subscriber was told.
func (m *Model) Members(key string, t time.Time) []string { return Members(m.log, key, t) }

// Told returns the members of an audience as the subscriber knows them,
// ascending by profile, each with the instant at which it entered.
func (m *Model) Told(key string) []profile.Membership {
	var ms []profile.Membership
	for p, entered := range m.told {
		if p.audience == key {
			ms = append(ms, profile.Membership{Audience: key, Ref: profile.UserRef(p.profile), Since: entered.At})
		}
	}
	slices.SortFunc(ms, func(a, b profile.Membership) int {
		return strings.Compare(a.Ref.ID, b.Ref.ID)
	})
	return ms
}

// Audiences returns the keys of the audiences there are, ascending.
func (m *Model) Audiences() []string { return slices.Sorted(maps.Keys(m.world.audiences)) }

// Profiles returns the ids of the profiles there are, ascending.
func (m *Model) Profiles() []string { return slices.Sorted(maps.Keys(m.world.people)) }

// Resolve returns the id under which messages for id are kept.
func (m *Model) Resolve(id string) string { return m.world.resolve(id) }
