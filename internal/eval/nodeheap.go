package eval

import (
	"cmp"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/state"
)

// entry is a node that has to be computed anew for a profile.
type entry struct {
	n *network.Node
	p *state.State
}

// heap is a binary heap by the height of nodes, so that children come before
// parents; equal ones come one after the other.
type heap []entry

func compareEntries(a, b entry) int {
	if c := cmp.Compare(a.n.Height, b.n.Height); c != 0 {
		return c
	}
	if c := cmp.Compare(a.n.ID, b.n.ID); c != 0 {
		return c
	}
	if a.p == b.p {
		return 0
	}
	return a.p.Ref.Compare(b.p.Ref)
}

func (h *heap) push(d entry) {
	*h = append(*h, d)
	a := *h
	for i := len(a) - 1; i > 0; {
		up := (i - 1) / 2
		if compareEntries(a[up], a[i]) <= 0 {
			break
		}
		a[up], a[i] = a[i], a[up]
		i = up
	}
}

func (h *heap) pop() entry {
	a := *h
	top, last := a[0], len(a)-1
	a[0] = a[last]
	a = a[:last]
	*h = a
	for i := 0; ; {
		down := 2*i + 1
		if down >= len(a) {
			return top
		}
		if down+1 < len(a) && compareEntries(a[down+1], a[down]) < 0 {
			down++
		}
		if compareEntries(a[i], a[down]) <= 0 {
			return top
		}
		a[i], a[down] = a[down], a[i]
		i = down
	}
}
