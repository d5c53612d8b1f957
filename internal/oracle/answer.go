package oracle

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// Members answers from a log alone who is in an audience at t: users, then
// accounts, each ascending. A log does not tell when batch audiences were
// computed, nor when members entered: the answer is as if both were at t.
func Members(log []Operation, key string, t time.Time) []profile.Ref {
	return fold(log).members(key, t, nil)
}

func (w *world) members(key string, t time.Time, told map[pair]audience.Transition) []profile.Ref {
	instant := view{world: w, filters: newFilters(), told: told}.at(t.UnixNano())
	return slices.DeleteFunc(instant.world.refs(), func(ref profile.Ref) bool {
		return !instant.of(ref).belongs(key)
	})
}

// Members answers who is in an audience at t, users, then accounts, each
// ascending, given all that was done until now: not from what the subscriber
// was told.
// Batch audiences stay as they were last computed.
func (m *Model) Members(key string, t time.Time) []profile.Ref {
	w := fold(m.log)
	w.frozen = m.world.frozen
	return w.members(key, t, m.told)
}

// Preview answers who would be in an audience at t that is not batch, were it made now.
func (m *Model) Preview(d audience.Definition, t time.Time) []profile.Ref {
	return fold(append(slices.Clone(m.log), Create{Definitions: []audience.Definition{d}})).members(d.Key, t, m.told)
}

// Meets answers whether a profile is in an audience now, all that is due now included.
func (m *Model) Meets(ref profile.Ref, key string) bool { return m.view(ref).at(m.now).belongs(key) }

// Foresee answers whether a profile is in an audience now, all that is due now
// included, and when that changes if nothing arrives and no batch audience is
// computed; zero: never. It does not know when it changes with other profiles.
func (m *Model) Foresee(ref profile.Ref, key string) (member bool, until time.Time) {
	member = m.Meets(ref, key)
	alone := []profile.Ref{ref}
	future := *m
	future.told, future.values, future.waiting = maps.Clone(m.told), maps.Clone(m.values), nil
	pass := func() bool {
		for _, t := range future.instants(alone, future.now, math.MaxInt64) {
			if future.differ(alone, t) {
				future.now = t
				future.tell(alone, func(string) audience.Cause { return audience.CauseTime })
				return true
			}
		}
		return false
	}
	for pass() {
		if future.view(ref).at(future.now).belongs(key) != member {
			return member, time.Unix(0, future.now).UTC()
		}
	}
	return member, time.Time{}
}

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

// Crosses reports whether what holds for one profile may now hang on others.
func (m *Model) Crosses() bool { return m.world.crosses() }
