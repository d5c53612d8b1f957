package audience

import (
	"context"
	"fmt"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/profile"
)

// While anything is defined of accounts, a change of one profile may change others: a
// transaction then holds all locks. But most data reaches its own profile alone, since
// nothing that depends on it is asked of another. That is known from the network; such
// data takes the lock of its own shard, as if there were no accounts.

// reach is what a call changes, as far as that decides what else may change.
type reach struct {
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

func ofEvent(name, account string) reach {
	return reach{kind: reachesEvent, event: name, account: account}
}

func ofTraits(traits profile.Object) reach { return reach{kind: reachesTraits, traits: traits} }

func ofMessage(m *profile.Message) reach {
	switch {
	case m.IsEvent():
		return ofEvent(m.Name, m.GroupID)
	case m.Type == profile.Identify:
		return ofTraits(m.Traits)
	}
	return reach{}
}

// confined reports whether a change stays with the user of the shard whom id names. The
// shard is locked, and profiles depend on each other.
//
// Such a change is made once nothing is due at its instant or before, anywhere: no
// profile goes back to an earlier one. Other shards may set timers meanwhile, even for
// instants before, but only of what is confined itself: what is not is changed with all
// locks held.
func (sh *shard) confined(ctx context.Context, r reach, id string) (bool, error) {
	e := sh.e
	p, kept := sh.states.Get(profile.UserRef(id)), id
	if p == nil {
		var exists bool
		var err error
		if kept, exists, err = e.store.Resolve(ctx, profile.UserRef(id)); err != nil {
			return false, fmt.Errorf("resolve %q: %w", id, err)
		}
		if p = sh.states.Get(profile.UserRef(kept)); exists && p == nil {
			return false, nil
		}
	}
	if lacks, err := sh.x.lacksAny(ctx, profile.UserRef(kept)); lacks || err != nil {
		return false, err
	}
	of, accounts := e.nets[profile.User], e.nets[profile.Account]
	switch r.kind {
	case reachesEvent:
		if accounts.Events[r.event] == nil && of.ConfinesEvent(r.event) {
			return true, nil
		}
		// Of one who has no account nothing depends on accounts.
		of, err := e.store.Accounts(ctx, kept)
		return len(of) == 0 && r.account == "", err
	case reachesTraits:
		return len(accounts.Actor) == 0 && of.ConfinesTraits(r.traits), nil
	}
	return false, nil
}

// jointWake returns when time changes something of a profile that may change others.
func (e *Engine) jointWake(p *state.State) int64 {
	switch {
	case p.Wake == horizon.Never:
		return horizon.Never
	case p.Ref.Subject == profile.Account && e.stays.Accounts:
		return horizon.Never
	case p.Ref.Subject == profile.Account:
		return p.Wake
	}
	net, wake := e.nets[profile.User], horizon.Never
	if net.Joint == 0 {
		return wake
	}
	for i, id := range p.Nodes {
		if until := p.Cells[i].Until; until < wake && net.Root[id] && net.Nodes[id].Joint {
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
