package eval

import (
	"errors"
	"math"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// load brings the events of a user to the leaves of the profile at hand, which know nothing of
// them yet: each leaf that takes events of one name alone gets them name after name, one that
// takes events of several has those of all in the order of time.
type load struct {
	ix   *network.Leaves
	user string
	// takes says which events the profile takes; nil: all.
	takes func(*profile.Event) bool
	// joined says that the leaves know of others' events: what was computed from these is to
	// be computed anew.
	joined bool

	dispatches []*network.Dispatch // of the name at hand
}

// loadEvents does a load, from the whole history at once where the store can read that.
func (r *Run) loadEvents(l *load) {
	past, err := r.past(l.user)
	switch {
	case err == nil:
		r.loadPast(l, past)
	case errors.Is(err, errors.ErrUnsupported):
		r.loadNames(l)
	default:
		r.Err = err
	}
}

// past returns the history of a user; the error wraps errors.ErrUnsupported where the store
// cannot read one at once.
func (r *Run) past(user string) (*profile.History, error) {
	if r.Past != nil && r.Profile.Ref == profile.UserRef(user) {
		return r.Past, nil
	}
	store, ok := r.Store.(profile.HistoryReader)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return &r.history, store.ReadHistory(r.Ctx, user, &r.history)
}

// loadPast does a load from a history, in place.
func (r *Run) loadPast(l *load, past *profile.History) {
	var several []int
	first := int64(math.MaxInt64)
	for i := range past.Len() {
		name := past.Name(i)
		r.noteName(name)
		switch since, order := r.openName(l, name); {
		case len(l.dispatches) == 0:
		case order:
			several, first = append(several, i), min(first, since)
		default:
			for past.Begin(i, since); past.Next(); {
				r.addPast(l, past.Event())
			}
		}
	}
	if len(several) == 0 {
		return
	}
	for past.BeginAll(several, first); past.Next(); {
		ev := past.Event()
		l.seek(ev.Name)
		r.addPast(l, ev)
	}
}

// loadNames is loadPast where the store reads the events of one name at a time.
func (r *Run) loadNames(l *load) {
	var several []string
	first := int64(math.MaxInt64)
	for name, err := range r.namesOf(l) {
		if err != nil {
			r.Err = err
			return
		}
		switch since, order := r.openName(l, name); {
		case len(l.dispatches) == 0:
		case order:
			several, first = append(several, name), min(first, since)
		default:
			for ev, err := range r.Store.Events(r.Ctx, l.user, name, sinceTime(since)) {
				if err != nil {
					r.Err = err
					return
				}
				r.addPast(l, &ev)
			}
		}
	}
	if len(several) == 0 {
		return
	}
	for ev, err := range r.inOrder(l.user, several, sinceTime(first)) {
		if err != nil {
			r.Err = err
			return
		}
		l.seek(ev.Name)
		r.addPast(l, &ev)
	}
}

// seek finds where events of a name go.
func (l *load) seek(name string) {
	l.dispatches = l.dispatches[:0]
	for d := range l.ix.Dispatches(name) {
		l.dispatches = append(l.dispatches, d)
	}
}

// openName begins with the events of a name: it returns the time before which none can count, in
// Unix nanoseconds, and whether they are to come in one order with those of other names. Leaves
// whose filter reads traits are counted when they are computed.
func (r *Run) openName(l *load, name string) (since int64, order bool) {
	l.seek(name)
	since = math.MaxInt64
	for _, d := range l.dispatches {
		since, order = min(since, d.Since(r.At)), order || d.Several()
		for _, u := range d.All {
			switch {
			case !u.ReadsTraits:
			case l.joined:
				for _, to := range u.Targets {
					r.Recompute(to.Node)
				}
			default:
				r.pushTargets(u)
			}
		}
	}
	return since, order
}

// addPast brings an event to the leaves that do not read traits, and marks those that it is
// the first for, or all.
func (r *Run) addPast(l *load, ev *profile.Event) {
	if l.takes != nil && !l.takes(ev) {
		return
	}
	r.Take(ev)
	for _, d := range l.dispatches {
		for _, u := range d.All {
			if u.ReadsTraits || !r.Passes(u, nil) {
				continue
			}
			for _, to := range u.Targets {
				if !r.Counts(to.Node) {
					continue
				}
				if l.joined || !r.Profile.Has(to.Node) {
					r.Push(to.Node)
				}
				r.collect(to)
			}
		}
	}
}
