package eval

import (
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/profile"
)

// An account counts the users that meet each condition it asks of them, in the
// cell of the condition: past is how many do, limit how many users there are. A
// user's change adds or takes one, whatever the number of users. The counts are kept in
// the store (see state.Kept), so an account that comes back to memory goes on with them;
// where they are not, its users are counted. What a user asks of accounts it asks of each:
// they are few.

// PropagateAcross marks what depends on a node of the profile at hand, which changed, in
// other profiles.
func (r *Run) PropagateAcross(n *network.Node) {
	if r.ReadOnly || r.Profile.Mute || len(n.Across) == 0 {
		return
	}
	if r.Profile.Ref.Subject == profile.Account {
		r.overUsers(n.Across)
		return
	}
	by := int32(-1)
	if r.Profile.Truth(n) {
		by = 1
	}
	for _, account := range r.AccountsOf(r.Profile.Ref.ID) {
		q := r.Outside.Reach(profile.AccountRef(account))
		for _, users := range n.Across {
			if i, ok := q.Find(users.ID); ok {
				q.Cells[i].Past += by
			}
			r.Stale.push(entry{users, q})
		}
	}
}

// overUsers marks nodes for all users of the account at hand.
func (r *Run) overUsers(nodes []*network.Node) {
	if len(nodes) == 0 || r.ReadOnly {
		return
	}
	for user, err := range r.Store.Users(r.Ctx, r.Profile.Ref.ID) {
		if err != nil {
			r.Err = err
			return
		}
		if r.Born != nil && !r.Born(user) {
			continue
		}
		q := r.Outside.Reach(profile.UserRef(user))
		for _, n := range nodes {
			delete(q.Counts, n.ID)
			r.Stale.push(entry{n, q})
		}
	}
}

// AccountsOf returns the ids of the accounts of a user.
func (r *Run) AccountsOf(user string) []string {
	ids, err := r.Store.Accounts(r.Ctx, user)
	if err != nil {
		r.Err = err
	}
	return ids
}

// Accounts returns the states of the accounts of the user at hand.
func (r *Run) Accounts() []*state.State {
	if r.LinkedOf != r.Profile {
		r.linked = r.linked[:0]
		p := r.Profile
		for _, id := range r.AccountsOf(p.Ref.ID) {
			r.linked = append(r.linked, r.Outside.Look(profile.AccountRef(id)))
		}
		r.LinkedOf = p
	}
	return r.linked
}

// loadCounts takes over what is kept of the users of the account at hand. It is as of before
// anything changed: what has changed of its users since is told to it.
func (r *Run) loadCounts() {
	for _, n := range r.Net.Quantified {
		if kept, ok := r.Profile.Kept.Count(n); ok {
			c := r.Profile.Cell(n)
			c.Limit, c.Past = int32(kept.Users), int32(kept.Meet)
		}
	}
}

// computeUsers answers a condition on the users of the account at hand.
func (r *Run) computeUsers(n *network.Node) horizon.Verdict {
	i, ok := r.Profile.Find(n.ID)
	if !ok {
		r.countUsers(n)
		i, _ = r.Profile.Find(n.ID)
	}
	c := &r.Profile.Cells[i]
	return horizon.Always(n.Quantifier.Holds(int(c.Limit), int(c.Past)))
}

// countUsers counts the users of the account at hand, and those that meet what
// a node asks of them.
func (r *Run) countUsers(n *network.Node) {
	users, meet := int32(0), int32(0)
	account := r.Profile
	for user, err := range r.Store.Users(r.Ctx, account.Ref.ID) {
		if err != nil {
			r.Err = err
			break
		}
		if r.Born != nil && !r.Born(user) {
			continue
		}
		users++
		if r.Outside.TruthOf(profile.UserRef(user), n.Others[0]) {
			meet++
		}
	}
	c := account.Cell(n)
	c.Limit, c.Past = users, meet
}

// computeInAccount answers whether the user at hand has an account that meets
// the other node.
func (r *Run) computeInAccount(n *network.Node) horizon.Verdict {
	for _, account := range r.Accounts() {
		if account.Truth(n.Others[0]) {
			return horizon.Always(true)
		}
	}
	return horizon.Always(false)
}

// Count adds a user to what the account at hand has counted, or takes one out.
func (r *Run) Count(user *state.State, by int32) {
	for _, n := range r.Net.Quantified {
		if i, ok := r.Profile.Find(n.ID); ok {
			c := &r.Profile.Cells[i]
			c.Limit += by
			if user.Known(n.Others[0]) {
				c.Past += by
			}
		}
		r.Push(n)
	}
}
