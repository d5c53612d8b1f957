package eval

import (
	"cmp"
	"slices"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/state"
)

// SortChanges brings the changes of each node of a profile together, in
// the order in which they happened: several nodes may change in turns.
func (r *Run) SortChanges() {
	if len(r.Truths) > 1 {
		slices.SortStableFunc(r.Truths, func(a, b TruthChange) int { return compareCells(a.P, a.Node, b.P, b.Node) })
	}
	if len(r.Values) > 1 {
		slices.SortStableFunc(r.Values, func(a, b ValueChange) int { return compareCells(a.P, a.Node, b.P, b.Node) })
	}
}

// compareCells is the order of what profiles have of nodes.
func compareCells(p *state.State, n *network.Node, q *state.State, m *network.Node) int {
	if p != q {
		if c := p.Ref.Compare(q.Ref); c != 0 {
			return c
		}
	}
	return cmp.Compare(n.ID, m.ID)
}
