package audience

import (
	"cmp"
	"maps"
	"slices"

	"github.com/muster-go/muster/internal/aggregate"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// state is what the engine knows of one profile: a cache of what follows from
// the store. It is guarded by the lock of its shard.
type state struct {
	ref   profile.Ref
	nodes []uint32 // ids of the nodes that have cells, ascending; apart, for the search
	cells []cell   // in the same order
	wake  int64    // the earliest end of a root's verdict
	kept  kept     // what the store has of it
	mute  bool     // it was read, and others are not told of its changes yet: they know what is kept
	part  any      // what a transaction has of it during a run; nil: it is of none

	version uint32 // of the last growth that it has
	touched int32  // its place among the profiles that the transaction at hand touched, from 1; 0: it is none
	cached         // how the cache has it

	writes  []profile.TraitWrite // of the traits that the network reads
	readers uint32               // so many of its leaves of others' had been made then
	views   []view               // those traits, by what counts of them
	counts  map[uint32]int64     // by node id: until when what a filter that reads traits let through is right

	aggregates []*computedState // of computed traits, in the order of their nodes' ids
	funnels    []*attempts      // likewise of funnels
	lent       bool             // this is a copy, to look at: its funnels are another's
}

// computedState is what one profile has of one computed trait.
type computedState struct {
	*aggregate.State
	node  uint32
	value profile.Value // as it was last found; null: none
}

func compareAggregate(a *computedState, node uint32) int { return cmp.Compare(a.node, node) }

// aggregateOf returns that of a node, nil if there is none.
func (p *state) aggregateOf(n *node) *computedState {
	if i, ok := slices.BinarySearchFunc(p.aggregates, n.id, compareAggregate); ok {
		return p.aggregates[i]
	}
	return nil
}

// aggregate returns that of a node; it is made if there is none.
func (p *state) aggregate(n *node) *computedState {
	i, ok := slices.BinarySearchFunc(p.aggregates, n.id, compareAggregate)
	if !ok {
		a := &computedState{State: aggregate.New(*n.computed), node: n.id}
		p.aggregates = slices.Insert(p.aggregates, i, a)
	}
	return p.aggregates[i]
}

// cell is what one profile makes of one node. Profiles have cells only for
// nodes that are not idle for them, or were not once.
//
// (truth, until) is a verdict that was right when it was given; until may be
// earlier than need be, never later.
type cell struct {
	truth bool
	until int64
	matches
}

func (c *cell) verdict() horizon.Verdict { return horizon.Verdict{True: c.truth, Until: c.until} }

// view is the profile's traits as far as they arrived after since.
type view struct {
	since uint64
	set   traitset.Set
}

func newState(ref profile.Ref) *state {
	return &state{ref: ref, wake: horizon.Never, kept: nothingKept}
}

// find returns the index of the node's cell, or where it would be.
func (p *state) find(id uint32) (int, bool) {
	nodes := p.nodes
	lo, hi := 0, len(nodes)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if nodes[mid] < id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(nodes) && nodes[lo] == id
}

// cell returns the node's cell; it is made, idle, if there is none. The pointer
// holds until the next cell is made.
func (p *state) cell(n *node) *cell {
	i, ok := p.find(n.id)
	if !ok {
		p.nodes = insert(p.nodes, i, n.id)
		p.cells = insert(p.cells, i, cell{truth: n.idle, until: horizon.Never})
	}
	return &p.cells[i]
}

// insert is slices.Insert, growing gently: there are as many of these slices as
// profiles.
func insert[T any](s []T, i int, v T) []T {
	n := len(s)
	if n == cap(s) {
		grown := make([]T, n, n+n/4+6)
		copy(grown, s)
		s = grown
	}
	s = s[:n+1]
	copy(s[i+1:], s[i:n])
	s[i] = v
	return s
}

// has reports whether there is anything of a leaf.
func (p *state) has(n *node) bool {
	switch n.kind {
	case kindComputed:
		return p.aggregateOf(n) != nil
	case kindFunnel:
		return p.attemptsOf(n) != nil
	}
	_, ok := p.find(n.id)
	return ok
}

// empty drops the events that a leaf holds.
func (p *state) empty(n *node) {
	switch n.kind {
	case kindComputed:
		if a := p.aggregateOf(n); a != nil {
			a.State = aggregate.New(*n.computed)
		}
		return
	case kindFunnel:
		if a := p.attemptsOf(n); a != nil {
			a.State = *n.funnel.NewState()
		}
		return
	}
	if i, ok := p.find(n.id); ok {
		p.cells[i].matches = matches{}
	}
}

// truth returns the node's truth as it was last found.
func (p *state) truth(n *node) bool {
	if i, ok := p.find(n.id); ok {
		return p.cells[i].truth
	}
	return n.idle
}

// letGo gives up what is kept of the events of a computed trait or a funnel, of which
// nothing counts any more.
func (p *state) letGo(n *node) {
	if i, ok := slices.BinarySearchFunc(p.aggregates, n.id, compareAggregate); ok {
		p.aggregates = release(p.aggregates, i)
	}
	if i, ok := slices.BinarySearchFunc(p.funnels, n.id, compareAttempts); ok {
		p.funnels = release(p.funnels, i)
	}
}

// release deletes an element, and the slice with the last.
func release[T any](s []T, i int) []T {
	if len(s) == 1 {
		return nil
	}
	return slices.Delete(s, i, i+1)
}

// drop removes the cells of nodes that are no more.
func (p *state) drop(nodes []*node) {
	for _, n := range nodes {
		if i, ok := p.find(n.id); ok {
			p.nodes = slices.Delete(p.nodes, i, i+1)
			p.cells = slices.Delete(p.cells, i, i+1)
		}
		delete(p.counts, n.id)
		if i, ok := slices.BinarySearchFunc(p.aggregates, n.id, compareAggregate); ok {
			p.aggregates = slices.Delete(p.aggregates, i, i+1)
		}
		if i, ok := slices.BinarySearchFunc(p.funnels, n.id, compareAttempts); ok {
			p.funnels = slices.Delete(p.funnels, i, i+1)
		}
	}
}

// copied returns a state to look at: what is found of it does not change p.
func (p *state) copied() *state {
	c := *p
	c.lent = true
	c.part = nil
	c.nodes = slices.Clone(p.nodes)
	c.cells = slices.Clone(p.cells)
	for i := range c.cells {
		c.cells[i].times = slices.Clone(c.cells[i].times)
	}
	c.aggregates = make([]*computedState, len(p.aggregates))
	for i, a := range p.aggregates {
		same := *a
		c.aggregates[i] = &same
	}
	c.counts = maps.Clone(p.counts)
	c.views = slices.Clone(p.views)
	return &c
}

// setTraits takes the profile's trait writes as the store has them now, as far as the network
// reads them.
func (p *state) setTraits(writes []profile.TraitWrite, net *network) {
	p.writes, p.readers = p.writes[:0], net.readersMade
	for _, w := range writes {
		if net.readsTrait(w.Name) {
			p.writes = append(p.writes, w)
		}
	}
	p.views = nil
}

// traits returns the traits that arrived after since, as they are at t.
func (p *state) traits(since uint64, t int64) *traitset.Set {
	for i := range p.views {
		if v := &p.views[i]; v.since == since {
			if v.set.Until() <= t {
				v.set = traitset.At(p.writes, since, t)
			}
			return &v.set
		}
	}
	p.views = append(p.views, view{since, traitset.At(p.writes, since, t)})
	return &p.views[len(p.views)-1].set
}
