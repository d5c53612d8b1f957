package profile

import (
	"cmp"
	"fmt"
	"slices"
)

// Limits bound what one profile has: each of its lists is gone through by calls that
// concern the profile. A change beyond a limit is a *LimitError, and changes nothing.
type Limits struct {
	EventNames  int // names of events; 10,000 by default
	TraitNames  int // names of traits; 1,000 by default
	TraitWrites int // writes of traits that can still matter, such as those dated ahead; 4,000 by default
	IDs         int // external ids, and ids merged into it; 1,000 by default
	Accounts    int // that a user is attached to, or sent events for; 1,000 by default
}

// WithLimits sets limits of a profile; those that are 0 are the default.
func WithLimits(l Limits) MemOption {
	return func(s *MemStore) { s.limits = l }
}

func (l Limits) withDefaults() Limits {
	return Limits{
		EventNames:  cmp.Or(l.EventNames, 10_000),
		TraitNames:  cmp.Or(l.TraitNames, 1000),
		TraitWrites: cmp.Or(l.TraitWrites, 4000),
		IDs:         cmp.Or(l.IDs, 1000),
		Accounts:    cmp.Or(l.Accounts, 1000),
	}
}

// LimitError says which limit of a profile a change is beyond. It wraps ErrLimit.
type LimitError struct {
	Ref   Ref
	What  string // "external ids"
	Limit int
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%v: %s %q has %d %s at most", ErrLimit, e.Ref.Subject, e.Ref.ID, e.Limit, e.What)
}

// Unwrap returns ErrLimit.
func (e *LimitError) Unwrap() error { return ErrLimit }

// room counts what a batch adds to the lists of profiles.
type room struct {
	limits Limits
	added  map[Ref]*additions
}

// additions are what a profile has, by the lists, once the batch is applied. They are
// made when the first change of the profile comes that may add anything.
type additions struct {
	events, traits, accounts map[string]bool
	ids                      map[ExternalID]bool
	writes, aliases          int
}

// checkLimits returns an error for the first change of a batch that is beyond a limit.
// The shards that the batch needs are locked.
func (tx *tx) checkLimits(batch []Change, limits Limits) (i int, err error) {
	room := room{limits: limits}
	for i, c := range batch {
		if err := room.check(tx, c, len(batch) == 1); err != nil {
			return i, err
		}
	}
	return 0, nil
}

func (m *room) check(tx *tx, c Change, alone bool) error {
	switch c := c.(type) {
	case *PutEvent:
		asked := UserRef(c.Event.Profile)
		sh, ref, r := tx.resolve(asked)
		if alone && r.fits(m.limits, 1, 0, 0, 1) {
			tx.checked, tx.checkedRef, tx.found = true, asked, resolved{sh, ref, r}
			return nil
		}
		a := m.of(tx, ref, r)
		a.events[c.Event.Name] = true
		if c.Event.Account != "" {
			a.accounts[c.Event.Account] = true
		}
		return m.full(ref, a)
	case *PutTraits:
		_, ref, r := tx.resolve(c.Ref)
		if alone && r.fits(m.limits, 0, c.Traits.Len(), 0, 0) {
			return nil
		}
		a := m.of(tx, ref, r)
		for name := range c.Traits.All() {
			a.traits[name] = true
			a.writes++
		}
		return m.full(ref, a)
	case *PutIDs:
		_, ref, r := tx.resolve(c.Ref)
		if alone && r.fits(m.limits, 0, 0, len(c.IDs), 0) {
			return nil
		}
		a := m.of(tx, ref, r)
		for _, id := range c.IDs {
			a.ids[id] = true
		}
		return m.full(ref, a)
	case *Join:
		_, ref, r := tx.resolve(UserRef(c.User))
		if alone && r.fits(m.limits, 0, 0, 0, 1) {
			return nil
		}
		a := m.of(tx, ref, r)
		a.accounts[c.Account] = true
		return m.full(ref, a)
	case *Merge:
		_, from, rFrom := tx.resolve(UserRef(c.From))
		_, into, rInto := tx.resolve(UserRef(c.Into))
		if from == into {
			return nil
		}
		a := m.of(tx, into, rInto)
		a.add(m.of(tx, from, rFrom))
		a.aliases++
		return m.full(into, a)
	}
	return nil
}

// fits reports whether a profile has room for so many more of each list, without
// looking closely.
func (r *record) fits(l Limits, events, traits, ids, accounts int) bool {
	if r == nil {
		return max(events-l.EventNames, traits-min(l.TraitNames, l.TraitWrites), ids-l.IDs, accounts-l.Accounts) <= 0
	}
	const least = 12 // bytes of a packed write
	links := r.linked()
	return len(r.series)+events <= l.EventNames &&
		len(r.traits)/least+traits <= min(l.TraitNames, l.TraitWrites) &&
		len(links.ids)+ids <= l.IDs && len(links.aliases) < l.IDs &&
		len(links.accounts)+accounts <= l.Accounts && len(links.senders)+accounts <= l.Accounts
}

// of returns the additions of a profile.
func (m *room) of(tx *tx, ref Ref, r *record) *additions {
	if a := m.added[ref]; a != nil {
		return a
	}
	a := &additions{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[ExternalID]bool{}, 0, 0}
	if r != nil {
		for i := range r.series {
			if name := r.series[i].name.Value(); name != "" {
				a.events[name] = true
			}
		}
		writes := unpackTraits(r.traits, tx.dict)
		for _, w := range writes {
			a.traits[w.Name] = true
		}
		links := r.linked()
		for _, id := range links.ids {
			a.ids[id] = true
		}
		for _, account := range slices.Concat(links.accounts, links.senders) {
			a.accounts[account] = true
		}
		a.writes, a.aliases = len(writes), len(links.aliases)
	}
	if m.added == nil {
		m.added = map[Ref]*additions{}
	}
	m.added[ref] = a
	return a
}

func (a *additions) add(b *additions) {
	for name := range b.events {
		a.events[name] = true
	}
	for name := range b.traits {
		a.traits[name] = true
	}
	for account := range b.accounts {
		a.accounts[account] = true
	}
	for id := range b.ids {
		a.ids[id] = true
	}
	a.writes += b.writes
	a.aliases += b.aliases
}

// full returns an error if a profile would have more than it may.
func (m *room) full(ref Ref, a *additions) error {
	for _, list := range [...]struct {
		what     string
		n, limit int
	}{
		{"names of events", len(a.events), m.limits.EventNames},
		{"names of traits", len(a.traits), m.limits.TraitNames},
		{"writes of traits", a.writes, m.limits.TraitWrites + len(a.traits)},
		{"external ids", len(a.ids), m.limits.IDs},
		{"merged ids", a.aliases, m.limits.IDs},
		{"accounts", len(a.accounts), m.limits.Accounts},
	} {
		if list.n > list.limit {
			return &LimitError{Ref: ref, What: list.what, Limit: list.limit}
		}
	}
	return nil
}
