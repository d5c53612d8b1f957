package oracle

import (
	"maps"
	"reflect"
	"slices"

	"github.com/muster-go/muster/profile"
)

// frozen is who was in each batch audience when it was last computed.
type frozen map[string]map[profile.Ref]bool

// compute returns what is frozen after some audiences were computed at t. Those
// among them that read each other see what the others become.
func (m *Model) compute(keys []string, t int64) frozen {
	after := maps.Clone(m.world.frozen)
	for _, key := range keys {
		delete(after, key)
	}
	thawed := *m.world
	thawed.frozen = maps.Clone(after)
	instant := view{world: &thawed, filters: m.filters, told: m.told}.at(t)
	for _, key := range keys {
		after[key] = map[profile.Ref]bool{}
		for _, ref := range thawed.refs() {
			if ref.Subject == thawed.audiences[key].definition.Of && instant.of(ref).in(key) {
				after[key][ref] = true
			}
		}
	}
	return after
}

// keep takes over what was frozen, of the batch audiences and profiles that
// there still are.
func (w *world) keep(was frozen) {
	w.frozen = frozen{}
	for key, members := range was {
		if w.audiences[key].definition.Batch == 0 {
			continue
		}
		w.frozen[key] = map[profile.Ref]bool{}
		for ref := range members {
			if w.profiles(ref.Subject)[ref.ID] != nil {
				w.frozen[key][ref] = true
			}
		}
	}
}

// anew returns the batch audiences that an operation has computed: those that it
// asks for, makes, or makes different.
func (m *Model) anew(before *world, op Operation) []string {
	if op, ok := op.(Recompute); ok {
		return op.Audiences
	}
	var keys []string
	for key, a := range m.world.audiences {
		if a.definition.Batch != 0 && !reflect.DeepEqual(a, before.audiences[key]) {
			keys = append(keys, key)
		}
	}
	return keys
}

// nextBatch returns the first instant before limit at which computing what is
// due makes a difference, and what is frozen then; nil if there is none.
func (m *Model) nextBatch(limit int64) (after frozen, at int64) {
	for _, t := range m.batchInstants(limit) {
		if after := m.compute(m.due(t), t); !maps.EqualFunc(after, m.world.frozen, maps.Equal) {
			return after, t
		}
	}
	return nil, 0
}

// due returns the audiences that are computed at t.
func (m *Model) due(t int64) []string {
	var keys []string
	for key, a := range m.world.audiences {
		if interval := int64(a.definition.Batch); interval > 0 && t%interval == 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// batchInstants returns, in order, every instant from now on and before limit at
// which computing could make a difference: of each interval the first now, and
// the first after each instant at which time changes anything.
func (m *Model) batchInstants(limit int64) []int64 {
	var all, changes []int64
	for _, a := range m.world.audiences {
		interval := int64(a.definition.Batch)
		if interval <= 0 {
			continue
		}
		if changes == nil {
			changes = append(m.instants(m.Profiles(), m.now, limit), m.now)
		}
		for _, t := range changes {
			if t += (interval - t%interval) % interval; t < limit {
				all = append(all, t)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
