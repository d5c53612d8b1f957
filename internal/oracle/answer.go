package oracle

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
)

// Members answers from a log alone who is in an audience at t: users, then
// accounts, each ascending.
func Members(log []Operation, key string, t time.Time) []profile.Ref {
	instant := view{world: fold(log), filters: newFilters()}.at(t.UnixNano())
	return slices.DeleteFunc(instant.world.refs(), func(ref profile.Ref) bool {
		return !instant.of(ref).belongs(key)
	})
}

// Members answers who is in an audience at t, users, then accounts, each
// ascending, given all that was done until now: not from what the subscriber
// was told.
func (m *Model) Members(key string, t time.Time) []profile.Ref { return Members(m.log, key, t) }

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
		return compareRefs(a.Ref, b.Ref)
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
func (m *Model) Profiles() []profile.Ref { return m.world.refs() }

func compareRefs(a, b profile.Ref) int {
	return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.ID, b.ID))
}

// Resolve returns the id under which messages for id are kept.
func (m *Model) Resolve(id string) string { return m.world.resolve(id) }
