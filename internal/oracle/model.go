package oracle

import (
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// Model is what a subscriber of an engine has been told, and must be told next.
type Model struct {
	// React, if set, is the subscriber: it is given each notice and returns the
	// operations with which its callback turns back to the engine. They are done
	// at the notice's instant or, if it is later, at the clock's, before the next
	// profile is looked at.
	React func(Notice) []Operation

	log     []Operation
	world   *world
	filters *filters
	clock   int64                         // what the clock was set to
	now     int64                         // what has been reached
	told    map[pair]audience.Transition  // of those who are in: how they entered
	values  map[pair]audience.TraitChange // of those who have a value: how they got it
	waiting []Notice                      // due to the subscriber
	heard   []Notice                      // by the subscriber, in the last call
	busy    bool                          // in React
	keys    map[string]bool               // of all audiences and computed traits there ever were
}

type pair struct {
	ref profile.Ref
	key string
}

// NewModel returns the model of an engine without data whose clock stands at
// now.
func NewModel(now time.Time) *Model {
	return &Model{
		world:   fold(nil),
		filters: newFilters(),
		clock:   now.UnixNano(),
		now:     now.UnixNano(),
		told:    map[pair]audience.Transition{},
		values:  map[pair]audience.TraitChange{},
		keys:    map[string]bool{},
	}
}

// Do applies an operation when the clock has been set to t.
func (m *Model) Do(t time.Time, op Operation) {
	m.heard = nil
	m.clock = max(m.clock, t.UnixNano())
	m.apply(op)
}

// Advance lets time pass until t inclusive.
func (m *Model) Advance(t time.Time) {
	m.heard = nil
	m.pass(t.UnixNano() + 1)
	m.now = max(m.now, t.UnixNano())
}

// Heard returns what the subscriber heard during the last call, in order.
func (m *Model) Heard() []Notice { return m.heard }

func (m *Model) apply(op Operation) {
	t := max(m.clock, m.now) // never backwards
	limit := t
	switch op.(type) {
	case Create, Edit, Drop, DropTrait:
		limit++ // what is due at t itself comes before, not with it
	}
	m.pass(limit)
	m.now = t

	before := m.world
	m.log = append(m.log, op)
	m.world = fold(m.log)
	touched, cause := m.touched(before, op)
	m.tell(touched, func(key string) audience.Cause {
		if edit, ok := op.(Edit); ok && edit.Trait.Key == key {
			return audience.CauseEdit
		}
		return cause
	})
	m.deliver()
}

// touched returns the profiles for which an operation may change something, and
// the cause to give.
func (m *Model) touched(before *world, op Operation) ([]profile.Ref, audience.Cause) {
	switch op := op.(type) {
	case Track:
		return m.receiver(op.Event.Profile, op), audience.CauseEvent
	case Identify:
		return m.receiver(op.Profile, op), audience.CauseTrait
	case Group:
		return m.receiver(op.Profile, op), audience.CauseTrait
	case Merge:
		from, into := before.resolve(op.From), before.resolve(op.Into)
		if from == into {
			return nil, audience.CauseMerge
		}
		return append(m.reached(before, op), profile.UserRef(from), profile.UserRef(into)), audience.CauseMerge
	case Delete:
		return append(m.reached(before, op), profile.UserRef(before.resolve(op.Profile))), audience.CauseDelete
	case Create:
		for _, d := range op.Definitions {
			m.keys[d.Key] = true
		}
		for _, c := range op.Traits {
			m.keys[c.Key] = true
		}
		return m.Profiles(), audience.CauseBackfill
	case Edit:
		return m.Profiles(), audience.CauseDependency
	case Drop, DropTrait:
		return m.Profiles(), audience.CauseDelete
	}
	panic("oracle: unknown operation")
}

// receiver returns the profiles that the last message of the log reached, or
// none if the message was known before.
func (m *Model) receiver(id string, op Operation) []profile.Ref {
	id = m.world.resolve(id)
	messages := m.world.people[id].distinct()
	if messages[len(messages)-1].arrival != len(m.log) {
		return nil
	}
	return append(m.reached(nil, op), profile.UserRef(id))
}

// pass fires what time alone changes before limit, a profile at an instant
// after the other: what the subscriber does may change what is next.
func (m *Model) pass(limit int64) {
	for {
		ref, t, found := m.nextChange(limit)
		if !found {
			return
		}
		m.now = t
		m.tell([]profile.Ref{ref}, func(string) audience.Cause { return audience.CauseTime })
		m.deliver()
	}
}

// nextChange returns the first profile, by instant and order of profiles, for
// which before limit something else holds than was told.
func (m *Model) nextChange(limit int64) (first profile.Ref, at int64, found bool) {
	for _, ref := range m.Profiles() {
		v := m.view(ref)
		for _, t := range v.instants(m.now, limit, m.computed(ref)) {
			if m.differs(v.at(t)) {
				first, at, found, limit = ref, t, true, t
				break
			}
		}
	}
	return first, at, found
}

// computed returns the values of a profile's computed traits: they stay until
// the next change.
func (m *Model) computed(ref profile.Ref) []profile.Value {
	var values []profile.Value
	for of, c := range m.values {
		if of.ref == ref {
			values = append(values, c.New)
		}
	}
	return values
}

func (m *Model) differs(v view) bool {
	for key := range m.world.traits {
		if !same(m.values[pair{v.ref, key}].New, v.value(key)) {
			return true
		}
	}
	for key := range m.world.audiences {
		if _, in := m.told[pair{v.ref, key}]; in != m.isMember(v, key) {
			return true
		}
	}
	return false
}

// isMember reports whether there is such a profile and it is in the audience of
// a key. Audiences are of users.
func (m *Model) isMember(v view, key string) bool {
	return v.ref.Subject == profile.User && m.world.people[v.ref.ID] != nil && v.member(key)
}

// view returns what is known of a profile: nothing if it does not exist.
func (m *Model) view(ref profile.Ref) view {
	v := view{world: m.world, filters: m.filters, ref: ref}
	of := m.world.people
	if ref.Subject == profile.Account {
		of = m.world.accounts
	}
	if p := of[ref.ID]; p != nil {
		v.messages = p.distinct()
	}
	return v
}
