package oracle

import (
	"cmp"
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
		v := view{world: w, filters: fs, ref: profile.UserRef(id), messages: p.distinct()}
		if v.at(t.UnixNano()).member(key) {
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
		if p.key == key {
			ms = append(ms, profile.Membership{Audience: key, Ref: p.ref, Since: entered.At})
		}
	}
	slices.SortFunc(ms, func(a, b profile.Membership) int {
		return strings.Compare(a.Ref.ID, b.Ref.ID)
	})
	return ms
}

// Value answers from all that was done until now what a profile has of a
// computed trait at t, null if nothing.
func (m *Model) Value(ref profile.Ref, key string, t time.Time) profile.Value {
	return m.view(ref).at(t.UnixNano()).value(key)
}

// ToldValues returns the values of a computed trait as the subscriber knows
// them, ascending by profile, each with the instant at which it came to be.
func (m *Model) ToldValues(key string) []profile.ComputedValue {
	var values []profile.ComputedValue
	for of, c := range m.values {
		if of.key == key {
			values = append(values, profile.ComputedValue{Key: key, Ref: of.ref, Value: c.New, Since: c.At})
		}
	}
	slices.SortFunc(values, func(a, b profile.ComputedValue) int {
		return compareRefs(a.Ref, b.Ref)
	})
	return values
}

// Traits returns the keys of the computed traits there are, ascending.
func (m *Model) Traits() []string { return slices.Sorted(maps.Keys(m.world.traits)) }

// Audiences returns the keys of the audiences there are, ascending.
func (m *Model) Audiences() []string { return slices.Sorted(maps.Keys(m.world.audiences)) }

// Profiles returns the profiles there are: users, then accounts, each ascending.
func (m *Model) Profiles() []profile.Ref {
	var refs []profile.Ref
	for id := range m.world.people {
		refs = append(refs, profile.UserRef(id))
	}
	for id := range m.world.accounts {
		refs = append(refs, profile.AccountRef(id))
	}
	slices.SortFunc(refs, compareRefs)
	return refs
}

func compareRefs(a, b profile.Ref) int {
	return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.ID, b.ID))
}

// Resolve returns the id under which messages for id are kept.
func (m *Model) Resolve(id string) string { return m.world.resolve(id) }
