package audience

import (
	"iter"
	"slices"
	"time"

	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// An account takes the events of the users attached to it, whenever they were
// done, and those that anyone sent with its id.

// history yields the events of one name that the step's profile takes.
func (s *step) history(name string, since time.Time) iter.Seq2[profile.Event, error] {
	if s.p.ref.Subject == profile.User {
		return s.store.Events(s.ctx, s.p.ref.ID, name, since)
	}
	return func(yield func(profile.Event, error) bool) {
		attached := map[string]bool{}
		for user, err := range s.store.Users(s.ctx, s.p.ref.ID) {
			if err != nil {
				yield(profile.Event{}, err)
				return
			}
			attached[user] = true
			for ev, err := range s.store.Events(s.ctx, user, name, since) {
				if !yield(ev, err) {
					return
				}
			}
		}
		for user, err := range s.store.Senders(s.ctx, s.p.ref.ID) {
			if err != nil {
				yield(profile.Event{}, err)
				return
			}
			if attached[user] {
				continue
			}
			for ev, err := range s.store.Events(s.ctx, user, name, since) {
				if (err != nil || ev.Account == s.p.ref.ID) && !yield(ev, err) {
					return
				}
			}
		}
	}
}

// actorTraits returns the custom traits, as they are now, of the user whose
// event is at hand, as far as they count for the leaf.
func (s *step) actorTraits(n *node) *traitset.Set {
	if !s.actorKnown || s.actorSince != n.since {
		writes, err := s.store.Traits(s.ctx, profile.UserRef(s.actor))
		if err != nil {
			s.err = err
		}
		s.actorSet, s.actorSince, s.actorKnown = traitset.At(writes, n.since, s.t), n.since, true
	}
	s.actorUntil = min(s.actorUntil, s.actorSet.Until())
	return &s.actorSet
}

// addUser brings the history of a user who joins the account to its leaves, the
// events sent for the account left aside, which it has already.
func (s *step) addUser(user string) {
	for name, d := range s.net.events {
		for _, u := range d.uses {
			if u.readsTraits {
				for _, to := range u.targets {
					s.recompute(to.node)
				}
			}
		}
		for ev, err := range s.store.Events(s.ctx, user, name, d.since(s.t)) {
			if err != nil {
				s.err = err
				return
			}
			if ev.Account != s.p.ref.ID {
				s.take(&ev)
				s.addPast(d, true)
			}
		}
	}
}

// takingOf returns the accounts that take events of a user, ascending.
func (x *txn) takingOf(user string) ([]string, error) {
	accounts, err := x.store.Accounts(x.ctx, user)
	if err != nil {
		return nil, err
	}
	for name := range x.nets[profile.Account].events {
		for ev, err := range x.store.Events(x.ctx, user, name, time.Time{}) {
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
	accounts := x.accountsOf(ev.Profile)
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
		x.err = err
	}
	return exists
}

// exists reports whether a profile is kept under an id.
func (x *txn) exists(ref profile.Ref) (bool, error) {
	if x.covers(ref) && x.shardOf(ref).state(ref) != nil {
		return true, nil
	}
	id, exists, err := x.store.Resolve(x.ctx, ref)
	return exists && id == ref.ID, err
}

// renewAccounts has accounts, which exist, computed anew.
func (x *txn) renewAccounts(ids []string) {
	for _, id := range ids {
		x.forget(profile.AccountRef(id))
	}
	for _, id := range ids {
		x.reach(profile.AccountRef(id))
	}
}

func (x *txn) deleteAccount(account string) error {
	ref := profile.AccountRef(account)
	was, err := x.belongings(ref)
	if err != nil {
		return err
	}
	var users []string
	for user, err := range x.store.Users(x.ctx, account) {
		if err != nil {
			return err
		}
		users = append(users, user)
	}
	del := &profile.Delete{Ref: ref}
	if err := x.put(del); err != nil || !del.Existed || !x.e.joined() {
		return err
	}
	return x.run(CauseDelete, func() {
		x.end(ref, was)
		for _, user := range users {
			if p, fresh := x.reach(profile.UserRef(user)); !fresh {
				x.turn(p)
				x.recompute(x.net.linked...)
			}
		}
	})
}
