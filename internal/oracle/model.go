package oracle

import (
	"maps"
	"slices"
	"time"

	"github.com/muster-go/muster/audience"
)

// Model is what a subscriber of an engine has been told, and must be told next.
type Model struct {
	// React, if set, is the subscriber: it is given each transition and returns
	// the operations with which its callback turns back to the engine. They are
	// done at the transition's instant or, if it is later, at the clock's, before
	// the next profile is looked at.
	React func(audience.Transition) []Operation

	log     []Operation
	world   *world
	filters *filters
	clock   int64                        // what the clock was set to
	now     int64                        // what has been reached
	told    map[pair]audience.Transition // of those who are in: how they entered
	waiting []audience.Transition        // due to the subscriber
	heard   []audience.Transition        // by the subscriber, since the last call
	busy    bool                         // in React
	keys    map[string]bool              // of every audience there ever was
}

type pair struct{ profile, audience string }

// NewModel returns the model of an engine without data whose clock stands at
// now.
func NewModel(now time.Time) *Model {
	return &Model{
		world:   fold(nil),
		filters: newFilters(),
		clock:   now.UnixNano(),
		now:     now.UnixNano(),
		told:    map[pair]audience.Transition{},
		keys:    map[string]bool{},
	}
}

// Do applies an operation when the clock has been set to t, and returns the
// transitions that the subscriber hears meanwhile, in order.
func (m *Model) Do(t time.Time, op Operation) []audience.Transition {
	m.clock = max(m.clock, t.UnixNano())
	m.apply(op)
	return m.flush()
}

// Advance lets time pass until t inclusive.
func (m *Model) Advance(t time.Time) []audience.Transition {
	m.pass(t.UnixNano() + 1)
	m.now = max(m.now, t.UnixNano())
	return m.flush()
}

func (m *Model) flush() []audience.Transition {
	heard := m.heard
	m.heard = nil
	return heard
}

func (m *Model) apply(op Operation) {
	t := max(m.clock, m.now) // never backwards
	limit := t
	switch op.(type) {
	case Create, Drop:
		limit++ // what is due at t itself comes before, not with it
	}
	m.pass(limit)
	m.now = t

	before := m.world
	m.log = append(m.log, op)
	m.world = fold(m.log)
	touched, cause := m.touched(before, op)
	m.tell(touched, cause)
	m.deliver()
}

// touched returns the profiles whose memberships an operation may change, and
// the cause to give.
func (m *Model) touched(before *world, op Operation) ([]string, audience.Cause) {
	switch op := op.(type) {
	case Track:
		return m.receiver(op.Event.Profile), audience.CauseEvent
	case Identify:
		return m.receiver(op.Profile), audience.CauseTrait
	case Group:
		return m.receiver(op.Profile), audience.CauseTrait
	case Merge:
		from, into := before.resolve(op.From), before.resolve(op.Into)
		if from == into {
			return nil, audience.CauseMerge
		}
		return []string{from, into}, audience.CauseMerge
	case Delete:
		return []string{before.resolve(op.Profile)}, audience.CauseDelete
	case Create:
		for _, d := range op.Definitions {
			m.keys[d.Key] = true
		}
		return m.everyone(), audience.CauseBackfill
	case Drop:
		return m.everyone(), audience.CauseDelete
	}
	panic("oracle: unknown operation")
}

// receiver returns the profile that the last message of the log was for, or
// none if the message was known before.
func (m *Model) receiver(id string) []string {
	id = m.world.resolve(id)
	messages := m.world.people[id].distinct()
	if messages[len(messages)-1].arrival != len(m.log) {
		return nil
	}
	return []string{id}
}

func (m *Model) everyone() []string { return slices.Collect(maps.Keys(m.world.people)) }

// pass fires what time alone changes before limit, a profile at an instant
// after the other: what the subscriber does may change what is next.
func (m *Model) pass(limit int64) {
	for {
		id, t, found := m.nextChange(limit)
		if !found {
			return
		}
		m.now = t
		m.tell([]string{id}, audience.CauseTime)
		m.deliver()
	}
}

// nextChange returns the first profile, by instant and id, for which before
// limit something else holds than was told.
func (m *Model) nextChange(limit int64) (first string, at int64, found bool) {
	for _, id := range m.Profiles() {
		v := m.view(id, 0)
		for _, t := range v.instants(m.now, limit) {
			v.t = t
			if m.differs(v, id) {
				first, at, found, limit = id, t, true, t
				break
			}
		}
	}
	return first, at, found
}

func (m *Model) differs(v view, id string) bool {
	for key := range m.world.audiences {
		if _, in := m.told[pair{id, key}]; in != v.member(key) {
			return true
		}
	}
	return false
}

// view returns what is known of a profile at t: nothing if it does not exist.
func (m *Model) view(id string, t int64) view {
	v := view{world: m.world, filters: m.filters, t: t}
	if p := m.world.people[id]; p != nil {
		v.messages = p.distinct()
	}
	return v
}

// tell says what has become different for the profiles, ordered by profile and
// audience.
func (m *Model) tell(profiles []string, cause audience.Cause) {
	slices.Sort(profiles)
	for _, id := range profiles {
		v := m.view(id, m.now)
		for _, key := range slices.Sorted(maps.Keys(m.keys)) {
			_, was := m.told[pair{id, key}]
			is := m.world.people[id] != nil && v.member(key)
			if was == is {
				continue
			}
			tr := audience.Transition{Audience: key, Profile: id, At: time.Unix(0, m.now).UTC(), Cause: cause}
			if is {
				m.told[pair{id, key}] = tr
			} else {
				tr.Type = audience.Exited
				delete(m.told, pair{id, key})
			}
			m.waiting = append(m.waiting, tr)
		}
	}
}

// deliver calls the subscriber. What the subscriber does in turn is heard
// after what waits already.
func (m *Model) deliver() {
	if m.busy {
		return
	}
	for len(m.waiting) > 0 {
		tr := m.waiting[0]
		m.waiting = m.waiting[1:]
		m.heard = append(m.heard, tr)
		if m.React == nil {
			continue
		}
		m.busy = true
		for _, op := range m.React(tr) {
			m.apply(op)
		}
		m.busy = false
	}
}
