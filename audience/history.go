package audience

import (
	"iter"
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
