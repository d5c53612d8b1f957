package aggregate

import (
	"github.com/tidwall/btree"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// first is the value of the oldest event in a window. Of several at one time
// the least counts. It keeps some 24 bytes for each time at which there is an
// event, and each distinct value once.
type first struct {
	values refs
	times  *btree.BTreeG[sighting]
}

// sighting is a value, by its id, at a time.
type sighting struct {
	at int64
	id uint32
}

func (s sighting) time() int64 { return s.at }

func newFirst() *first {
	older := func(a, b sighting) bool { return a.at < b.at }
	return &first{times: btree.NewBTreeGOptions(older, smallTree)}
}

func (f *first) add(at int64, v profile.Value) {
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
	f.times.Set(sighting{at, id})
}

func (f *first) expire(last int64) {
	for x, ok := f.times.Min(); ok && x.at <= last; x, ok = f.times.Min() {
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

func (f *first) oldest() int64 {
	if x, ok := f.times.Min(); ok {
		return x.at
	}
	return horizon.Never
}
