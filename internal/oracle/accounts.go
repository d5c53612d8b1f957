package oracle

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// crosses reports whether what holds for one profile may hang on another: it is
// of accounts, or a user's that reads the traits of accounts. Then every profile
// is looked at whenever one is.
func (w *world) crosses() bool {
	for _, a := range w.audiences {
		if a.definition.Of == profile.Account || readsAccounts(a.definition.Where) {
			return true
		}
	}
	for _, c := range w.traits {
		if c.definition.Of == profile.User && readsAccount.MatchString(c.definition.Filter) {
			return true
		}
	}
	return false
}

func readsAccounts(n audience.Node) bool {
	return readsAccount.MatchString(n.Trait) ||
		n.Event != nil && readsAccount.MatchString(n.Event.Filter) ||
		slices.ContainsFunc(children(n), readsAccounts)
}

// accountsOf returns the accounts that the definitions of accounts could take
// events of a user for.
func (w *world) accountsOf(user string) []string {
	p := w.people[user]
	if p == nil {
		return nil
	}
	accounts := maps.Clone(p.accounts)
	for _, m := range p.messages {
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
	case Leave:
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
