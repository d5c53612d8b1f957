package audience

import (
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
)

// takingOf returns the accounts that take events of a user, ascending.
func (x *txn) takingOf(user string) ([]string, error) {
	accounts, err := x.Store.Accounts(x.Ctx, user)
	if err != nil {
		return nil, err
	}
	for name, err := range x.Store.EventNames(x.Ctx, user) {
		if err != nil {
			return nil, err
		}
		if !x.Nets[profile.Account].Takes(name) {
			continue
		}
		for ev, err := range x.Store.Events(x.Ctx, user, name, time.Time{}) {
			if err != nil {
				return nil, err
			}
			if ev.Account != "" {
				accounts = append(accounts, ev.Account)
			}
		}
	}
	slices.Sort(accounts)
	return slices.Compact(accounts), nil
}

// accountsTaking returns the accounts that take an event, ascending: those of
// its user, and the one it was sent for if that exists.
func (x *txn) accountsTaking(ev *profile.Event) []string {
	accounts := x.AccountsOf(ev.Profile)
	if ev.Account != "" && !slices.Contains(accounts, ev.Account) && x.isAccount(ev.Account) {
		accounts = append(accounts, ev.Account)
		slices.Sort(accounts)
	}
	return accounts
}

// isAccount reports whether there is an account of an id. Those that events were
// sent for need not exist.
func (x *txn) isAccount(id string) bool {
	exists, err := x.exists(profile.AccountRef(id))
	if err != nil {
		x.Err = err
	}
	return exists
}

// exists reports whether a profile is kept under an id.
func (x *txn) exists(ref profile.Ref) (bool, error) {
	if !x.covers(ref) {
		return false, x.Err
	}
	if x.shardOf(ref).states.Get(ref) != nil {
		return true, nil
	}
	id, exists, err := x.Store.Resolve(x.Ctx, ref)
	return exists && id == ref.ID, err
}

// renewAccounts has accounts, which exist, computed anew, from all their users: of these
// nothing is told to them.
func (x *txn) renewAccounts(ids []string) {
	for _, id := range ids {
		x.forget(profile.AccountRef(id))
	}
	for _, id := range ids {
		ref := profile.AccountRef(id)
		k := x.keptOf(ref)
		k.Counted = 0
		x.hydrate(x.renew(ref, k))
	}
}

func (x *txn) deleteAccount(account string) error {
	ref := profile.AccountRef(account)
	was, err := x.holdings(ref)
	if err != nil {
		return err
	}
	var users []string
	for user, err := range x.Store.Users(x.Ctx, account) {
		if err != nil {
			return err
		}
		users = append(users, user)
	}
	del := &profile.Delete{Ref: ref}
	if err := x.put(del); err != nil || !del.Existed || !x.e.nets.CrossProfile() {
		return err
	}
	return x.run(CauseDelete, func() {
		x.end(ref, was)
		for _, user := range users {
			x.bring(x.reach(profile.UserRef(user)), func() { x.Recompute(x.Net.Linked...) })
		}
	})
}
