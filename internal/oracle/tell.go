package oracle

import (
	"maps"
	"slices"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// Notice is one thing that the subscriber is told: a change of a computed trait
// or, without one, a transition.
type Notice struct {
	Transition audience.Transition
	Change     *audience.TraitChange
}

// tell says what has become different for the profiles, a profile after the
// other: first its computed traits, then its memberships, each in the order of
// keys.
func (m *Model) tell(profiles []profile.Ref, cause func(key string) audience.Cause) {
	slices.SortFunc(profiles, compareRefs)
	keys := slices.Sorted(maps.Keys(m.keys))
	instant := m.view(profile.Ref{}).at(m.now)
	for _, ref := range slices.Compact(profiles) {
		v := instant.of(ref)
		for _, key := range keys {
			m.tellValue(v, key, cause(key))
		}
		for _, key := range keys {
			m.tellMembership(v, key, cause(key))
		}
	}
}

func (m *Model) tellValue(v view, key string, cause audience.Cause) {
	of := pair{v.ref, key}
	was, is := m.values[of].New, v.value(key) // null if nobody is there
	if same(was, is) {
		return
	}
	c := audience.TraitChange{Trait: key, Profile: v.ref, Old: was, New: is, At: time.Unix(0, m.now).UTC(), Cause: cause}
	m.values[of] = c
	if is.IsNull() {
		delete(m.values, of)
	}
	m.waiting = append(m.waiting, Notice{Change: &c})
}

func (m *Model) tellMembership(v view, key string, cause audience.Cause) {
	of := pair{v.ref, key}
	_, was := m.told[of]
	is := v.belongs(key)
	if was == is {
		return
	}
	tr := audience.Transition{Audience: key, Subject: v.ref.Subject, Profile: v.ref.ID, At: time.Unix(0, m.now).UTC(), Cause: cause}
	if is {
		m.told[of] = tr
	} else {
		tr.Type = audience.Exited
		delete(m.told, of)
	}
	m.waiting = append(m.waiting, Notice{Transition: tr})
}

// deliver calls the subscriber. What the subscriber does in turn is heard
// after what waits already.
func (m *Model) deliver() {
	if m.busy {
		return
	}
	for len(m.waiting) > 0 {
		n := m.waiting[0]
		m.waiting = m.waiting[1:]
		m.heard = append(m.heard, n)
		if m.React == nil {
			continue
		}
		m.busy = true
		for _, op := range m.React(n) {
			m.apply(op)
		}
		m.busy = false
	}
}
