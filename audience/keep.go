package audience

import (
	"cmp"
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
	is.Counts, is.Counted = x.countsOf(p)
	if p.Version > max(is.Version, x.e.floor(p.Ref.Subject)) {
		is.Version = p.Version
	}
	// A timer is moved when it gets earlier, or its time has come: one that is early costs a
	// look at the profile, and to move it with each event costs more.
	if is.At > p.Kept.At && p.Kept.At > x.At {
		is.At = p.Kept.At
	}
	same := slices.Equal(is.Marks, p.Kept.Marks)
	sameCounts := is.Counted == p.Kept.Counted && slices.Equal(is.Counts, p.Kept.Counts)
	if same && sameCounts && is.At == p.Kept.At && is.Version == p.Kept.Version {
		return
	}
	if is.Counts = p.Kept.Counts; !sameCounts {
		is.Counts = slices.Clone(x.counts)
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

// countsFrom is of how many users an account keeps counts. Those of fewer are counted when it is
// read, which costs less than to write with each change of theirs.
const countsFrom = 32

// countsOf returns what is to be kept of an account's users, until it is called again, and as of
// which version: that of before, as long as that says the same.
func (x *txn) countsOf(p *state.State) (counts []profile.UsersCount, version uint32) {
	x.counts = x.counts[:0]
	if x.e.detached || len(x.e.broken) > 0 {
		return nil, 0 // what is broken now may be asked again, and nobody would have kept it up
	}
	born := uint32(1)
	for _, n := range x.Nets[p.Ref.Subject].Quantified {
		if i, ok := p.Find(n.ID); ok && int(p.Cells[i].Limit) >= x.e.countsFrom {
			c := &p.Cells[i]
			x.counts = append(x.counts, profile.UsersCount{Mark: n.Mark, Users: uint32(c.Limit), Meet: uint32(c.Past)})
			born = max(born, n.Born)
		}
	}
	if len(x.counts) == 0 {
		return nil, 0
	}
	slices.SortFunc(x.counts, func(a, b profile.UsersCount) int { return cmp.Compare(a.Mark, b.Mark) })
	if p.Kept.Counted >= born && slices.Equal(x.counts, p.Kept.Counts) {
		return x.counts, p.Kept.Counted
	}
	return x.counts, x.e.version
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
