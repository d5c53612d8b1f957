package audience

import (
	"slices"

	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/profile"
)

// keptOf reads what is kept of a profile.
func (x *txn) keptOf(ref profile.Ref) state.Kept {
	if x.e.detached {
		return state.NothingKept
	}
	w, err := x.Store.Wake(x.Ctx, ref)
	if err != nil {
		x.Err = err
	}
	return state.KeptFrom(w)
}

// keep stores what is to be kept of a profile that is a part, if it has changed.
func (x *txn) keep(p *state.State) {
	is := state.Kept{At: p.Wake, Version: p.Kept.Version, Marks: x.marksOf(p)}
	if p.Version > max(is.Version, x.e.floor(p.Ref.Subject)) {
		is.Version = p.Version
	}
	// A timer is moved when it gets earlier, or its time has come: one that is early costs a
	// look at the profile, and to move it with each event costs more.
	if is.At > p.Kept.At && p.Kept.At > x.At {
		is.At = p.Kept.At
	}
	same := slices.Equal(is.Marks, p.Kept.Marks)
	if same && is.At == p.Kept.At && is.Version == p.Kept.Version {
		return
	}
	if is.Marks = p.Kept.Marks; !same {
		is.Marks = slices.Clone(x.marks)
	}
	p.Kept = is
	x.touched[p.Touched-1].now = is.At
	x.retimed = append(x.retimed, p.Touched-1)
	x.wakes = append(x.wakes, profile.SetWake{Wake: is.Wake(p.Ref)})
	x.batch = append(x.batch, &x.wakes[len(x.wakes)-1])
}

// marksOf returns the marks of a profile, until it is called again.
func (x *txn) marksOf(p *state.State) []uint64 {
	net := x.Nets[p.Ref.Subject]
	x.marks = x.marks[:0]
	for _, n := range net.Across {
		if p.Truth(n) != n.Idle {
			x.marks = append(x.marks, n.Mark)
		}
	}
	for _, n := range net.Batches {
		if p.Truth(n) != p.Truth(n.Latched) {
			x.marks = append(x.marks, n.Differing())
		}
	}
	slices.Sort(x.marks)
	return x.marks
}

// outline returns as much of the state of a profile as others ask for: what they know of
// it, its traits, and its computed traits as they are stored. It is not the cache's.
func (x *txn) outline(ref profile.Ref) *state.State {
	p := state.New(ref)
	p.Kept = x.keptOf(ref)
	net := x.Nets[ref.Subject]
	for _, n := range net.Across {
		p.Cell(n).Truth = p.Kept.Truth(n)
	}
	writes, err := x.Store.Traits(x.Ctx, ref)
	if err != nil {
		x.Err = err
	}
	p.SetTraits(writes, net)
	values, err := x.Store.ValuesOf(x.Ctx, ref)
	if err != nil {
		x.Err = err
	}
	for _, v := range values {
		if a := x.e.live[v.Key]; a != nil && a.computed != nil && a.Root != nil {
			p.Aggregates = append(p.Aggregates, &state.ComputedState{Node: a.Root.ID, Value: v.Value})
		}
	}
	slices.SortFunc(p.Aggregates, func(a, b *state.ComputedState) int { return state.CompareAggregate(a, b.Node) })
	return p
}
