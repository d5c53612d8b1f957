package audience

import "cmp"

// dirt is a node that has to be computed anew for a profile.
type dirt struct {
	n *node
	p *state
}

// dirtHeap is a binary heap by the height of nodes, so that children come before
// parents; equal ones come one after the other.
type dirtHeap []dirt

func compareDirt(a, b dirt) int {
	if c := cmp.Compare(a.n.height, b.n.height); c != 0 {
		return c
	}
	if c := cmp.Compare(a.n.id, b.n.id); c != 0 {
		return c
	}
	if a.p == b.p {
		return 0
	}
	return a.p.ref.Compare(b.p.ref)
}

func (h *dirtHeap) push(d dirt) {
	*h = append(*h, d)
	a := *h
	for i := len(a) - 1; i > 0; {
		up := (i - 1) / 2
		if compareDirt(a[up], a[i]) <= 0 {
			break
		}
		a[up], a[i] = a[i], a[up]
		i = up
	}
}

func (h *dirtHeap) pop() dirt {
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
		if down+1 < len(a) && compareDirt(a[down+1], a[down]) < 0 {
			down++
		}
		if compareDirt(a[i], a[down]) <= 0 {
			return top
		}
		a[i], a[down] = a[down], a[i]
		i = down
	}
}
