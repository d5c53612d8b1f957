package audience

import (
	"cmp"
	"slices"
)

// sortChanges brings the flips and moves of each node of a profile together, in
// the order in which they happened: several nodes may change in turns.
func (s *step) sortChanges() {
	if len(s.flips) > 1 {
		slices.SortStableFunc(s.flips, func(a, b flip) int { return compareCells(a.p, a.node, b.p, b.node) })
	}
	if len(s.moves) > 1 {
		slices.SortStableFunc(s.moves, func(a, b move) int { return compareCells(a.p, a.node, b.p, b.node) })
	}
}

// compareCells is the order of what profiles have of nodes.
func compareCells(p *state, n *node, q *state, m *node) int {
	if p != q {
		if c := p.ref.Compare(q.ref); c != 0 {
			return c
		}
	}
	return cmp.Compare(n.id, m.id)
}
