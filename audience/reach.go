package audience

import (
	"context"
	"fmt"
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/profile"
)

// While anything is defined of accounts, a change of one profile may change others: a
// transaction then holds all locks. But most data reaches its own profile alone, since
// nothing that depends on it is asked of another. That is known from the network; such
// data takes the lock of its own shard, as if there were no accounts.

// reach is what a call changes, as far as that decides what else may change.
type reach struct {
	named   []profile.Ref // the profiles that are touched in any case; none: they cannot be told
	kind    reachKind
	event   string         // its name
	account string         // for which it was sent
	traits  profile.Object // of a user
}

type reachKind uint8

const (
	reachesAll    reachKind = iota // whatever depends on a user and its accounts
	reachesEvent                   // what depends on an event of the user
	reachesTraits                  // on traits of the user
)

func ofEvent(name, account string, of ...profile.Ref) reach {
	return reach{named: of, kind: reachesEvent, event: name, account: account}
}

func ofTraits(traits profile.Object, of ...profile.Ref) reach {
	return reach{named: of, kind: reachesTraits, traits: traits}
}

func ofMessage(m *profile.Message) reach {
	switch of := namedBy(m); {
	case m.IsEvent():
		return ofEvent(m.Name, m.GroupID, of...)
	case m.Type == profile.Identify:
		return ofTraits(m.Traits, of...)
	default:
		return reach{named: of}
	}
}

// namedBy returns the profiles that a message is about, unless it merges some.
func namedBy(m *profile.Message) []profile.Ref {
	refs := append(make([]profile.Ref, 0, 3), profile.UserRef(m.Profile()))
	if m.UserID != "" && m.AnonymousID != "" {
		refs = append(refs, profile.UserRef(m.AnonymousID))
	}
	if m.Type == profile.Group {
		refs = append(refs, profile.AccountRef(m.GroupID))
	}
	return refs
}

// reaches appends the profiles that a call about a user of the shard may change, or reports
// that this may be any: then it takes all locks. The shard is locked, and profiles depend on
// each other.
func (sh *shard) reaches(ctx context.Context, r reach, id string, refs []profile.Ref) (_ []profile.Ref, all bool, err error) {
	e := sh.e
	p, exists := sh.states.Get(profile.UserRef(id)), true
	if p == nil {
		var kept string
		if kept, exists, err = e.store.Resolve(ctx, profile.UserRef(id)); err != nil {
			return nil, false, fmt.Errorf("resolve %q: %w", id, err)
		}
		if exists {
			id = kept
			p = sh.states.Get(profile.UserRef(id))
		}
	}
	refs = append(refs, profile.UserRef(id))
	users, accounts := e.nets[profile.User], e.nets[profile.Account]
	if exists && p == nil && users.Crosses > 0 {
		return nil, true, nil // it is read, and may ask others for what depends on them
	}
	asks := func(n *network.Node) bool { return n.Crosses && n.ReadsIDs() }
	if r.kind != reachesAll && (slices.ContainsFunc(users.Identity, asks) || accounts.ReadsIDsOfActor()) {
		return nil, true, nil // any message may tell ids
	}
	switch r.kind {
	case reachesTraits:
		return refs, len(accounts.Actor) > 0 || !users.ConfinesTraits(r.traits), nil
	case reachesEvent:
		if !accounts.Takes(r.event) && users.ConfinesEvent(r.event) {
			return refs, false, nil
		}
		of, err := e.store.Accounts(ctx, id)
		if err != nil || len(of) == 0 && r.account == "" {
			return refs, false, err // of one who has no account nothing depends on accounts
		}
		refs = appendAccounts(refs, of)
		if r.account != "" && !slices.Contains(of, r.account) {
			refs = append(refs, profile.AccountRef(r.account))
		}
		return refs, e.evident || len(users.Linked) > 0, nil
	}
	return nil, true, nil
}

func appendAccounts(refs []profile.Ref, accounts []string) []profile.Ref {
	for _, account := range accounts {
		refs = append(refs, profile.AccountRef(account))
	}
	return refs
}

// crossWake returns when time changes something of a profile that may change others.
func (e *Engine) crossWake(p *state.State) int64 {
	switch {
	case p.Wake == horizon.Never:
		return horizon.Never
	case p.Ref.Subject == profile.Account && e.stays.Accounts:
		return horizon.Never
	case p.Ref.Subject == profile.Account:
		return p.Wake
	}
	net, wake := e.nets[profile.User], horizon.Never
	if net.Crosses == 0 {
		return wake
	}
	for i, id := range p.Nodes {
		if until := p.Cells[i].Until; until < wake && net.Root[id] && net.Nodes[id].Crosses {
			wake = until
		}
	}
	if wake == horizon.Never || e.accountless(p.Ref.ID) {
		return horizon.Never
	}
	return wake
}

// accountless reports whether a user has no account: nothing of other profiles depends
// on what becomes of such a user. It is called with the lock of its shard; users join
// accounts with all locks held.
func (e *Engine) accountless(user string) bool {
	accounts, err := e.store.Accounts(context.Background(), user)
	return err == nil && len(accounts) == 0
}
