package eval

import (
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
)

// Sweep lets go of what the profile at hand keeps of events that count nowhere any more,
// when time alone changes nothing of it: its windows are over. What is not asked for any
// longer would otherwise stay for ever.
func (r *Run) Sweep() {
	if r.Profile.Wake == horizon.Never {
		r.sweepEvents()
		r.sweepCells()
	}
}

// sweepEvents empties the leaves of the profile at hand whose events are all over.
func (r *Run) sweepEvents() {
	p := r.Profile
	for _, a := range slices.Clone(p.Aggregates) {
		if a.State == nil {
			continue // of a formula, which has no events
		}
		value, until := a.At(r.At)
		if a.Spent(value, until) && Same(value, a.Value) {
			p.LetGo(r.Net.Nodes[a.Node])
		}
	}
	for _, f := range slices.Clone(p.Funnels) {
		if v := f.At(r.At); !v.True && f.Empty() {
			p.LetGo(r.Net.Nodes[f.Node])
		}
	}
	for i := range p.Cells {
		if n := r.Net.Nodes[p.Nodes[i]]; n.Kind == network.KindEvent && n.Count.Ends() {
			p.Cells[i].Forget(r.At)
		}
	}
}

// sweepCells removes the cells of the profile at hand that say what is so without
// any data: of leaves that hold nothing, and of nodes all of whose children have no
// cell. A node comes after those that it depends on.
func (r *Run) sweepCells() {
	p := r.Profile
	nodes, cells := p.Nodes[:0:0], p.Cells[:0:0]
	for i, id := range p.Nodes {
		n := r.Net.Nodes[id]
		idle := p.Cells[i].Truth == n.Idle && len(n.Reads) == 0 && !n.Linked
		switch n.Kind {
		case network.KindEvent:
			idle = idle && n.Count.Ends() && len(p.Cells[i].Times) == 0 && !n.ReadsTraits && !(n.Distinct && p.Has(n))
		case network.KindComputed, network.KindFunnel:
			idle = idle && !p.Has(n) && !n.ReadsTraits
		case network.KindAll, network.KindAny, network.KindNot:
			for _, child := range n.Children {
				_, kept := slices.BinarySearch(nodes, child.ID)
				idle = idle && !kept && child.Kind != network.KindTrait && child.Kind != network.KindDate
			}
		case network.KindTenure:
			member, _ := n.Member()
			_, kept := slices.BinarySearch(nodes, member.ID)
			idle = !p.Cells[i].Truth && !kept && !member.Idle && !n.Linked
		default:
			idle = false
		}
		if !idle {
			nodes, cells = append(nodes, id), append(cells, p.Cells[i])
		}
	}
	p.Nodes, p.Cells = slices.Clip(nodes), slices.Clip(cells)
}
