package aggregate

import (
	"cmp"
	"slices"
	"sort"

	"github.com/tidwall/btree"

	"github.com/muster-go/muster/internal/canonical"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// Range is the counts for which a condition on a number of distinct values holds.
type Range struct {
	Min, Max int
	Enough   int // more than so many change nothing
}

func (r Range) holds(count int) bool { return r.Min <= count && count <= r.Max }

// distinct counts the values that events have which count.
//
// A value counts as long as any of its events does: it has spans, each from where an event
// begins to count until all stop that began before. How many values count at an instant
// that is not before now is how many spans are to end after it, less how many are to begin.
//
// Of more than Enough values that count now those that stop first change nothing, as there are
// enough until they stop, and are forgotten. An event of such a value makes it a new one, which
// is right from the end of its old span on, and before there are enough.
//
// It takes about 110 bytes and the value for each value that counts, of at most Enough; and 90
// bytes for each span to come, which there are where events begin to count after their time.
type distinct struct {
	of     Range
	values table
	spans  [][]span // by the id of a value: ascending, apart; the first may have begun
	room   []byte   // for packing

	now     *btree.BTreeG[edge] // the ends of the spans that have begun
	begins  *btree.BTreeG[edge] // of those to come
	ends    *btree.BTreeG[edge] // of these
	forever int                 // how many of now have no end
}

// span is when a value counts.
type span struct{ start, end int64 }

// edge is the start or the end of a span of a value.
type edge struct {
	at int64
	id uint32
}

// NewDistinct returns the state of a condition on how many distinct values there are among the
// events in a window, for a profile without events.
func NewDistinct(of Range, window *horizon.Window) *State {
	return &State{window: window, distinct: &distinct{of: of, now: newEdges()}}
}

func newEdges() *btree.BTreeG[edge] {
	before := func(a, b edge) bool { return a.at < b.at || a.at == b.at && a.id < b.id }
	return btree.NewBTreeGOptions(before, smallTree)
}

// Holds answers a condition on the number of distinct values at now, and until when that holds
// if nothing is added: exactly.
func (a *State) Holds(now int64) horizon.Verdict {
	d := a.distinct
	d.advance(now)
	truth := d.of.holds(d.now.Len())
	if d.coming() == 0 {
		return horizon.Verdict{True: truth, Until: d.falls(truth)}
	}
	return horizon.Verdict{True: truth, Until: d.changes(truth)}
}

func (d *distinct) coming() int {
	if d.begins == nil {
		return 0
	}
	return d.begins.Len()
}

// add counts an event of a value from start until end.
func (d *distinct) add(start, end int64, v profile.Value, now int64) {
	d.advance(now)
	if d.forever >= d.of.Enough {
		return // there are enough, whatever comes
	}
	d.room = canonical.Append(d.room[:0], v)
	id, known := d.values.find(d.room)
	if !known {
		if id, known = d.values.insert(d.room); !known {
			return
		}
		if int(id) == len(d.spans) {
			d.spans = append(d.spans, nil)
		}
	}
	// The spans that the new one touches become one with it.
	all, added := d.spans[id], span{start, end}
	i, _ := slices.BinarySearchFunc(all, start, func(s span, start int64) int { return cmp.Compare(s.end, start) })
	j := i
	for ; j < len(all) && all[j].start <= end; j++ {
		d.drop(id, all[j], now)
		added.start, added.end = min(added.start, all[j].start), max(added.end, all[j].end)
	}
	d.spans[id] = slices.Replace(all, i, j, added)
	for added.start <= now && d.now.Len() >= d.of.Enough {
		first, _ := d.now.Min()
		if first.at >= added.end {
			d.forget(id)
			return
		}
		d.end(first)
	}
	d.put(id, added, now)
}

// put notes the edges of a span.
func (d *distinct) put(id uint32, s span, now int64) {
	if s.start <= now {
		d.now.Set(edge{s.end, id})
		if s.end == horizon.Never {
			d.forever++
		}
		return
	}
	if d.begins == nil {
		d.begins, d.ends = newEdges(), newEdges()
	}
	d.begins.Set(edge{s.start, id})
	d.ends.Set(edge{s.end, id})
}

// drop is the opposite of put.
func (d *distinct) drop(id uint32, s span, now int64) {
	if s.start <= now {
		d.now.Delete(edge{s.end, id})
		if s.end == horizon.Never {
			d.forever--
		}
		return
	}
	d.begins.Delete(edge{s.start, id})
	d.ends.Delete(edge{s.end, id})
}

// end takes out the span of a value that counts now.
func (d *distinct) end(e edge) {
	d.now.Delete(e)
	if e.at == horizon.Never {
		d.forever--
	}
	d.forget(e.id)
}

// forget takes out the first span of a value, and the value with the last.
func (d *distinct) forget(id uint32) {
	if rest := d.spans[id][1:]; len(rest) > 0 {
		d.spans[id] = rest
		return
	}
	d.spans[id] = d.spans[id][:0]
	if d.values.remove(id); d.values.live == 0 {
		d.spans = nil
		d.values = table{}
	}
}

// advance ends what ends up to now, and begins what begins.
func (d *distinct) advance(now int64) {
	for d.coming() > 0 {
		begins, _ := d.begins.Min()
		if begins.at > now {
			break
		}
		d.begins.PopMin()
		// What is to come of a value is after what counts of it now: that is over.
		for e, ok := d.now.Min(); ok && e.at <= begins.at; e, ok = d.now.Min() {
			d.end(e)
		}
		s := d.spans[begins.id][0]
		d.ends.Delete(edge{s.end, begins.id})
		d.put(begins.id, s, now)
	}
	if d.coming() == 0 {
		d.begins, d.ends = nil, nil
	}
	for e, ok := d.now.Min(); ok && e.at <= now; e, ok = d.now.Min() {
		d.end(e)
	}
	for d.now.Len() > d.of.Enough {
		first, _ := d.now.Min()
		d.end(first)
	}
}

// falls returns the instant at which the condition changes where nothing is to begin: the count
// only falls.
func (d *distinct) falls(truth bool) int64 {
	n := d.now.Len()
	down := d.of.Min - 1 // the first count at which it changes
	if !truth {
		down = d.of.Max
	}
	if down < 0 || down >= n {
		return horizon.Never
	}
	e, _ := d.now.GetAt(n - down - 1)
	if e.at == horizon.Never {
		return horizon.Never
	}
	over := sort.Search(n, func(i int) bool { at, _ := d.now.GetAt(i); return at.at > e.at }) // ends at one instant are one change
	if d.of.holds(n-over) == truth {
		return horizon.Never // it fell past all counts for which it holds
	}
	return e.at
}

// changes returns the instant at which the condition changes, going from one to the next.
func (d *distinct) changes(truth bool) int64 {
	count := d.now.Len()
	edges := [...]struct {
		of   *btree.BTreeG[edge]
		next int
		adds int
	}{{d.now, 0, -1}, {d.ends, 0, -1}, {d.begins, 0, 1}}
	for {
		at := horizon.Never
		for i := range edges {
			if e, ok := edges[i].of.GetAt(edges[i].next); ok {
				at = min(at, e.at)
			}
		}
		if at == horizon.Never {
			return at
		}
		for i := range edges {
			for e, ok := edges[i].of.GetAt(edges[i].next); ok && e.at == at; e, ok = edges[i].of.GetAt(edges[i].next) {
				count += edges[i].adds
				edges[i].next++
			}
		}
		if d.of.holds(count) != truth {
			return at
		}
	}
}

// empty reports whether no value counts, now or later.
func (d *distinct) empty() bool { return d.values.live == 0 }

func (d *distinct) size() int {
	n := 200 + d.values.size() + cap(d.room) + 24*cap(d.spans) + 16*d.now.Len() + treeSize(d.now) + treeSize(d.begins) + treeSize(d.ends)
	return n + 16*d.coming()
}
