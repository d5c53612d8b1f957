package oracle

import (
	"maps"
	"reflect"
	"slices"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// frozen is who was in each batch audience when it was last computed, and in each paused
// one when it was paused.
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

// latched reports whether an audience is frozen between some instants.
func latched(d audience.Definition) bool { return d.Batch != 0 || d.Paused }

// pause freezes the audiences that an operation has paused: as the subscriber knows them.
func (m *Model) pause() {
	for key, a := range m.world.audiences {
		if _, is := m.world.frozen[key]; is || !a.definition.Paused {
			continue
		}
		m.world.frozen[key] = map[profile.Ref]bool{}
		for _, ref := range m.world.refs() {
			if _, in := m.told[pair{ref, key}]; in && ref.Subject == a.definition.Of {
				m.world.frozen[key][ref] = true
			}
		}
	}
}

// keep takes over what was frozen, of the audiences that still are and the profiles that
// there still are.
func (w *world) keep(was frozen) {
	w.frozen = frozen{}
	for key, members := range was {
		if !latched(w.audiences[key].definition) {
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
		if a.definition.Batch != 0 && !a.definition.Paused && !reflect.DeepEqual(a, before.audiences[key]) {
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
		if interval := int64(a.definition.Batch); interval > 0 && !a.definition.Paused && t%interval == 0 {
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
		if interval <= 0 || a.definition.Paused {
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
