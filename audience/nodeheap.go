package audience

import "cmp"

// nodeHeap is a binary heap of nodes by height, so that children come before
// parents; equal ones come one after the other.
type nodeHeap []*node

func compareNodes(a, b *node) int {
	if c := cmp.Compare(a.height, b.height); c != 0 {
		return c
	}
	return cmp.Compare(a.id, b.id)
}

func (h *nodeHeap) push(nodes ...*node) {
	for _, n := range nodes {
		*h = append(*h, n)
		a := *h
		for i := len(a) - 1; i > 0; {
			up := (i - 1) / 2
			if compareNodes(a[up], a[i]) <= 0 {
				break
			}
			a[up], a[i] = a[i], a[up]
			i = up
		}
	}
}

func (h *nodeHeap) pop() *node {
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
		if down+1 < len(a) && compareNodes(a[down+1], a[down]) < 0 {
			down++
		}
		if compareNodes(a[i], a[down]) <= 0 {
			return top
		}
		a[i], a[down] = a[down], a[i]
		i = down
	}
}
