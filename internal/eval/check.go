package eval

import (
	"fmt"
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/state"
)

// Check returns an error if what a profile has breaks one of the invariants 1 to 5 of the
// package, of a profile that was brought to t. It is for tests.
func Check(net *network.Network, p *state.State, t int64) error {
	if !slices.IsSorted(p.Nodes) || len(p.Nodes) != len(p.Cells) {
		return fmt.Errorf("%v: %d cells of nodes %v", p.Ref, len(p.Cells), p.Nodes)
	}
	for i, id := range p.Nodes {
		n := net.Nodes[id]
		if n == nil {
			return fmt.Errorf("%v: a cell of node %d, which is no more", p.Ref, id)
		}
		for _, below := range slices.Concat(n.Children, n.Others) {
			if below.Height >= n.Height {
				return fmt.Errorf("node %d, of height %d, depends on %d, of %d", id, n.Height, below.ID, below.Height)
			}
		}
		c := &p.Cells[i]
		if net.Root[id] && c.Until < p.Wake {
			return fmt.Errorf("%v: it wakes at %d, after the end of root %d at %d", p.Ref, p.Wake, id, c.Until)
		}
		if want, all := fromChildren(p, n, t); all && c.Until > t && want.True != c.Truth {
			return fmt.Errorf("%v: node %d is %t, and its children make it %t", p.Ref, id, c.Truth, want.True)
		}
	}
	return nil
}

// fromChildren returns what the verdicts of a node's children make of it, if it is a group
// and none has run out.
func fromChildren(p *state.State, n *network.Node, t int64) (v horizon.Verdict, all bool) {
	if n.Kind > network.KindNot {
		return v, false
	}
	v = horizon.Always(n.Kind == network.KindAll)
	for _, child := range n.Children {
		of := horizon.Always(child.Idle)
		if i, ok := p.Find(child.ID); ok {
			of = p.Cells[i].Verdict()
		}
		switch {
		case of.Until <= t:
			return v, false
		case n.Kind == network.KindAll:
			v = horizon.All(v, of)
		case n.Kind == network.KindAny:
			v = horizon.Any(v, of)
		default:
			v = of.Not()
		}
	}
	return v, true
}
