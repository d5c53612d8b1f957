package pebblestore

import (
	"slices"

	"github.com/muster-go/muster/profile"
)

// additions are what a profile has, by the lists that are limited, once changes are made.
type additions struct {
	events, traits, accounts map[string]bool
	ids                      map[profile.ExternalID]bool
	writes, aliases          int
}

// checkLimits returns an error for the first of changes that is beyond a limit. Mostly
// there is so much room that the lists themselves are not looked at.
func (tx *tx) checkLimits(changes []profile.Change) (int, error) {
	if len(changes) == 1 {
		if fits, err := tx.fits(changes[0]); fits || err != nil {
			return 0, err
		}
	}
	added := map[profile.Ref]*additions{}
	for i, c := range changes {
		if err := tx.checkLimit(added, c); err != nil {
			return i, err
		}
	}
	return 0, nil
}

// fits reports whether a profile has room for a change, without looking closely.
func (tx *tx) fits(c profile.Change) (bool, error) {
	l := &tx.s.opts.Limits
	switch c := c.(type) {
	case *profile.PutEvent:
		t, err := tx.find(profile.UserRef(c.Event.Profile), partRecord)
		if err != nil {
			return false, err
		}
		if t.seen.n+len(t.fresh) >= l.EventNames { // a profile has no more names than messages
			return false, nil
		}
		return c.Event.Account == "" || len(t.accounts)+len(t.senders) < l.Accounts, nil
	case *profile.PutIDs:
		t, err := tx.find(c.Ref, 0)
		return err == nil && len(t.ids)+len(c.IDs) <= l.IDs, err
	case *profile.Join:
		t, err := tx.find(profile.UserRef(c.User), 0)
		return err == nil && len(t.accounts)+len(t.senders) < l.Accounts, err
	case *profile.PutTraits, *profile.Merge:
		return false, nil
	}
	return true, nil
}

func (tx *tx) checkLimit(added map[profile.Ref]*additions, c profile.Change) error {
	switch c := c.(type) {
	case *profile.PutEvent:
		ref, a, err := tx.additions(added, profile.UserRef(c.Event.Profile))
		if err != nil {
			return err
		}
		a.events[c.Event.Name] = true
		if c.Event.Account != "" {
			a.accounts[c.Event.Account] = true
		}
		return tx.full(ref, a)
	case *profile.PutTraits:
		ref, a, err := tx.additions(added, c.Ref)
		if err != nil {
			return err
		}
		for name := range c.Traits.All() {
			a.traits[name] = true
			a.writes++
		}
		return tx.full(ref, a)
	case *profile.PutIDs:
		ref, a, err := tx.additions(added, c.Ref)
		if err != nil {
			return err
		}
		for _, id := range c.IDs {
			a.ids[id] = true
		}
		return tx.full(ref, a)
	case *profile.Join:
		ref, a, err := tx.additions(added, profile.UserRef(c.User))
		if err != nil {
			return err
		}
		a.accounts[c.Account] = true
		return tx.full(ref, a)
	case *profile.Merge:
		from, f, err := tx.additions(added, profile.UserRef(c.From))
		if err != nil {
			return err
		}
		into, a, err := tx.additions(added, profile.UserRef(c.Into))
		if err != nil || from == into {
			return err
		}
		a.add(f)
		a.aliases++
		return tx.full(into, a)
	}
	return nil
}

// additions returns those of the profile that an id names.
func (tx *tx) additions(added map[profile.Ref]*additions, ref profile.Ref) (profile.Ref, *additions, error) {
	t, err := tx.find(ref, partTraits|partRecord)
	if err != nil {
		return ref, nil, err
	}
	if a := added[t.ref]; a != nil {
		return t.ref, a, nil
	}
	a := &additions{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[profile.ExternalID]bool{}, 0, 0}
	if t.exists {
		names, err := tx.namesOf(t)
		if err != nil {
			return ref, nil, err
		}
		for _, name := range names {
			a.events[name] = true
		}
		writes, err := readWrites(t.traits, tx.s.dict)
		if err != nil {
			return ref, nil, err
		}
		for _, w := range writes {
			a.traits[w.Name] = true
		}
		for _, id := range t.ids {
			a.ids[id] = true
		}
		for _, account := range slices.Concat(t.accounts, t.senders) {
			a.accounts[account] = true
		}
		a.writes, a.aliases = len(writes), len(t.aliases)
	}
	added[t.ref] = a
	return t.ref, a, nil
}

// namesOf returns the names of a profile's events, as the transaction has them.
func (tx *tx) namesOf(t *touched) ([]string, error) {
	if t.parts&partNames == 0 {
		r, err := tx.rows()
		if err != nil {
			return nil, err
		}
		if t.names, err = readNames(r, t.ref); err != nil {
			return nil, tx.s.fault.of(err)
		}
		t.parts |= partNames
	}
	return t.names, nil
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
func (tx *tx) full(ref profile.Ref, a *additions) error {
	l := &tx.s.opts.Limits
	for _, list := range [...]struct {
		what     string
		n, limit int
	}{
		{"names of events", len(a.events), l.EventNames},
		{"names of traits", len(a.traits), l.TraitNames},
		{"writes of traits", a.writes, l.TraitWrites + len(a.traits)},
		{"external ids", len(a.ids), l.IDs},
		{"merged ids", a.aliases, l.IDs},
		{"accounts", len(a.accounts), l.Accounts},
	} {
		if list.n > list.limit {
			return &profile.LimitError{Ref: ref, What: list.what, Limit: list.limit}
		}
	}
	return nil
}
