package eval

import (
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
		r.loadCounts()
	}
	r.Push(ix.Identity...)
	r.Push(ix.Initial...)
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
	if r.Profile.Ref.Subject == profile.User {
		r.loadEvents(&load{ix: ix, user: r.Profile.Ref.ID})
	} else if ix.TakesEvents() {
		r.loadUsers(ix)
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
		if r.Counts(n) && r.Passes(r.Net.UseOf(n, r.Event.Name), n) {
			r.collect(network.Target{Node: n, Step: network.WholeLeaf})
		}
		r.Profile.Counts[n.ID] = min(r.Profile.Counts[n.ID], r.actorUntil)
	}
	return r.Profile.Counts[n.ID]
}

// arrived reports whether the event that arrived is one that a leaf of the
// profile at hand has yet to take.
func (r *Run) arrived(n *network.Node) bool {
	return r.Event != nil && n.TakesEvent(r.Event.Name) &&
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
	for ev, err := range r.History(n, n.Count.From(r.At)) {
		if err != nil {
			r.Err = err
			return
		}
		r.Take(&ev)
		if r.Counts(n) && r.Passes(r.Net.UseOf(n, ev.Name), n) {
			r.collect(network.Target{Node: n, Step: network.WholeLeaf})
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
