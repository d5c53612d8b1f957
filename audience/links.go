package audience

import (
	"slices"

	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/profile"
)

// links are the accounts that have counted a user, who is about to leave them.
type links struct {
	user     *state.State // as others know it
	accounts []string     // attached to
	// renew are those that have to be computed anew, as they took events of the user:
	// an aggregate cannot un-count one user's events.
	renew []string
	taken bool // the user has such events, whether or not an account took them
}

// linksOf returns the links of a user, by any id of it; none where profiles do not
// depend on each other.
func (x *txn) linksOf(user string) (of links, err error) {
	e, ctx, store := x.e, x.Ctx, x.Store
	if !e.nets.CrossProfile() {
		return of, nil
	}
	id, exists, err := store.Resolve(ctx, profile.UserRef(user))
	if err != nil {
		return of, err
	}
	if exists {
		of.user = x.Look(profile.UserRef(id))
	}
	if of.accounts, err = store.Accounts(ctx, user); err != nil {
		return of, err
	}
	for name, err := range store.EventNames(ctx, user) {
		if err != nil {
			return of, err
		}
		if e.nets[profile.Account].Takes(name) {
			of.renew, err = x.takingOf(user)
			of.renew = slices.DeleteFunc(of.renew, func(id string) bool { return !x.isAccount(id) })
			of.taken = true
			return of, err
		}
	}
	return of, nil
}

// unlink takes a user out of what accounts have counted that are not computed
// anew. It comes before anything changes for the user.
func (x *txn) unlink(was links) {
	for _, id := range was.accounts {
		if slices.Contains(was.renew, id) {
			continue
		}
		x.countUser(id, was.user, -1)
	}
}

// countUser adds a user to what an account has counted, or takes one out: also to what an account
// that was read just now has, which is as of before the transaction.
func (x *txn) countUser(account string, user *state.State, by int32) {
	x.Switch(x.reach(profile.AccountRef(account)))
	x.Count(user, by)
}

// leaveOne makes the links those to one account alone, which the user leaves.
func (x *links) leaveOne(account string) {
	only := func(ids []string) []string {
		if slices.Contains(ids, account) {
			return []string{account}
		}
		return nil
	}
	x.accounts, x.renew = only(x.accounts), only(x.renew)
}

// join makes the links of two users who become one those of the whole: what took
// events of either takes those of the other as well.
func (x *links) join(y *links) {
	if x.taken || y.taken {
		x.renew = slices.Concat(x.accounts, y.accounts, x.renew, y.renew)
		slices.Sort(x.renew)
		x.renew = slices.Compact(x.renew)
	}
	y.renew = x.renew
}

// link counts a user, whose state is new, in accounts that are not to be computed
// anew.
func (x *txn) link(user *state.State, of ...links) {
	var done []string
	for _, t := range of {
		for _, id := range t.accounts {
			if slices.Contains(done, id) || slices.ContainsFunc(of, func(t links) bool { return slices.Contains(t.renew, id) }) {
				continue
			}
			done = append(done, id)
			x.countUser(id, user, 1)
		}
	}
}
