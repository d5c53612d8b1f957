package aggregate

import (
	"github.com/tidwall/btree"

	"github.com/muster-go/muster/internal/canonical"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// uniqueList is the list of distinct values.
type uniqueList struct {
	unique
	sorted *btree.BTreeG[uint32] // ids, by value

	list  profile.Value // the last answer,
	ready bool          // if it still is one
}

func newUniqueList(windowed bool) *uniqueList {
	u := &uniqueList{unique: unique{windowed: windowed}}
	u.sorted = btree.NewBTreeGOptions(func(a, b uint32) bool {
		return a != b && comparePacked(u.bytes(a), u.bytes(b)) < 0
	}, smallTree)
	return u
}

func (u *uniqueList) add(_, end int64, v profile.Value) {
	if id, fresh := u.put(end, v); fresh {
		u.sorted.Set(id)
		u.ready = false
	}
}

func (u *uniqueList) expire(now int64) {
	for id, ok := u.stale(now); ok; id, ok = u.stale(now) {
		u.sorted.Delete(id)
		u.pop()
		u.ready = false
	}
}

func (u *uniqueList) value() profile.Value {
	if !u.ready {
		u.list, u.ready = u.report(), true
	}
	return u.list
}

func (u *uniqueList) report() profile.Value {
	if u.live == 0 {
		return profile.Value{}
	}
	items := make([]profile.Value, 0, min(u.live, trait.MaxUnique))
	size := 0
	u.sorted.Scan(func(id uint32) bool {
		packed := u.bytes(id)
		if size += len(packed); size > trait.MaxUniqueBytes || len(items) == trait.MaxUnique {
			return false
		}
		items = append(items, canonical.Unpack(packed))
		return true
	})
	return profile.ListValue(items...)
}
