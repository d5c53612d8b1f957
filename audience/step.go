package audience

import (
	"context"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// step moves one profile from what held before to what holds at t, with all
// that is new to it, as one change. It is the engine's inner loop:
//
//	add       data reaches the leaves that name it
//	walk      what changes is recomputed upwards, each node once
//	settle    roots whose verdict has run out are asked again
//	flips     the roots that became true or false
//
// Two facts keep it short. A node that keeps its truth and does not end sooner
// stops the walk. And a verdict that has run out needs no walk: who relied on
// it has run out as well, and asks again when it is asked itself.
type step struct {
	net   *network
	store profile.Reader
	ctx   context.Context // of the call that the step is part of
	p     *state
	t     int64
	err   error // of the store; the step is void
	dirty nodeHeap
	flips []*node // roots whose truth changed
	input celfilter.Input
}

func (s *step) begin(ctx context.Context, net *network, p *state, t int64) {
	s.ctx, s.net, s.p, s.t, s.err = ctx, net, p, t, nil
	s.flips = s.flips[:0]
	s.dirty = s.dirty[:0]
}

// addEvent brings an event that just arrived to the leaves that it matches.
func (s *step) addEvent(ev *profile.Event) {
	d := s.net.events[ev.Name]
	if d == nil {
		return
	}
	s.take(ev)
	for _, u := range d.plain {
		s.apply(u, ev.Seq)
	}
	for _, ix := range d.indexes {
		v, ok := ev.Properties.Lookup(ix.key)
		if !ok {
			ix.missing.Add(1)
			continue
		}
		for _, u := range ix.find(v) {
			s.apply(u, ev.Seq)
		}
	}
}

// take makes ev the event that filters see.
func (s *step) take(ev *profile.Event) {
	s.input.Name, s.input.Time = ev.Name, ev.Time.UnixNano()
	s.input.Properties, s.input.Context = ev.Properties, ev.Context
}

func (s *step) apply(u *use, seq uint64) {
	if !u.readsTraits && !s.passes(u, nil) {
		return
	}
	for _, n := range u.leaves {
		switch {
		case seq <= n.since:
		case !u.readsTraits, s.t < s.p.counts[n.id] && s.passes(u, n):
			s.count(n)
		case s.t >= s.p.counts[n.id]:
			s.touch(n) // counts anew, with the event
		}
	}
}

// count adds the event at hand to a leaf that it matches.
func (s *step) count(n *node) {
	c := s.p.cell(n)
	old := c.verdict()
	c.add(&n.count, s.input.Time, s.t)
	v := c.at(&n.count, s.t)
	if n.readsTraits {
		v.Until = min(v.Until, s.p.counts[n.id])
	}
	s.put(n, c, v)
	s.mark(n, old, v)
}

// passes applies a filter to the event at hand, and to the traits that count
// for the leaf n if it reads any.
func (s *step) passes(u *use, n *node) bool {
	if u.filter == nil {
		return true
	}
	if u.readsTraits {
		s.input.Traits = s.p.traits(n.since, s.t)
	}
	switch u.filter.Eval(&s.input) {
	case celfilter.True:
		return true
	case celfilter.Miss:
		u.misses.Add(1)
	}
	return false
}

// changeTraits brings the traits that just changed to the leaves that read
// them. The profile's state has them already.
func (s *step) changeTraits(changed profile.Object) {
	for _, n := range s.net.allTrait {
		s.changeTrait(n)
	}
	for name := range changed.All() {
		for _, n := range s.net.traits[name] {
			s.changeTrait(n)
		}
	}
}

func (s *step) changeTrait(n *node) {
	delete(s.p.counts, n.id)
	s.touch(n)
}

// touch recomputes a node.
func (s *step) touch(n *node) {
	old := horizon.Always(n.idle)
	if i, ok := s.p.find(n.id); ok {
		old = s.p.cells[i].verdict()
	}
	v := s.compute(n)
	s.set(n, v)
	s.mark(n, old, v)
}

// mark marks the node's parents if they may depend on how it changed.
func (s *step) mark(n *node, old, v horizon.Verdict) {
	if s.t < old.Until && (v.True != old.True || v.Until < old.Until) {
		s.dirty.push(n.parents...)
	}
}

// walk recomputes what is marked, children before parents.
func (s *step) walk() {
	var last *node
	for len(s.dirty) > 0 {
		if n := s.dirty.pop(); n != last {
			last = n
			s.touch(n)
		}
	}
}

// settle walks, asks the roots that have run out, and returns when the profile
// has to be woken next.
func (s *step) settle() {
	s.walk()
	if s.p.wake > s.t {
		return
	}
	// By index: asking may make cells. A cell made meanwhile is fresh.
	for i := 0; i < len(s.p.cells); i++ {
		if id := s.p.nodes[i]; s.p.cells[i].until <= s.t && s.net.root[id] {
			s.ask(s.net.nodes[id])
		}
	}
	s.p.wake = horizon.Never
	for i := range s.p.cells {
		if until := s.p.cells[i].until; until < s.p.wake && s.net.root[s.p.nodes[i]] {
			s.p.wake = until
		}
	}
}

// ask returns the node's verdict at t.
func (s *step) ask(n *node) horizon.Verdict {
	i, ok := s.p.find(n.id)
	if !ok {
		return horizon.Always(n.idle)
	}
	if c := &s.p.cells[i]; s.t < c.until {
		return c.verdict()
	}
	v := s.compute(n)
	s.set(n, v)
	return v
}

// set records a verdict.
func (s *step) set(n *node, v horizon.Verdict) {
	if i, ok := s.p.find(n.id); ok {
		s.put(n, &s.p.cells[i], v)
	} else if v != horizon.Always(n.idle) {
		s.put(n, s.p.cell(n), v)
	}
}

// put records a verdict in the node's cell; a root's also as a flip and as the
// profile's next wake.
func (s *step) put(n *node, c *cell, v horizon.Verdict) {
	flipped := c.truth != v.True
	c.truth, c.until = v.True, v.Until
	if !s.net.root[n.id] {
		return
	}
	if flipped {
		s.flips = append(s.flips, n)
	}
	s.p.wake = min(s.p.wake, v.Until)
}

// compute answers a node at t from its children, or from the data.
func (s *step) compute(n *node) horizon.Verdict {
	switch n.kind {
	case kindAll:
		v := horizon.Always(true)
		for _, c := range n.children {
			v = horizon.All(v, s.ask(c))
		}
		return v
	case kindAny:
		v := horizon.Always(false)
		for _, c := range n.children {
			v = horizon.Any(v, s.ask(c))
		}
		return v
	case kindNot:
		return s.ask(n.children[0]).Not()
	case kindEvent:
		return s.computeCount(n)
	}
	return s.computeTrait(n)
}

func (s *step) computeCount(n *node) horizon.Verdict {
	if n.readsTraits && s.t >= s.p.counts[n.id] {
		s.recount(n)
	}
	v := horizon.Always(n.idle)
	if i, ok := s.p.find(n.id); ok {
		v = s.p.cells[i].at(&n.count, s.t)
	}
	if n.readsTraits {
		v.Until = min(v.Until, s.p.counts[n.id])
	}
	return v
}

func (s *step) computeTrait(n *node) horizon.Verdict {
	set := s.p.traits(n.since, s.t)
	var v horizon.Verdict
	if n.kind == kindDate {
		value, _ := set.Get(n.date.Name)
		v = n.date.At(value, s.t)
	} else {
		in := celfilter.Input{Traits: set}
		r := n.filter.Eval(&in)
		if r == celfilter.Miss {
			n.misses.Add(1)
		}
		v = horizon.Always(r == celfilter.True)
	}
	v.Until = min(v.Until, set.Until())
	return v
}
