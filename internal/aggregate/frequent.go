package aggregate

import (
	"github.com/tidwall/btree"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// frequent is the value that most events have, of those that at least enough
// of them have. Of several the first in sort order counts. It keeps each
// distinct value once with some 20 bytes more; in a window, another 8 or so and
// 16 for each event.
type frequent struct {
	enough uint32
	values refs

	best uint32 // of all time: the id of the answer

	// In a window only, otherwise nil.
	ranks *btree.BTreeG[uint32] // ids, the most frequent first
	times queue[ending]
}

func newFrequent(enough int, windowed bool) *frequent {
	f := &frequent{enough: uint32(enough)}
	if windowed {
		f.ranks = btree.NewBTreeGOptions(f.before, smallTree)
	}
	return f
}

// before reports whether value a is ranked before b.
func (f *frequent) before(a, b uint32) bool {
	if x, y := f.values.counts[a], f.values.counts[b]; x != y {
		return x > y
	}
	return a != b && comparePacked(f.values.bytes(a), f.values.bytes(b)) < 0
}

func (f *frequent) add(_, end int64, v profile.Value) {
	id, ok := f.values.hold(v)
	if !ok {
		return
	}
	if f.ranks == nil {
		if f.before(id, f.best) {
			f.best = id
		}
		return
	}
	f.times.push(ending{end, id})
	// The tree is ordered by what is about to change: out with the old count.
	f.values.counts[id]--
	if f.values.counts[id] > 0 {
		f.ranks.Delete(id)
	}
	f.values.counts[id]++
	f.ranks.Set(id)
}

func (f *frequent) expire(now int64) {
	for x, ok := f.times.peek(); ok && x.end <= now; x, ok = f.times.peek() {
		f.times.pop()
		f.ranks.Delete(x.id)
		if f.values.drop(x.id) {
			f.ranks.Set(x.id)
		}
	}
}

func (f *frequent) value() profile.Value {
	if id, ok := f.top(); ok {
		return f.values.value(id)
	}
	return profile.Value{}
}

// top returns the id of the answer, if there is one.
func (f *frequent) top() (id uint32, ok bool) {
	if f.values.live == 0 {
		return 0, false
	}
	id = f.best
	if f.ranks != nil {
		id, _ = f.ranks.Min()
	}
	return id, f.values.counts[id] >= f.enough
}

func (f *frequent) ends() int64 {
	if _, ok := f.top(); !ok {
		return horizon.Never // with fewer events no value will have enough
	}
	if x, ok := f.times.peek(); ok {
		return x.end
	}
	return horizon.Never
}

// ending is a value, by its id, that an event stops to have.
type ending struct {
	end int64
	id  uint32
}

func (e ending) time() int64 { return e.end }
