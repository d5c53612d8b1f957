package eval

import (
	"iter"
	"math"
	"time"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// An account takes the events of the users attached to it, whenever they were
// done, and those that anyone sent with its id.

// History yields the events of one name that the step's profile takes.
func (r *Run) History(name string, since time.Time) iter.Seq2[profile.Event, error] {
	if r.Profile.Ref.Subject == profile.User {
		return r.Store.Events(r.Ctx, r.Profile.Ref.ID, name, since)
	}
	return func(yield func(profile.Event, error) bool) {
		attached := map[string]bool{}
		for user, err := range r.Store.Users(r.Ctx, r.Profile.Ref.ID) {
			if err != nil {
				yield(profile.Event{}, err)
				return
			}
			attached[user] = true
			for ev, err := range r.Store.Events(r.Ctx, user, name, since) {
				if !yield(ev, err) {
					return
				}
			}
		}
		for user, err := range r.Store.Senders(r.Ctx, r.Profile.Ref.ID) {
			if err != nil {
				yield(profile.Event{}, err)
				return
			}
			if attached[user] {
				continue
			}
			for ev, err := range r.Store.Events(r.Ctx, user, name, since) {
				if (err != nil || ev.Account == r.Profile.Ref.ID) && !yield(ev, err) {
					return
				}
			}
		}
	}
}

// sinceTime returns an instant as stores take it: the earliest is no bound.
func sinceTime(t int64) time.Time {
	if t == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(0, t)
}

// actorTraits returns the custom traits, as they are now, of the user whose
// event is at hand, as far as they count for the leaf.
func (r *Run) actorTraits(n *network.Node) *traitset.Set {
	if !r.ActorKnown || r.actorSince != n.Since {
		writes, err := r.Store.Traits(r.Ctx, profile.UserRef(r.actor))
		if err != nil {
			r.Err = err
		}
		r.actorSet, r.actorSince, r.ActorKnown = traitset.At(writes, n.Since, r.At), n.Since, true
	}
	r.actorUntil = min(r.actorUntil, r.actorSet.Until())
	return &r.actorSet
}

// AddUser brings the history of a user who joins the account to its leaves, the
// events sent for the account left aside, which it has already.
func (r *Run) AddUser(user string) {
	for name, d := range r.Net.Events {
		for _, u := range d.All {
			if u.ReadsTraits {
				for _, to := range u.Targets {
					r.Recompute(to.Node)
				}
			}
		}
		for ev, err := range r.Store.Events(r.Ctx, user, name, sinceTime(d.Since(r.At))) {
			if err != nil {
				r.Err = err
				return
			}
			if ev.Account != r.Profile.Ref.ID {
				r.Take(&ev)
				r.addPast(d, true)
			}
		}
	}
}
