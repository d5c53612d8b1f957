package eval

import (
	"errors"
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// Load brings a profile's stored history to the leaves of ix, which know
// nothing of it yet: all leaves for a profile that is new to the cache, the new
// ones when an audience is created. What has to be computed is marked.
func (r *Run) Load(ix *network.Leaves) {
	if r.loadTraits(); r.Err != nil {
		return
	}
	if ix == &r.Net.Leaves {
		r.loadBatches()
	}
	r.Push(ix.Identity...)
	last := ""
	for i, w := range r.Profile.Writes {
		if i == 0 {
			r.Push(ix.AllTrait...)
		}
		if w.Name != last {
			last = w.Name
			r.Words.Traits[r.Profile.Ref.Subject].Note(w.Name)
			r.Push(ix.Traits[w.Name]...)
		}
	}
	if r.Profile.Ref.Subject == profile.Account {
		for name, d := range ix.Events {
			r.loadEvents(d, name)
		}
		return
	}
	if past, err := r.past(); err == nil {
		r.loadPast(ix, past)
		return
	} else if !errors.Is(err, errors.ErrUnsupported) {
		r.Err = err
		return
	}
	for name, err := range r.Store.EventNames(r.Ctx, r.Profile.Ref.ID) {
		if err != nil {
			r.Err = err
			return
		}
		r.Words.Events.Note(name)
		if d := ix.Events[name]; d != nil {
			r.loadEvents(d, name)
		}
	}
}

// loadTraits reads the profile's traits anew, as far as any leaf reads them.
func (r *Run) loadTraits() {
	if len(r.Net.Traits)+len(r.Net.AllTrait)+len(r.Net.Readers)+len(r.Net.AllReaders) == 0 {
		return
	}
	writes, err := r.Store.Traits(r.Ctx, r.Profile.Ref)
	if err != nil {
		r.Err = err
		return
	}
	r.Profile.SetTraits(writes, r.Net)
}

// past returns the history of the user at hand; the error wraps errors.ErrUnsupported where
// the store cannot read one at once.
func (r *Run) past() (*profile.History, error) {
	if r.Past != nil {
		return r.Past, nil
	}
	store, ok := r.Store.(profile.HistoryReader)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return &r.history, store.ReadHistory(r.Ctx, r.Profile.Ref.ID, &r.history)
}

// loadPast brings a history to the leaves of ix: of each name that they take, the events
// that may count, in place.
func (r *Run) loadPast(ix *network.Leaves, past *profile.History) {
	for i := range past.Len() {
		name := past.Name(i)
		r.noteName(name)
		d := ix.Events[name]
		if d == nil {
			continue
		}
		r.pushReaders(d)
		for past.Begin(i, d.Since(r.At)); past.Next(); {
			r.Take(past.Event())
			r.addPast(d, false)
		}
	}
}

// maxNoted is how many names of events a run knows to be noted.
const maxNoted = 8

// noteName notes a name of events, unless it was among the last that this run has noted.
func (r *Run) noteName(name string) {
	if slices.Contains(r.noted, name) {
		return
	}
	r.Words.Events.Note(name)
	if len(r.noted) == maxNoted {
		r.noted = r.noted[:0]
	}
	r.noted = append(r.noted, name)
}

// pushReaders marks the leaves whose filter reads traits: they are counted when they are
// computed.
func (r *Run) pushReaders(d *network.Dispatch) {
	for _, u := range d.All {
		if u.ReadsTraits {
			r.pushTargets(u)
		}
	}
}

func (r *Run) loadEvents(d *network.Dispatch, name string) {
	r.pushReaders(d)
	for ev, err := range r.History(name, sinceTime(d.Since(r.At))) {
		if err != nil {
			r.Err = err
			return
		}
		r.Take(&ev)
		r.addPast(d, false)
	}
}

// addPast brings the event at hand to the leaves that do not read traits, and
// marks those that it is the first for, or all.
func (r *Run) addPast(d *network.Dispatch, markAll bool) {
	for _, u := range d.All {
		if u.ReadsTraits || !r.Passes(u, nil) {
			continue
		}
		for _, to := range u.Targets {
			if !r.Counts(to.Node) {
				continue
			}
			if markAll || !r.Profile.Has(to.Node) {
				r.Push(to.Node)
			}
			r.collect(to)
		}
	}
}

// refill makes what a leaf holds whose filter reads traits that of the traits
// as they are now, and returns until when it is right: horizon.Never for other
// leaves, which take events as they come.
func (r *Run) refill(n *network.Node) (until int64) {
	switch {
	case !n.ReadsTraits:
		return horizon.Never
	case r.At >= r.Profile.Counts[n.ID]:
		r.recount(n)
	case r.arrived(n):
		r.taken = append(r.taken, entry{n, r.Profile})
		r.actorUntil = horizon.Never
		r.Take(r.Event)
		if r.Counts(n) && r.Passes(r.Net.Events[r.Event.Name].Uses[n.UseKey(n.Filter)], n) {
			r.collect(network.Target{Node: n, Step: network.WholeLeaf})
		}
		r.Profile.Counts[n.ID] = min(r.Profile.Counts[n.ID], r.actorUntil)
	}
	return r.Profile.Counts[n.ID]
}

// arrived reports whether the event that arrived is one that a leaf of the
// profile at hand has yet to take.
func (r *Run) arrived(n *network.Node) bool {
	return r.Event != nil && slices.Contains(n.Events, r.Event.Name) &&
		slices.Contains(r.takers, r.Profile) && !slices.Contains(r.taken, entry{n, r.Profile})
}

// recount reads from the store anew the events of a leaf whose filter reads
// traits: what passes depends on what they are now. It costs a read of the
// events in the leaf's window, when such a trait changes.
func (r *Run) recount(n *network.Node) {
	if r.Profile.Counts == nil {
		r.Profile.Counts = map[uint32]int64{}
	}
	_, until := r.sees(n)
	r.actorUntil = horizon.Never
	r.taken = append(r.taken, entry{n, r.Profile})
	r.Profile.Empty(n)
	saved, event := r.Input, r.Taking
	defer func() { r.Input, r.Taking = saved, event }()
	since := n.Count.From(r.At)
	for _, name := range n.Events {
		u := r.Net.Events[name].Uses[n.UseKey(n.Filter)]
		for ev, err := range r.History(name, since) {
			if err != nil {
				r.Err = err
				return
			}
			r.Take(&ev)
			if r.Counts(n) && r.Passes(u, n) {
				r.collect(network.Target{Node: n, Step: network.WholeLeaf})
			}
		}
	}
	r.Profile.Counts[n.ID] = min(until, r.actorUntil)
}

// BringFresh loads fresh leaves and marks the nodes above.
func (r *Run) BringFresh(ix *network.Leaves, fresh []*network.Node) {
	r.Load(ix)
	for _, n := range fresh {
		if len(n.Children)+len(n.Others) > 0 || n.Accounts || n.Kind == network.KindBatch {
			r.Push(n)
		}
	}
}

// Observe brings nodes up to date for the profile at hand, and has it woken when
// they end.
func (r *Run) Observe(on []*network.Node) {
	for _, n := range on {
		r.Profile.Wake = min(r.Profile.Wake, r.Ask(n).Until)
	}
}
