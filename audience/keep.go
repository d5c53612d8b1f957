package audience

import (
	"slices"

	"github.com/muster-go/muster/profile"
)

// keptOf reads what is kept of a profile.
func (x *txn) keptOf(ref profile.Ref) kept {
	if x.e.detached {
		return nothingKept
	}
	w, err := x.store.Wake(x.ctx, ref)
	if err != nil {
		x.err = err
	}
	return keptFrom(w)
}

// keep stores what is to be kept of a profile that is a part, if it has changed.
func (x *txn) keep(p *state) {
	is := kept{p.wake, p.kept.version, x.marksOf(p)}
	if p.version > max(is.version, x.e.floor(p.ref.Subject)) {
		is.version = p.version
	}
	same := slices.Equal(is.marks, p.kept.marks)
	if same && is.at == p.kept.at && is.version == p.kept.version {
		return
	}
	if is.marks = p.kept.marks; !same {
		is.marks = slices.Clone(x.marks)
	}
	p.kept = is
	x.touched[p.touched-1].now = is.at
	x.wakes = append(x.wakes, profile.SetWake{Wake: is.wake(p.ref)})
	x.batch = append(x.batch, &x.wakes[len(x.wakes)-1])
}

// marksOf returns the marks of a profile, until it is called again.
func (x *txn) marksOf(p *state) []uint64 {
	net := x.nets[p.ref.Subject]
	x.marks = x.marks[:0]
	for _, n := range net.across {
		if p.truth(n) != n.idle {
			x.marks = append(x.marks, n.mark)
		}
	}
	for _, n := range net.batches {
		if p.truth(n) != p.truth(n.latched) {
			x.marks = append(x.marks, n.differing())
		}
	}
	slices.Sort(x.marks)
	return x.marks
}

// outline returns as much of the state of a profile as others ask for: what they know of
// it, its traits, and its computed traits as they are stored. It is not the cache's.
func (x *txn) outline(ref profile.Ref) *state {
	p := newState(ref)
	p.kept = x.keptOf(ref)
	net := x.nets[ref.Subject]
	for _, n := range net.across {
		p.cell(n).truth = p.kept.truth(n)
	}
	writes, err := x.store.Traits(x.ctx, ref)
	if err != nil {
		x.err = err
	}
	p.setTraits(writes, net)
	values, err := x.store.ValuesOf(x.ctx, ref)
	if err != nil {
		x.err = err
	}
	for _, v := range values {
		if a := x.e.live[v.Key]; a != nil && a.computed != nil && a.root != nil {
			p.aggregates = append(p.aggregates, &computedState{node: a.root.id, value: v.Value})
		}
	}
	slices.SortFunc(p.aggregates, func(a, b *computedState) int { return compareAggregate(a, b.node) })
	return p
}
