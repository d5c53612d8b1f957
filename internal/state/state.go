package state

import (
	"cmp"
	"maps"
	"slices"

	"github.com/muster-go/muster/internal/aggregate"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// State is what the engine knows of one profile: a cache of what follows from
// the store. It is guarded by the lock of its shard.
type State struct {
	Ref   profile.Ref
	Nodes []uint32 // ids of the nodes that have cells, ascending; apart, for the search
	Cells []Cell   // in the same order
	Wake  int64    // the earliest end of a root's verdict
	Kept  Kept     // what the store has of it
	Mute  bool     // it was read, and others are not told of its changes yet: they know what is kept
	Part  any      // what a transaction has of it during a run; nil: it is of none

	Version uint32 // of the last growth that it has
	Touched int32  // its place among the profiles that the transaction at hand touched, from 1; 0: it is none
	cached         // how the cache has it

	Writes  []profile.TraitWrite // of the traits that the network reads
	Readers uint32               // so many of its leaves of others' had been made then
	Views   []view               // those traits, by what counts of them
	Self    *celfilter.Self      // who it is, where that was asked for; nil: not known
	Counts  map[uint32]int64     // by node id: until when what a filter that reads traits let through is right

	Aggregates []*ComputedState // of computed traits, in the order of their nodes' ids
	Funnels    []*Attempts      // likewise of funnels
	Lent       bool             // this is a copy, to look at: its funnels are another's
}

// ComputedState is what one profile has of one computed trait.
type ComputedState struct {
	*aggregate.State // nil of a formula: it keeps nothing of events
	Node             uint32
	Value            profile.Value // as it was last found; null: none
}

// CompareAggregate is the order of what a profile has of computed traits.
func CompareAggregate(a *ComputedState, node uint32) int { return cmp.Compare(a.Node, node) }

// AggregateOf returns that of a node, nil if there is none.
func (p *State) AggregateOf(n *network.Node) *ComputedState {
	if i, ok := slices.BinarySearchFunc(p.Aggregates, n.ID, CompareAggregate); ok {
		return p.Aggregates[i]
	}
	return nil
}

// Aggregate returns that of a node; it is made if there is none.
func (p *State) Aggregate(n *network.Node) *ComputedState {
	i, ok := slices.BinarySearchFunc(p.Aggregates, n.ID, CompareAggregate)
	if !ok {
		a := &ComputedState{State: newAggregate(n), Node: n.ID}
		p.Aggregates = slices.Insert(p.Aggregates, i, a)
	}
	return p.Aggregates[i]
}

// newAggregate returns that of a node for a profile without events.
func newAggregate(n *network.Node) *aggregate.State {
	if n.Kind == network.KindFormula {
		return nil
	}
	if n.Distinct {
		return aggregate.NewDistinct(aggregate.Range{Min: n.Count.Min, Max: n.Count.Max, Enough: n.Count.Enough()}, n.Count.Window)
	}
	return aggregate.New(*n.Computed, n.Count.Window)
}

// aggregates reports whether a node keeps what it has of events as an aggregate.
func aggregates(n *network.Node) bool { return n.HasValue() || n.Distinct }

// Cell is what one profile makes of one node. Profiles have cells only for
// nodes that are not idle for them, or were not once.
//
// (truth, until) is a verdict that was right when it was given; until may be
// earlier than need be, never later.
type Cell struct {
	Truth bool
	Until int64
	matches
}

// Verdict returns that of the cell.
func (c *Cell) Verdict() horizon.Verdict { return horizon.Verdict{True: c.Truth, Until: c.Until} }

// view is the profile's traits as far as they arrived after since.
type view struct {
	since uint64
	set   traitset.Set
}

// New returns the state of a profile of which nothing is known.
func New(ref profile.Ref) *State {
	return &State{Ref: ref, Wake: horizon.Never, Kept: NothingKept}
}

// Reset makes p the state of a profile of which nothing is known, in the memory of the one
// before, of whom nobody has anything.
func (p *State) Reset(ref profile.Ref) {
	clear(p.Aggregates)
	clear(p.Funnels)
	*p = State{
		Ref: ref, Wake: horizon.Never, Kept: NothingKept,
		Nodes: p.Nodes[:0], Cells: p.Cells[:0], Aggregates: p.Aggregates[:0], Funnels: p.Funnels[:0],
	}
}

// Find returns the index of the node's cell, or where it would be.
func (p *State) Find(id uint32) (int, bool) {
	nodes := p.Nodes
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

// Cell returns the node's cell; it is made, idle, if there is none. The pointer
// holds until the next cell is made.
func (p *State) Cell(n *network.Node) *Cell {
	i, ok := p.Find(n.ID)
	if !ok {
		p.Nodes = insert(p.Nodes, i, n.ID)
		c := Cell{Truth: n.Idle, Until: horizon.Never}
		if n := len(p.Cells); n < cap(p.Cells) { // what Reset has left there
			c.Times = p.Cells[:n+1][n].Times[:0]
		}
		p.Cells = insert(p.Cells, i, c)
	}
	return &p.Cells[i]
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

// Has reports whether there is anything of a leaf.
func (p *State) Has(n *network.Node) bool {
	switch {
	case aggregates(n):
		return p.AggregateOf(n) != nil
	case n.Kind == network.KindFunnel:
		return p.AttemptsOf(n) != nil
	}
	_, ok := p.Find(n.ID)
	return ok
}

// Empty drops the events that a leaf holds.
func (p *State) Empty(n *network.Node) {
	switch {
	case aggregates(n):
		if a := p.AggregateOf(n); a != nil {
			a.State = newAggregate(n)
		}
		return
	case n.Kind == network.KindFunnel:
		if a := p.AttemptsOf(n); a != nil {
			a.State = *n.Funnel.NewState()
		}
		return
	}
	if i, ok := p.Find(n.ID); ok {
		p.Cells[i].matches = matches{}
	}
}

// Truth returns the node's truth as it was last found.
func (p *State) Truth(n *network.Node) bool {
	if i, ok := p.Find(n.ID); ok {
		return p.Cells[i].Truth
	}
	return n.Idle
}

// LetGo gives up what is kept of the events of a computed trait or a funnel, of which
// nothing counts any more.
func (p *State) LetGo(n *network.Node) {
	if i, ok := slices.BinarySearchFunc(p.Aggregates, n.ID, CompareAggregate); ok {
		p.Aggregates = release(p.Aggregates, i)
	}
	if i, ok := slices.BinarySearchFunc(p.Funnels, n.ID, CompareAttempts); ok {
		p.Funnels = release(p.Funnels, i)
	}
}

// release deletes an element, and the slice with the last.
func release[T any](s []T, i int) []T {
	if len(s) == 1 {
		return nil
	}
	return slices.Delete(s, i, i+1)
}

// Drop removes the cells of nodes that are no more.
func (p *State) Drop(nodes []*network.Node) {
	for _, n := range nodes {
		if i, ok := p.Find(n.ID); ok {
			p.Nodes = slices.Delete(p.Nodes, i, i+1)
			p.Cells = slices.Delete(p.Cells, i, i+1)
		}
		delete(p.Counts, n.ID)
		if i, ok := slices.BinarySearchFunc(p.Aggregates, n.ID, CompareAggregate); ok {
			p.Aggregates = slices.Delete(p.Aggregates, i, i+1)
		}
		if i, ok := slices.BinarySearchFunc(p.Funnels, n.ID, CompareAttempts); ok {
			p.Funnels = slices.Delete(p.Funnels, i, i+1)
		}
	}
}

// Copied returns a state to look at: what is found of it does not change p.
func (p *State) Copied() *State {
	c := *p
	c.Lent = true
	c.Part = nil
	c.Nodes = slices.Clone(p.Nodes)
	c.Cells = slices.Clone(p.Cells)
	for i := range c.Cells {
		c.Cells[i].Times = slices.Clone(c.Cells[i].Times)
	}
	c.Aggregates = make([]*ComputedState, len(p.Aggregates))
	for i, a := range p.Aggregates {
		same := *a
		c.Aggregates[i] = &same
	}
	c.Counts = maps.Clone(p.Counts)
	c.Views = slices.Clone(p.Views)
	return &c
}

// SetTraits takes the profile's trait writes as the store has them now, as far as the network
// reads them.
func (p *State) SetTraits(writes []profile.TraitWrite, net *network.Network) {
	p.Writes, p.Readers = p.Writes[:0], net.ReadersMade
	for _, w := range writes {
		if net.ReadsTrait(w.Name) {
			p.Writes = append(p.Writes, w)
		}
	}
	p.Views = nil
}

// Traits returns the traits that arrived after since, as they are at t.
func (p *State) Traits(since uint64, t int64) *traitset.Set {
	for i := range p.Views {
		if v := &p.Views[i]; v.since == since {
			if v.set.Until() <= t {
				v.set = traitset.At(p.Writes, since, t)
			}
			return &v.set
		}
	}
	p.Views = append(p.Views, view{since, traitset.At(p.Writes, since, t)})
	return &p.Views[len(p.Views)-1].set
}
