package eval

import (
	"iter"
	"math"
	"slices"
	"time"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// An account takes the events of the users attached to it, whenever they were
// done, and those that anyone sent with its id.

// loadUsers brings the events that an account takes to the leaves of ix.
func (r *Run) loadUsers(ix *network.Leaves) {
	for from, err := range r.takenFrom() {
		if err != nil {
			r.Err = err
			return
		}
		if r.loadEvents(&load{ix: ix, user: from.user, takes: from.takes}); r.Err != nil {
			return
		}
	}
}

// AddUser brings the history of a user who joins the account to its leaves, the
// events sent for the account left aside, which it has already.
func (r *Run) AddUser(user string) {
	r.loadEvents(&load{ix: &r.Net.Leaves, user: user, joined: true, takes: func(ev *profile.Event) bool {
		return ev.Account != r.Profile.Ref.ID
	}})
}

// taken is a user of whom a profile takes events: those that takes says; nil: all.
type taken struct {
	user  string
	takes func(*profile.Event) bool
}

// takenFrom yields whose events the profile at hand takes.
func (r *Run) takenFrom() iter.Seq2[taken, error] {
	return func(yield func(taken, error) bool) {
		if r.Profile.Ref.Subject == profile.User {
			yield(taken{user: r.Profile.Ref.ID}, nil)
			return
		}
		attached := map[string]bool{}
		for user, err := range r.Store.Users(r.Ctx, r.Profile.Ref.ID) {
			if !yield(taken{user: user}, err) || err != nil {
				return
			}
			attached[user] = true
		}
		sent := func(ev *profile.Event) bool { return ev.Account == r.Profile.Ref.ID }
		for user, err := range r.Store.Senders(r.Ctx, r.Profile.Ref.ID) {
			if attached[user] {
				continue
			}
			if !yield(taken{user, sent}, err) || err != nil {
				return
			}
		}
	}
}

// History yields the events that a leaf takes of the profile at hand, its filter aside: those of
// one user in the order of time where it takes several names by one selector.
func (r *Run) History(n *network.Node, since time.Time) iter.Seq2[profile.Event, error] {
	return func(yield func(profile.Event, error) bool) {
		for from, err := range r.takenFrom() {
			if err != nil {
				yield(profile.Event{}, err)
				return
			}
			for ev, err := range r.historyOf(from.user, n, since) {
				if err == nil && from.takes != nil && !from.takes(&ev) {
					continue
				}
				if !yield(ev, err) || err != nil {
					return
				}
			}
		}
	}
}

// historyOf yields those of one user.
func (r *Run) historyOf(user string, n *network.Node, since time.Time) iter.Seq2[profile.Event, error] {
	names, listed := n.EventNames()
	if !listed {
		names = nil
		for name, err := range r.Store.EventNames(r.Ctx, user) {
			if err != nil {
				return func(yield func(profile.Event, error) bool) { yield(profile.Event{}, err) }
			}
			if n.TakesEvent(name) {
				names = append(names, name)
			}
		}
	}
	if n.Several() {
		return r.inOrder(user, names, since)
	}
	return func(yield func(profile.Event, error) bool) {
		for _, name := range names {
			for ev, err := range r.Store.Events(r.Ctx, user, name, since) {
				if !yield(ev, err) {
					return
				}
			}
		}
	}
}

// namesOf yields the names of the events that a load may be about.
func (r *Run) namesOf(l *load) iter.Seq2[string, error] {
	names, listed := l.ix.Names()
	if !listed || r.Profile.Ref.Subject == profile.User {
		return r.notedNames(l.user)
	}
	return func(yield func(string, error) bool) {
		for name := range names {
			if !yield(name, nil) {
				return
			}
		}
	}
}

// notedNames yields the names of a user's events, and notes them.
func (r *Run) notedNames(user string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for name, err := range r.Store.EventNames(r.Ctx, user) {
			if err == nil {
				r.noteName(name)
			}
			if !yield(name, err) {
				return
			}
		}
	}
}

// inOrder yields a user's events of some names in the order of (time, arrival). It holds one
// event of each name.
func (r *Run) inOrder(user string, names []string, since time.Time) iter.Seq2[profile.Event, error] {
	if len(names) == 1 {
		return r.Store.Events(r.Ctx, user, names[0], since)
	}
	return func(yield func(profile.Event, error) bool) {
		var next []nextEvent
		defer func() {
			for _, n := range next {
				n.stop()
			}
		}()
		for _, name := range names {
			pull, stop := iter.Pull2(r.Store.Events(r.Ctx, user, name, since))
			next = append(next, nextEvent{pull: pull, stop: stop})
			if n := &next[len(next)-1]; !n.move() {
				if n.err != nil {
					yield(profile.Event{}, n.err)
					return
				}
				stop()
				next = next[:len(next)-1]
			}
		}
		for len(next) > 0 {
			first := 0
			for i := range next {
				if next[i].before(&next[first]) {
					first = i
				}
			}
			n := &next[first]
			if !yield(n.ev, nil) {
				return
			}
			if n.move() {
				continue
			}
			if n.err != nil {
				yield(profile.Event{}, n.err)
				return
			}
			n.stop()
			next = slices.Delete(next, first, first+1)
		}
	}
}

// nextEvent is the next event of a name.
type nextEvent struct {
	ev   profile.Event
	err  error
	pull func() (profile.Event, error, bool)
	stop func()
}

// move goes to the next, and reports whether there is one.
func (n *nextEvent) move() (ok bool) {
	n.ev, n.err, ok = n.pull()
	return ok && n.err == nil
}

func (n *nextEvent) before(m *nextEvent) bool {
	if c := n.ev.Time.Compare(m.ev.Time); c != 0 {
		return c < 0
	}
	return n.ev.Seq < m.ev.Seq
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
