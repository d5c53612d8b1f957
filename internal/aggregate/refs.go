package aggregate

import (
	"github.com/muster-go/muster/internal/canonical"
	"github.com/muster-go/muster/profile"
)

// refs is a table of values with the number of times that each is held.
type refs struct {
	table
	counts []uint32 // by id
	room   []byte   // for packing
}

// hold returns the id of v, held once more; ok is false where there is no room.
func (r *refs) hold(v profile.Value) (id uint32, ok bool) {
	r.room = canonical.Append(r.room[:0], v)
	if id, ok = r.find(r.room); !ok {
		if id, ok = r.insert(r.room); !ok {
			return 0, false
		}
		for int(id) >= len(r.counts) {
			r.counts = append(r.counts, 0)
		}
	}
	r.counts[id]++
	return id, true
}

// drop undoes one hold, and reports whether the value is held still.
func (r *refs) drop(id uint32) bool {
	r.counts[id]--
	if r.counts[id] > 0 {
		return true
	}
	r.remove(id)
	if len(r.start) == 0 {
		r.counts = nil
	}
	return false
}

func (r *refs) value(id uint32) profile.Value { return canonical.Unpack(r.bytes(id)) }
