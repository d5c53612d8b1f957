package oracle

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// Backtest answers what would have been told of an audience until an instant, that included,
// had it been there from the beginning, and had everything that a store remembers come at
// the time that it is of: all of one instant at once. Nothing is batch, and nothing paused.
func (m *Model) Backtest(d audience.Definition, until time.Time) []audience.Transition {
	whole := m.remembered()
	whole.audiences[d.Key] = live{definition: d}
	for key, a := range whole.audiences {
		a.definition.Batch, a.definition.Paused = 0, false
		whole.audiences[key] = a
	}
	past := &Model{filters: m.filters, told: map[pair]audience.Transition{}, values: map[pair]audience.TraitChange{}, keys: map[string]bool{}}
	for key := range whole.audiences {
		past.keys[key] = true
	}
	for key := range whole.traits {
		past.keys[key] = true
	}
	births := whole.births()
	for _, at := range slices.Compact(slices.Sorted(maps.Values(births))) {
		if at > until.UnixNano() {
			break
		}
		if past.world != nil {
			past.pass(at)
		}
		past.now, past.world = at, whole.bornUntil(at, births)
		past.tell(past.Profiles(), func(string) audience.Cause { return audience.CauseTime })
		past.deliver()
	}
	if past.world != nil {
		past.pass(until.UnixNano() + 1)
	}
	var told []audience.Transition
	for _, n := range past.heard {
		if n.Change == nil && n.Transition.Audience == d.Key {
			told = append(told, n.Transition)
		}
	}
	return told
}

// remembered returns what there is now without the past that a store forgets: of the writes
// of a trait those are kept that could still have mattered when the last was stored.
func (m *Model) remembered() *world {
	w := *m.world
	w.audiences = maps.Clone(w.audiences)
	w.frozen = frozen{}
	w.people, w.accounts = maps.Clone(w.people), maps.Clone(w.accounts)
	for _, of := range []map[string]*person{w.people, w.accounts} {
		for id, p := range of {
			again := *p
			again.messages = m.withoutForgotten(p)
			of[id] = &again
		}
	}
	return &w
}

func (m *Model) withoutForgotten(p *person) []message {
	last := p.merged
	for _, of := range p.messages {
		if of.traits != nil {
			last = max(last, of.arrival)
		}
	}
	var kept []message
	for _, of := range p.messages {
		if of.traits != nil {
			traits := *of.traits
			traits.Traits = profile.Object{}
			values := map[string]any{}
			for name, value := range of.traits.Traits.All() {
				if !m.forgotten(p, of, name, last) {
					values[name] = value
				}
			}
			traits.Traits = object(values)
			of.traits = &traits
		}
		kept = append(kept, of)
	}
	return kept
}

// forgotten reports whether another write of a trait takes the place of one wherever that could
// count: it has come later, is at least as great, and counted at the instant of the last.
func (m *Model) forgotten(p *person, of message, name string, last int) bool {
	return slices.ContainsFunc(p.messages, func(other message) bool {
		if other.traits == nil || other.arrival <= of.arrival {
			return false
		}
		_, writes := other.traits.Traits.Get(name)
		newer, at := other.traits.Time.UnixNano(), of.traits.Time.UnixNano()
		return writes && newer >= at && (newer == at || newer <= m.instantOf(last))
	})
}

// instantOf returns the instant of an operation.
func (m *Model) instantOf(arrival int) int64 { return m.done[arrival-1] }

func object(values map[string]any) profile.Object {
	o, err := profile.NewObject(values)
	if err != nil {
		panic(err) // they come of one
	}
	return o
}

// births returns since when profiles are there: from their first event or trait on, accounts
// also from that of the first of their users on.
func (w *world) births() map[profile.Ref]int64 {
	births := map[profile.Ref]int64{}
	for _, of := range []profile.Subject{profile.User, profile.Account} {
		for id, p := range w.profiles(of) {
			at := int64(math.MaxInt64)
			for _, m := range p.messages {
				if m.track != nil {
					at = min(at, m.track.Event.Time.UnixNano())
				}
				if m.traits != nil && m.traits.Traits.Len() > 0 {
					at = min(at, m.traits.Time.UnixNano())
				}
			}
			if at < math.MaxInt64 {
				births[profile.Ref{Subject: of, ID: id}] = at
			}
		}
	}
	for id, p := range w.people {
		born, known := births[profile.UserRef(id)]
		for account := range p.accounts {
			ref := profile.AccountRef(account)
			if at, is := births[ref]; known && (!is || born < at) {
				births[ref] = born
			}
		}
	}
	return births
}

// bornUntil returns the world without those who are born after an instant.
func (w *world) bornUntil(at int64, births map[profile.Ref]int64) *world {
	of := *w
	of.people, of.accounts = map[string]*person{}, map[string]*person{}
	for ref, born := range births {
		if born <= at {
			of.profiles(ref.Subject)[ref.ID] = w.profiles(ref.Subject)[ref.ID]
		}
	}
	return &of
}
