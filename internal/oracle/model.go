package oracle

import (
	"slices"
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
	done    []int64 // the instants of its operations
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

// DoTogether applies operations as one, when the clock has been set to t: what the subscriber
// is told is what all of them make.
func (m *Model) DoTogether(t time.Time, ops ...Operation) {
	m.heard = nil
	m.clock = max(m.clock, t.UnixNano())
	m.pass(max(m.clock, m.now) + 1)
	m.now = max(m.clock, m.now)
	before := m.world
	for _, op := range ops {
		for _, part := range m.parts(op) {
			m.note(part)
			m.world = fold(m.log)
		}
	}
	m.world.keep(before.frozen)
	m.pause()
	m.world.frozen = m.compute(m.anew(before, nil), m.now)
	for key := range m.world.audiences {
		m.keys[key] = true
	}
	for key := range m.world.traits {
		m.keys[key] = true
	}
	m.tell(append(before.refs(), m.world.refs()...), func(string) audience.Cause { return audience.CauseEvent })
	m.deliver()
}

// note adds an operation to the log.
func (m *Model) note(op Operation) { m.log, m.done = append(m.log, op), append(m.done, m.now) }

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
	case Create, Edit, EditAudience, Recompute, Drop, DropTrait:
		limit++ // what is due at t itself comes before, not with it
	}
	m.pass(limit)
	m.now = t
	for _, part := range m.parts(op) {
		m.change(part)
	}
	m.deliver()
}

// parts returns what an operation does, one after the other.
func (m *Model) parts(op Operation) []Operation {
	user, id, from := "", "", Sender{}
	switch op := op.(type) {
	case Track:
		user, id, from = op.Event.Profile, op.Event.MessageID, op.Sender
	case Identify:
		user, id, from = op.Profile, op.MessageID, op.Sender
	case Group:
		user, id, from = op.Profile, op.MessageID, op.Sender
	}
	if m.world.attaches(from.Device, user) && !m.world.seen(user, id) {
		return []Operation{Merge{From: from.Device, Into: user, email: from.Email}, op}
	}
	return []Operation{op}
}

// change applies one part of an operation.
func (m *Model) change(op Operation) {
	t := m.now
	before := m.world
	m.note(op)
	m.world = fold(m.log)
	m.world.keep(before.frozen)
	m.pause()
	m.world.frozen = m.compute(m.anew(before, op), t)
	touched, cause := m.touched(before, op)
	m.tell(touched, func(key string) audience.Cause {
		if key == edited(op) {
			return audience.CauseEdit
		}
		return cause
	})
}

// edited returns the key that has another definition after an operation.
func edited(op Operation) string {
	switch op := op.(type) {
	case Edit:
		return op.Trait.Key
	case EditAudience:
		return op.Definition.Key
	}
	return ""
}

// touched returns the profiles that are looked at after an operation, and the
// cause to give.
func (m *Model) touched(before *world, op Operation) ([]profile.Ref, audience.Cause) {
	refs, cause := m.reached(before, op)
	if len(refs) > 0 && m.world.crosses() {
		refs = append(before.refs(), m.world.refs()...)
	}
	return refs, cause
}

// reached returns the profiles that an operation is about, none if it does
// nothing, and the cause to give.
func (m *Model) reached(before *world, op Operation) ([]profile.Ref, audience.Cause) {
	switch op := op.(type) {
	case Track:
		return m.receiver(op.Event.Profile), audience.CauseEvent
	case Identify:
		return m.receiver(op.Profile), audience.CauseTrait
	case Group:
		return m.receiver(op.Profile), audience.CauseTrait
	case Leave:
		id := before.resolve(op.Profile)
		if p := before.people[id]; p == nil || !p.accounts[op.Account] {
			return nil, audience.CauseTrait
		}
		return []profile.Ref{profile.UserRef(id)}, audience.CauseTrait
	case Merge:
		from, into := before.resolve(op.From), before.resolve(op.Into)
		if from == into {
			return nil, audience.CauseMerge
		}
		return []profile.Ref{profile.UserRef(from), profile.UserRef(into)}, audience.CauseMerge
	case Delete:
		id := before.resolve(op.Profile)
		if before.people[id] == nil {
			return nil, audience.CauseDelete
		}
		return []profile.Ref{profile.UserRef(id)}, audience.CauseDelete
	case DeleteAccount:
		if before.accounts[op.Account] == nil {
			return nil, audience.CauseDelete
		}
		return []profile.Ref{profile.AccountRef(op.Account)}, audience.CauseDelete
	case Create:
		for _, d := range op.Definitions {
			m.keys[d.Key] = true
		}
		for _, c := range op.Traits {
			m.keys[c.Key] = true
		}
		return m.Profiles(), audience.CauseBackfill
	case Recompute:
		return m.Profiles(), audience.CauseBackfill
	case Edit, EditAudience:
		return m.Profiles(), audience.CauseDependency
	case Drop, DropTrait:
		return m.Profiles(), audience.CauseDelete
	}
	panic("oracle: unknown operation")
}

// receiver returns the profile that the last message of the log reached, or
// none if the message was known before.
func (m *Model) receiver(id string) []profile.Ref {
	id = m.world.resolve(id)
	p := m.world.people[id]
	if p == nil || len(p.messages) == 0 || p.messages[len(p.messages)-1].arrival != len(m.log) {
		return nil // a duplicate
	}
	return []profile.Ref{profile.UserRef(id)}
}

// pass fires what time alone changes before limit, a profile at an instant
// after the other, or all of them where something crosses, and computes the
// batch audiences that are due after all else of their instant: what the
// subscriber does may change what is next.
func (m *Model) pass(limit int64) {
	for {
		refs, t := m.nextChange(limit)
		if refs == nil {
			t = limit
		}
		if after, at := m.nextBatch(t); after != nil {
			m.world.frozen = after
			refs, t = m.Profiles(), at
		}
		if refs == nil {
			return
		}
		m.now = t
		m.tell(refs, func(string) audience.Cause { return audience.CauseTime })
		m.deliver()
	}
}

// nextChange returns the first profiles, by instant and order of profiles, for
// which before limit something else holds than was told.
func (m *Model) nextChange(limit int64) (first []profile.Ref, at int64) {
	for _, refs := range m.together() {
		for _, t := range m.instants(refs, m.now, limit) {
			if m.differ(refs, t) {
				first, at, limit = refs, t, t
				break
			}
		}
	}
	return first, at
}

// together returns the profiles in groups, each to be looked at as one.
func (m *Model) together() [][]profile.Ref {
	refs := m.Profiles()
	if m.world.crosses() {
		return [][]profile.Ref{refs}
	}
	return slices.Collect(slices.Chunk(refs, 1))
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

// differ reports whether at t something else holds for any of some profiles
// than was told.
func (m *Model) differ(refs []profile.Ref, t int64) bool {
	instant := m.view(profile.Ref{}).at(t)
	for _, ref := range refs {
		v := instant.of(ref)
		for key := range m.world.traits {
			if !same(m.values[pair{ref, key}].New, v.value(key)) {
				return true
			}
		}
		for key := range m.world.audiences {
			if _, in := m.told[pair{ref, key}]; in != v.belongs(key) {
				return true
			}
		}
	}
	return false
}

// view returns what is known of a profile.
func (m *Model) view(ref profile.Ref) view {
	return view{world: m.world, filters: m.filters, told: m.told}.of(ref)
}
