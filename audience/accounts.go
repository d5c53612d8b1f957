package audience

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// An account takes the events of the users attached to it, whenever they were
// done, and those that anyone sent with its id. Its users are in many shards:
// while anything is defined of accounts, data of users is applied with all
// shards locked.

// ofAccounts reports whether anything is defined of accounts. A lock is held.
func (e *Engine) ofAccounts() bool { return len(e.nets[profile.Account].byText) > 0 }

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
func (s *step) actorTraits(n *node) *trait.Set {
	if !s.actorKnown || s.actorSince != n.since {
		writes, err := s.store.Traits(s.ctx, profile.UserRef(s.actor))
		if err != nil {
			s.err = err
		}
		s.actorSet, s.actorSince, s.actorKnown = trait.At(writes, n.since, s.t), n.since, true
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
				for _, n := range u.leaves {
					s.recompute(n)
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
				s.addPast(d, ev.Seq)
			}
		}
	}
}

// addPast brings the event at hand to the leaves that do not read traits.
func (s *step) addPast(d *dispatch, seq uint64) {
	for _, u := range d.uses {
		if u.readsTraits || !s.passes(u, nil) {
			continue
		}
		for _, n := range u.leaves {
			if seq > n.since {
				s.collect(n)
				s.dirty.push(n)
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

// onAccounts settles each of the accounts that exist after data reached it
// through add; a nil add makes its state anew. All locks are held.
func (e *Engine) onAccounts(ctx context.Context, accounts []string, t int64, cause Cause, add func(*step)) error {
	for _, id := range accounts {
		ref := profile.AccountRef(id)
		_, exists, err := e.store.Resolve(ctx, ref)
		if err != nil {
			return err
		}
		if !exists {
			continue
		}
		sh := e.shardOf(id)
		p, s := sh.state(ref), &sh.step
		if add == nil || p == nil || p.stale {
			err = sh.load(ctx, ref, t, cause)
		} else {
			s.begin(ctx, e.nets[profile.Account], p, t)
			add(s)
			err = sh.finish(cause)
		}
		if err != nil {
			return fmt.Errorf("account %q: %w", id, err)
		}
	}
	return nil
}

// eventOnAccounts brings an event to the accounts that take it.
func (e *Engine) eventOnAccounts(ctx context.Context, ev *profile.Event, t int64) error {
	if !e.ofAccounts() {
		return nil
	}
	accounts, err := e.store.Accounts(ctx, ev.Profile)
	if err != nil {
		return err
	}
	if ev.Account != "" && !slices.Contains(accounts, ev.Account) {
		accounts = append(accounts, ev.Account)
		slices.Sort(accounts)
	}
	return e.onAccounts(ctx, accounts, t, CauseEvent, func(s *step) { s.addEvent(ev) })
}

// traitsOnAccounts counts anew what accounts make of a user's events by that
// user's traits, which have changed.
func (e *Engine) traitsOnAccounts(ctx context.Context, user string, t int64) error {
	actor := e.nets[profile.Account].actor
	if len(actor) == 0 {
		return nil
	}
	accounts, err := e.accountsOf(ctx, user)
	if err != nil {
		return err
	}
	return e.onAccounts(ctx, accounts, t, CauseTrait, func(s *step) {
		for _, n := range actor {
			s.recompute(n)
		}
	})
}

// groupOnAccount settles an account after a group call.
func (e *Engine) groupOnAccount(ctx context.Context, join *profile.Join, put *profile.PutTraits, t int64) error {
	if !e.ofAccounts() {
		return nil
	}
	add := func(s *step) {
		if join.Changed {
			s.addUser(join.OutUser)
		}
		if put.Duplicate || s.err != nil {
			return
		}
		if s.loadTraits(); s.err == nil {
			s.changeTraits(put.Traits)
		}
	}
	if join.CreatedAccount {
		add = nil // events may have been sent for it before
	}
	return e.onAccounts(ctx, []string{join.Account}, t, CauseTrait, add)
}
