package aggregate

import (
	"github.com/tidwall/btree"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// first is the value of the oldest event in a window. Of several at one time
// the least counts. An event that does not count longer than an older one is never the
// oldest; of the others it keeps some 32 bytes for each time at which there is one, and each
// distinct value once.
type first struct {
	values refs
	times  *btree.BTreeG[sighting]
}

// sighting is a value, by its id, of an event.
type sighting struct {
	at, end int64
	id      uint32
}

func newFirst() *first {
	older := func(a, b sighting) bool { return a.at < b.at }
	return &first{times: btree.NewBTreeGOptions(older, smallTree)}
}

func (f *first) add(at, end int64, v profile.Value) {
	id, ok := f.values.hold(v)
	if !ok {
		return
	}
	old, found := f.times.Get(sighting{at: at})
	if found {
		if comparePacked(f.values.bytes(old.id), f.values.bytes(id)) <= 0 {
			f.values.drop(id)
			return
		}
		f.values.drop(old.id)
	}
	x := sighting{at, end, id}
	if f.outlasted(x) {
		f.values.drop(id)
		return
	}
	for y, ok := f.after(x); ok && y.end <= end; y, ok = f.after(x) {
		f.times.Delete(y)
		f.values.drop(y.id)
	}
	f.times.Set(x)
}

// outlasted reports whether an older event counts as long as x.
func (f *first) outlasted(x sighting) (is bool) {
	f.times.Descend(sighting{at: x.at - 1}, func(older sighting) bool {
		is = older.end >= x.end
		return false
	})
	return is
}

// after returns the first event after x.
func (f *first) after(x sighting) (y sighting, ok bool) {
	f.times.Ascend(sighting{at: x.at + 1}, func(newer sighting) bool {
		y, ok = newer, true
		return false
	})
	return y, ok
}

func (f *first) expire(now int64) {
	for x, ok := f.times.Min(); ok && x.end <= now; x, ok = f.times.Min() {
		f.times.PopMin()
		f.values.drop(x.id)
	}
}

func (f *first) value() profile.Value {
	if x, ok := f.times.Min(); ok {
		return f.values.value(x.id)
	}
	return profile.Value{}
}

func (f *first) ends() int64 {
	if x, ok := f.times.Min(); ok {
		return x.end
	}
	return horizon.Never
}
