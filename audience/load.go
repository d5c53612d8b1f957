package audience

import (
	"slices"
	"time"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// load brings a profile's stored history to the leaves of ix, which know
// nothing of it yet: all leaves for a profile that is new to the cache, the new
// ones when an audience is created. What has to be computed is marked.
func (s *step) load(ix *leafIndex) {
	if s.loadTraits(); s.err != nil {
		return
	}
	if ix == &s.net.leafIndex {
		s.loadBatches()
	}
	last := ""
	for i, w := range s.p.writes {
		if i == 0 {
			s.push(ix.allTrait...)
		}
		if w.Name != last {
			last = w.Name
			s.words.traits[s.p.ref.Subject].note(w.Name)
			s.push(ix.traits[w.Name]...)
		}
	}
	if s.p.ref.Subject == profile.Account {
		for name, d := range ix.events {
			s.loadEvents(d, name)
		}
		return
	}
	for name, err := range s.store.EventNames(s.ctx, s.p.ref.ID) {
		if err != nil {
			s.err = err
			return
		}
		s.words.events.note(name)
		if d := ix.events[name]; d != nil {
			s.loadEvents(d, name)
		}
	}
}

// loadTraits reads the profile's traits anew, as far as any leaf reads them.
func (s *step) loadTraits() {
	if len(s.net.traits)+len(s.net.allTrait)+len(s.net.readers)+len(s.net.allReaders) == 0 {
		return
	}
	writes, err := s.store.Traits(s.ctx, s.p.ref)
	if err != nil {
		s.err = err
		return
	}
	s.p.setTraits(writes, s.net)
}

func (s *step) loadEvents(d *dispatch, name string) {
	for _, u := range d.uses {
		if u.readsTraits {
			s.pushTargets(u) // they are counted when they are computed
		}
	}
	for ev, err := range s.history(name, d.since(s.t)) {
		if err != nil {
			s.err = err
			return
		}
		s.take(&ev)
		s.addPast(d, false)
	}
}

// addPast brings the event at hand to the leaves that do not read traits, and
// marks those that it is the first for, or all.
func (s *step) addPast(d *dispatch, markAll bool) {
	for _, u := range d.uses {
		if u.readsTraits || !s.passes(u, nil) {
			continue
		}
		for _, to := range u.targets {
			if !s.counts(to.node) {
				continue
			}
			if markAll || !s.p.has(to.node) {
				s.push(to.node)
			}
			s.collect(to)
		}
	}
}

// since returns the time before which no event can count at t or later.
func (d *dispatch) since(t int64) time.Time {
	longest := int64(0)
	for _, u := range d.uses {
		for _, to := range u.targets {
			if to.node.count.to == 0 {
				return time.Time{}
			}
			longest = max(longest, to.node.count.to)
		}
	}
	return time.Unix(0, t-longest)
}

// refill makes what a leaf holds whose filter reads traits that of the traits
// as they are now, and returns until when it is right: horizon.Never for other
// leaves, which take events as they come.
func (s *step) refill(n *node) (until int64) {
	switch {
	case !n.readsTraits:
		return horizon.Never
	case s.t >= s.p.counts[n.id]:
		s.recount(n)
	case s.arrived(n):
		s.taken = append(s.taken, dirt{n, s.p})
		s.actorUntil = horizon.Never
		s.take(s.event)
		if s.counts(n) && s.passes(s.net.events[s.event.Name].uses[n.useKey(n.filter)], n) {
			s.collect(target{n, wholeLeaf})
		}
		s.p.counts[n.id] = min(s.p.counts[n.id], s.actorUntil)
	}
	return s.p.counts[n.id]
}

// arrived reports whether the event that arrived is one that a leaf of the
// profile at hand has yet to take.
func (s *step) arrived(n *node) bool {
	return s.event != nil && slices.Contains(n.events, s.event.Name) &&
		slices.Contains(s.takers, s.p) && !slices.Contains(s.taken, dirt{n, s.p})
}

// recount reads from the store anew the events of a leaf whose filter reads
// traits: what passes depends on what they are now. It costs a read of the
// events in the leaf's window, when such a trait changes.
func (s *step) recount(n *node) {
	if s.p.counts == nil {
		s.p.counts = map[uint32]int64{}
	}
	_, until := s.sees(n)
	s.actorUntil = horizon.Never
	s.taken = append(s.taken, dirt{n, s.p})
	s.p.empty(n)
	saved, event := s.input, s.taking
	defer func() { s.input, s.taking = saved, event }()
	var since time.Time
	if n.count.to > 0 {
		since = time.Unix(0, s.t-n.count.to)
	}
	for _, name := range n.events {
		u := s.net.events[name].uses[n.useKey(n.filter)]
		for ev, err := range s.history(name, since) {
			if err != nil {
				s.err = err
				return
			}
			s.take(&ev)
			if s.counts(n) && s.passes(u, n) {
				s.collect(target{n, wholeLeaf})
			}
		}
	}
	s.p.counts[n.id] = min(until, s.actorUntil)
}

// bringFresh loads fresh leaves and marks the nodes above.
func (s *step) bringFresh(ix *leafIndex, fresh []*node) {
	s.load(ix)
	for _, n := range fresh {
		if len(n.children)+len(n.others) > 0 || n.accounts || n.kind == kindBatch {
			s.push(n)
		}
	}
}

// rely brings nodes up to date for the profile at hand, and has it woken when
// they end.
func (s *step) rely(on []*node) {
	for _, n := range on {
		s.p.wake = min(s.p.wake, s.ask(n).Until)
	}
}
