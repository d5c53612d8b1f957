package audience

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// An account takes the events of the users attached to it, whenever they were
// done, and those that anyone sent with its id. Its users are in many shards:
// while anything is defined of accounts, data of users is applied with all
// shards locked.

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

// accountsOf returns the accounts that take events of a user, ascending.
func (e *Engine) accountsOf(ctx context.Context, user string) ([]string, error) {
	accounts, err := e.store.Accounts(ctx, user)
	if err != nil {
		return nil, err
	}
	for name := range e.nets[profile.Account].events {
		for ev, err := range e.store.Events(ctx, user, name, time.Time{}) {
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
func (j *joint) accountsTaking(ev *profile.Event) []string {
	accounts := j.accountsOf(ev.Profile)
	if ev.Account != "" && !slices.Contains(accounts, ev.Account) && j.exists(ev.Account) {
		accounts = append(accounts, ev.Account)
		slices.Sort(accounts)
	}
	return accounts
}

// exists reports whether there is an account of an id. Those that events were
// sent for need not exist.
func (j *joint) exists(account string) bool {
	ref := profile.AccountRef(account)
	if p := j.e.shardOf(account).state(ref); p != nil && !p.stale {
		return true
	}
	_, exists, err := j.store.Resolve(j.ctx, ref)
	if err != nil {
		j.err = err
	}
	return exists
}

// trackJoint brings an event to its user and to the accounts that take it.
func (e *Engine) trackJoint(ctx context.Context, put *profile.PutEvent, t int64) error {
	return e.together(ctx, t, CauseEvent, func(j *joint) {
		ev := &put.Event
		p, fresh := j.user(ev.Profile, put.Created)
		j.arrive(p, fresh, ev)
		if e.nets[profile.Account].events[ev.Name] == nil {
			return
		}
		for _, account := range j.accountsTaking(ev) {
			p, fresh := j.reach(profile.AccountRef(account))
			j.arrive(p, fresh, ev)
		}
	})
}

// user makes a user one of the step.
func (j *joint) user(id string, created bool) (p *state, fresh bool) {
	if created {
		return j.create(profile.UserRef(id)), false
	}
	return j.reach(profile.UserRef(id))
}

// identifyJoint brings traits to their user, and has what accounts make of that
// user's events by them counted anew.
func (e *Engine) identifyJoint(ctx context.Context, put *profile.PutTraits, t int64) error {
	var accounts []string
	actor := e.nets[profile.Account].actor
	if len(actor) > 0 {
		var err error
		if accounts, err = e.accountsOf(ctx, put.OutID); err != nil {
			return err
		}
	}
	return e.together(ctx, t, CauseTrait, func(j *joint) {
		if p, fresh := j.user(put.OutID, put.Created); !fresh {
			j.turn(p)
			j.renewTraits(put.Traits)
		}
		for _, account := range accounts {
			if !j.exists(account) {
				continue
			}
			if p, fresh := j.reach(profile.AccountRef(account)); !fresh {
				j.turn(p)
				j.recompute(actor...)
			}
		}
	})
}

// groupJoint brings a group call to its user and its account.
func (e *Engine) groupJoint(ctx context.Context, join *profile.Join, put *profile.PutTraits, t int64) error {
	return e.together(ctx, t, CauseTrait, func(j *joint) {
		user, userFresh := j.user(join.OutUser, join.CreatedUser)
		account, fresh := j.reach(profile.AccountRef(join.Account)) // also if it is new: events may have been sent for it before
		if join.Changed && !userFresh {
			j.turn(user)
			j.recompute(j.net.linked...)
		}
		if fresh {
			return
		}
		j.turn(account)
		if join.Changed {
			j.addUser(join.OutUser)
			j.count(user, 1)
		}
		if !put.Duplicate && j.err == nil {
			j.renewTraits(put.Traits)
		}
	})
}

// renewAccounts has those of the accounts that exist computed anew.
func (j *joint) renewAccounts(ids []string) {
	for _, id := range ids {
		j.forget(profile.AccountRef(id))
	}
	for _, id := range ids {
		if j.exists(id) {
			j.reach(profile.AccountRef(id))
		}
	}
}

// fireJoint settles all profiles that are due first, if that is at t or before,
// as one step.
func (e *Engine) fireJoint(ctx context.Context, t int64) error {
	e.lock()
	err := error(nil)
	switch first, due := e.earliest(); {
	case e.closed.Load():
		err = profile.ErrClosed
	case first != nil && due <= t:
		err = e.together(ctx, due, CauseTime, func(*joint) {})
	}
	e.release(ctx)
	return err
}

// deleteAccount is DeleteAccount with all locks held.
func (e *Engine) deleteAccount(ctx context.Context, account string, t int64) error {
	ref := profile.AccountRef(account)
	was, err := e.belongings(ctx, ref)
	if err != nil {
		return err
	}
	var users []string
	for user, err := range e.store.Users(ctx, account) {
		if err != nil {
			return err
		}
		users = append(users, user)
	}
	del := &profile.Delete{Ref: ref}
	if err := e.store.Apply(ctx, instant(t), del); err != nil || !del.Existed || !e.joined() {
		return err
	}
	return e.together(lasting(ctx), t, CauseDelete, func(j *joint) {
		j.end(ref, was)
		for _, user := range users {
			if p, fresh := j.reach(profile.UserRef(user)); !fresh {
				j.turn(p)
				j.recompute(j.net.linked...)
			}
		}
	})
}
