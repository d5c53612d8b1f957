package oracle

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// An account has messages of its own, the group calls; of events it takes those
// of the users who are attached to it, and those that any user sent for it.

// actor is a user some of whose events an account takes.
type actor struct {
	view
	takes func(message) bool
}

// actors returns those of the account of the view.
func (v view) actors() []actor {
	var all []actor
	for id, p := range v.world.people {
		a := actor{view: view{world: v.world, filters: v.filters, ref: profile.UserRef(id), messages: p.distinct()}.at(v.t)}
		a.takes = func(m message) bool {
			return m.track != nil && (p.accounts[v.ref.ID] || m.track.Event.Account == v.ref.ID)
		}
		all = append(all, a)
	}
	return all
}

// accountSamples returns what the account has for a computed trait. Filters see
// the custom traits of the user who did it, and the account's traits.
func (v view) accountSamples(c computed) []sample {
	var all []sample
	d := &c.definition
	account := sync.OnceValue(func() traits { return v.seen(MentionedOfAccount(d.Filter), c.since) })
	for _, a := range v.actors() {
		custom := sync.OnceValue(func() traits { return a.traits(c.since) })
		sees := sync.OnceValue(func() scope { return newScope(custom(), account()) })
		for _, m := range a.matching(d.Event, d.Filter, d.Window, c.since, sees) {
			if !a.takes(m) {
				continue
			}
			of, path := m.track.Event.Properties.Map(), d.Property
			if name, ok := strings.CutPrefix(path, "user.traits."); ok {
				of, path = custom().plain(), name
			}
			all = appendSample(all, d.Type, m, property(of, path))
		}
	}
	return all
}

// accountsOf returns the accounts that the definitions of accounts could take
// events of a user for.
func (w *world) accountsOf(user string) []string {
	p := w.people[user]
	if p == nil {
		return nil
	}
	accounts := maps.Clone(p.accounts)
	for _, m := range p.distinct() {
		if m.track != nil && w.ofAccounts(func(d trait.Computed) bool { return d.Event == m.track.Event.Name }) {
			accounts[m.track.Event.Account] = true
		}
	}
	return slices.Collect(maps.Keys(accounts))
}

// ofAccounts reports whether any definition of accounts is of a kind.
func (w *world) ofAccounts(is func(trait.Computed) bool) bool {
	for _, c := range w.traits {
		if c.definition.Of == profile.Account && is(c.definition) {
			return true
		}
	}
	return false
}

var ownTraits = regexp.MustCompile(`(?:^|[^.\w])traits\b`)

// readsActor reports whether a computed trait of accounts reads traits of users.
func readsActor(d trait.Computed) bool {
	return ownTraits.MatchString(d.Filter) || strings.HasPrefix(d.Property, "user.traits.")
}

// reached returns the accounts that an operation may change something for,
// beside the users.
func (m *Model) reached(before *world, op Operation) []profile.Ref {
	var ids []string
	switch op := op.(type) {
	case Track:
		id := m.world.resolve(op.Event.Profile)
		ids = slices.Collect(maps.Keys(m.world.people[id].accounts))
		ids = append(ids, op.Event.Account)
	case Identify:
		if m.world.ofAccounts(readsActor) {
			ids = m.world.accountsOf(m.world.resolve(op.Profile))
		}
	case Group:
		ids = []string{op.Account}
	case Merge:
		ids = append(before.accountsOf(before.resolve(op.From)), before.accountsOf(before.resolve(op.Into))...)
	case Delete:
		ids = before.accountsOf(before.resolve(op.Profile))
	}
	slices.Sort(ids)
	var refs []profile.Ref
	for _, id := range slices.Compact(ids) {
		if m.world.accounts[id] != nil {
			refs = append(refs, profile.AccountRef(id))
		}
	}
	return refs
}
