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
	if s.x.peek || s.p.mute || len(n.across) == 0 {
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
		q, _ := s.x.reach(profile.AccountRef(account))
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
	if len(nodes) == 0 || s.x.peek {
		return
	}
	for user, err := range s.store.Users(s.ctx, s.p.ref.ID) {
		if err != nil {
			s.err = err
			return
		}
		q, _ := s.x.reach(profile.UserRef(user))
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
			s.linked = append(s.linked, s.x.stateOf(profile.AccountRef(id)))
		}
		s.linkedOf = p
	}
	return s.linked
}

// stateOf returns the state of a profile to be read.
func (x *txn) stateOf(ref profile.Ref) *state {
	if !x.covers(ref) {
		return newState(ref)
	}
	p := x.e.shardOf(ref.ID).state(ref)
	if p != nil && p.readers != x.nets[ref.Subject].readersMade {
		if !x.peek {
			x.remember(p)
		}
		x.renewWrites(p)
	}
	switch {
	case p != nil && x.peek:
		// What it remembers of traits depends on the instant, which may be to come.
		glanced := *p
		glanced.views = nil
		return &glanced
	case p == nil && !x.e.detached:
		return x.outline(ref)
	case p == nil && x.peek:
		return newState(ref)
	case p == nil: // nothing is stored of what is looked at aside
		p, _ = x.reach(ref)
	}
	return p
}

// renewWrites reads the traits of a profile that others ask for, of which some were not read
// before.
func (x *txn) renewWrites(p *state) {
	writes, err := x.store.Traits(x.ctx, p.ref)
	if err != nil {
		x.err = err
		return
	}
	p.setTraits(writes, x.nets[p.ref.Subject])
}

// truthOf returns a node's truth for a profile, as others know it.
func (x *txn) truthOf(ref profile.Ref, n *node) bool {
	if !x.covers(ref) {
		return false
	}
	if p := x.e.shardOf(ref.ID).state(ref); p != nil {
		return p.known(n)
	}
	if x.e.detached {
		return x.stateOf(ref).known(n)
	}
	k := x.keptOf(ref)
	return k.truth(n)
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
		if s.x.truthOf(profile.UserRef(user), n.others[0]) {
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
