package profile

import (
	"bytes"
	"fmt"
	"strings"
	"sync"

	"github.com/tidwall/btree"
)

// keyTable keeps the audience and trait keys ever used.
type keyTable struct {
	mu    sync.Mutex // before any shard's
	place map[string]int
	order *btree.Map[int, KeyRecord] // by place: the order of first use
}

func newKeyTable() keyTable {
	return keyTable{place: map[string]int{}, order: btree.NewMap[int, KeyRecord](0)}
}

func isKeyChange(c Change) bool {
	switch c.(type) {
	case *UseKey, *SetKey:
		return true
	}
	return false
}

// check returns the first change of batch that cannot be made, and why.
func (t *keyTable) check(batch []Change) (int, error) {
	fresh := map[string]bool{} // used by this batch
	for i, c := range batch {
		switch c := c.(type) {
		case *UseKey:
			if t.used(c.Record.Key) || fresh[c.Record.Key] {
				return i, fmt.Errorf("%w: %q", ErrRetired, c.Record.Key)
			}
			fresh[c.Record.Key] = true
		case *SetKey:
			if !t.used(c.Record.Key) && !fresh[c.Record.Key] {
				return i, fmt.Errorf("%w: key %q", ErrNotFound, c.Record.Key)
			}
		}
	}
	return 0, nil
}

func (t *keyTable) used(key string) bool {
	_, ok := t.place[key]
	return ok
}

// put sets a record, new or not, and returns what undoes that.
func (t *keyTable) put(r KeyRecord) (undo func()) {
	place, ok := t.place[r.Key]
	if !ok {
		r.Key = strings.Clone(r.Key)
		place = len(t.place)
		t.place[r.Key] = place
	}
	r.Definition = bytes.Clone(r.Definition)
	old, replaced := t.order.Set(place, r)
	if replaced {
		return func() { t.order.Set(place, old) }
	}
	return func() {
		t.order.Delete(place)
		delete(t.place, r.Key)
	}
}

// from returns up to n records, those of place first on. locked says that the caller
// has the lock.
func (t *keyTable) from(first, n int, locked bool) []KeyRecord {
	if !locked {
		t.mu.Lock()
		defer t.mu.Unlock()
	}
	var page []KeyRecord
	t.order.Ascend(first, func(_ int, r KeyRecord) bool {
		r.Definition = bytes.Clone(r.Definition)
		page = append(page, r)
		return len(page) < n
	})
	return page
}
