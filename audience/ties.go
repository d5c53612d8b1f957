package audience

import (
	"context"
	"slices"

	"github.com/muster-go/muster/profile"
)

// ties are the accounts that have counted a user, who is about to leave them.
type ties struct {
	user     string
	accounts []string // attached to
	// renew are those that have to be computed anew, as they took events of the
	// user: what is left of the others' cannot be told from what they keep.
	renew []string
	taken bool // the user has such events, whether or not an account took them
}

// tiesOf returns the ties of a user, by any id of it; none where profiles do not
// depend on each other.
func (e *Engine) tiesOf(ctx context.Context, user string) (x ties, err error) {
	if !e.joined() {
		return x, nil
	}
	if x.user, _, err = e.store.Resolve(ctx, profile.UserRef(user)); err != nil {
		return x, err
	}
	if x.accounts, err = e.store.Accounts(ctx, user); err != nil {
		return x, err
	}
	for name, err := range e.store.EventNames(ctx, user) {
		if err != nil {
			return x, err
		}
		if e.nets[profile.Account].events[name] != nil {
			x.renew, err = e.accountsOf(ctx, user)
			x.taken = true
			return x, err
		}
	}
	return x, nil
}

// loosen takes a user out of what accounts have counted that are not computed
// anew. It comes before anything changes for the user.
func (j *joint) loosen(x ties) {
	p := j.e.shardOf(x.user).state(profile.UserRef(x.user))
	for _, id := range x.accounts {
		if slices.Contains(x.renew, id) {
			continue
		}
		account, fresh := j.reach(profile.AccountRef(id))
		if fresh || p == nil {
			continue // it has not counted the user
		}
		j.turn(account)
		j.count(p, -1)
	}
}

// join makes the ties of two users who become one those of the whole: what took
// events of either takes those of the other as well.
func (x *ties) join(y *ties) {
	if x.taken || y.taken {
		x.renew = slices.Concat(x.accounts, y.accounts, x.renew, y.renew)
		slices.Sort(x.renew)
		x.renew = slices.Compact(x.renew)
	}
	y.renew = x.renew
}

// count adds a user to what the account at hand has counted, or takes one out.
func (s *step) count(user *state, by int32) {
	for _, n := range s.net.quantified {
		if i, ok := s.p.find(n.id); ok {
			c := &s.p.cells[i]
			c.limit += by
			if user.truth(n.others[0]) {
				c.past += by
			}
		}
		s.push(n)
	}
}

// tie counts a user, whose state is new, in accounts that are not to be computed
// anew.
func (j *joint) tie(user *state, of ...ties) {
	var done []string
	for _, x := range of {
		for _, id := range x.accounts {
			if slices.Contains(done, id) || slices.ContainsFunc(of, func(x ties) bool { return slices.Contains(x.renew, id) }) {
				continue
			}
			done = append(done, id)
			if account, fresh := j.reach(profile.AccountRef(id)); !fresh {
				j.turn(account)
				j.count(user, 1)
			}
		}
	}
}
