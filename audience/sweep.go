package audience

import (
	"slices"

	"github.com/muster-go/muster/internal/horizon"
)

// sweep lets go of what the profile at hand keeps of events that count nowhere any more,
// when time alone changes nothing of it: its windows are over. What is not asked for any
// longer would otherwise stay for ever.
func (s *step) sweep() {
	if s.p.wake == horizon.Never {
		s.sweepEvents()
		s.sweepCells()
	}
}

// sweepEvents empties the leaves of the profile at hand whose events are all over.
func (s *step) sweepEvents() {
	p := s.p
	for _, a := range slices.Clone(p.aggregates) {
		value, until := a.At(s.t)
		if a.Spent(value, until) && same(value, a.value) {
			p.letGo(s.net.nodes[a.node])
		}
	}
	for _, f := range slices.Clone(p.funnels) {
		if v := f.At(s.t); !v.True && f.Empty() {
			p.letGo(s.net.nodes[f.node])
		}
	}
	for i := range p.cells {
		if n := s.net.nodes[p.nodes[i]]; n.kind == kindEvent && n.count.to > 0 {
			p.cells[i].forget(&n.count, s.t)
		}
	}
}

// sweepCells removes the cells of the profile at hand that say what is so without
// any data: of leaves that hold nothing, and of nodes all of whose children have no
// cell. A node comes after those that it depends on.
func (s *step) sweepCells() {
	p := s.p
	nodes, cells := p.nodes[:0:0], p.cells[:0:0]
	for i, id := range p.nodes {
		n := s.net.nodes[id]
		idle := p.cells[i].truth == n.idle && len(n.reads) == 0 && !n.linked
		switch n.kind {
		case kindEvent:
			idle = idle && n.count.to > 0 && len(p.cells[i].times) == 0 && !n.readsTraits
		case kindComputed, kindFunnel:
			idle = idle && !p.has(n) && !n.readsTraits
		case kindAll, kindAny, kindNot:
			for _, child := range n.children {
				_, kept := slices.BinarySearch(nodes, child.id)
				idle = idle && !kept && child.kind != kindTrait && child.kind != kindDate
			}
		default:
			idle = false
		}
		if !idle {
			nodes, cells = append(nodes, id), append(cells, p.cells[i])
		}
	}
	p.nodes, p.cells = slices.Clip(nodes), slices.Clip(cells)
}
