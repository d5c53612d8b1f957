package audience

import (
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// An account counts the users that meet each condition it asks of them, in the
// cell of the condition: past is how many do, limit how many users there are. A
// user's change adds or takes one, whatever the number of users. What a user
// asks of accounts it asks of each: they are few.

// spread marks what depends on a node of the profile at hand, which changed, in
// other profiles.
func (s *step) spread(n *node) {
	if s.peek || s.p.mute || len(n.across) == 0 {
		return
	}
	if s.p.ref.Subject == profile.Account {
		s.overUsers(n.across)
		return
	}
	by := int32(-1)
	if s.p.truth(n) {
		by = 1
	}
	for _, account := range s.accountsOf(s.p.ref.ID) {
		q := s.outside.Reach(profile.AccountRef(account))
		for _, users := range n.across {
			if i, ok := q.find(users.id); ok {
				q.cells[i].past += by
			}
			s.dirty.push(dirt{users, q})
		}
	}
}

// overUsers marks nodes for all users of the account at hand.
func (s *step) overUsers(nodes []*node) {
	if len(nodes) == 0 || s.peek {
		return
	}
	for user, err := range s.store.Users(s.ctx, s.p.ref.ID) {
		if err != nil {
			s.err = err
			return
		}
		q := s.outside.Reach(profile.UserRef(user))
		for _, n := range nodes {
			delete(q.counts, n.id)
			s.dirty.push(dirt{n, q})
		}
	}
}

// accountsOf returns the ids of the accounts of a user.
func (s *step) accountsOf(user string) []string {
	ids, err := s.store.Accounts(s.ctx, user)
	if err != nil {
		s.err = err
	}
	return ids
}

// accounts returns the states of the accounts of the user at hand.
func (s *step) accounts() []*state {
	if s.linkedOf != s.p {
		s.linked = s.linked[:0]
		p := s.p
		for _, id := range s.accountsOf(p.ref.ID) {
			s.linked = append(s.linked, s.outside.Look(profile.AccountRef(id)))
		}
		s.linkedOf = p
	}
	return s.linked
}

// computeUsers answers a condition on the users of the account at hand.
func (s *step) computeUsers(n *node) horizon.Verdict {
	i, ok := s.p.find(n.id)
	if !ok {
		s.countUsers(n)
		i, _ = s.p.find(n.id)
	}
	c := &s.p.cells[i]
	return horizon.Always(n.quantifier.holds(int(c.limit), int(c.past)))
}

// countUsers counts the users of the account at hand, and those that meet what
// a node asks of them.
func (s *step) countUsers(n *node) {
	users, meet := int32(0), int32(0)
	account := s.p
	for user, err := range s.store.Users(s.ctx, account.ref.ID) {
		if err != nil {
			s.err = err
			break
		}
		users++
		if s.outside.TruthOf(profile.UserRef(user), n.others[0]) {
			meet++
		}
	}
	c := account.cell(n)
	c.limit, c.past = users, meet
}

// computeInAccount answers whether the user at hand has an account that meets
// the other node.
func (s *step) computeInAccount(n *node) horizon.Verdict {
	for _, account := range s.accounts() {
		if account.truth(n.others[0]) {
			return horizon.Always(true)
		}
	}
	return horizon.Always(false)
}

// count adds a user to what the account at hand has counted, or takes one out.
func (s *step) count(user *state, by int32) {
	for _, n := range s.net.quantified {
		if i, ok := s.p.find(n.id); ok {
			c := &s.p.cells[i]
			c.limit += by
			if user.known(n.others[0]) {
				c.past += by
			}
		}
		s.push(n)
	}
}
