package aggregate

import (
	"github.com/muster-go/muster/internal/canonical"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// unique is the set of distinct values. It keeps each once, with some 10 to 14
// bytes more, and in a window another 16 or so: of the events that have a value
// only the one that counts longest decides how long the value stays.
type unique struct {
	table
	room []byte // for packing

	// In a window only.
	windowed bool
	longest  []int64  // by id: when the event that counts longest ends
	heap     []uint32 // ids, the one that ends first on top
	pos      []uint32 // by id: where in heap
}

// put counts an event. fresh says that its value is a new one.
func (u *unique) put(end int64, v profile.Value) (id uint32, fresh bool) {
	u.room = canonical.Append(u.room[:0], v)
	id, ok := u.find(u.room)
	if !ok {
		if id, fresh = u.insert(u.room); !fresh {
			return 0, false
		}
	}
	if u.windowed {
		u.see(id, end, fresh)
	}
	return id, fresh
}

// see notes an event of a value.
func (u *unique) see(id uint32, end int64, fresh bool) {
	switch {
	case fresh:
		for int(id) >= len(u.longest) {
			u.longest, u.pos = append(u.longest, 0), append(u.pos, 0)
		}
		u.longest[id] = end
		u.heap = append(u.heap, id)
		u.up(len(u.heap) - 1)
	case end > u.longest[id]:
		u.longest[id] = end
		u.down(int(u.pos[id]))
	}
}

// stale returns the id of a value whose events all end up to now.
func (u *unique) stale(now int64) (id uint32, ok bool) {
	if len(u.heap) == 0 || u.longest[u.heap[0]] > now {
		return 0, false
	}
	return u.heap[0], true
}

// pop drops the value on top of the heap.
func (u *unique) pop() {
	id, end := u.heap[0], len(u.heap)-1
	u.heap[0] = u.heap[end]
	u.heap = u.heap[:end]
	if end > 0 {
		u.down(0)
	}
	if u.remove(id); len(u.start) == 0 {
		u.longest, u.pos, u.heap = nil, nil, nil
	}
}

func (u *unique) ends() int64 {
	if len(u.heap) == 0 {
		return horizon.Never
	}
	return u.longest[u.heap[0]]
}

func (u *unique) up(i int) {
	h, id := u.heap, u.heap[i]
	for i > 0 {
		parent := (i - 1) / 2
		if u.longest[h[parent]] <= u.longest[id] {
			break
		}
		h[i], u.pos[h[parent]] = h[parent], uint32(i)
		i = parent
	}
	h[i], u.pos[id] = id, uint32(i)
}

func (u *unique) down(i int) {
	h, id := u.heap, u.heap[i]
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && u.longest[h[child+1]] < u.longest[h[child]] {
			child++
		}
		if u.longest[id] <= u.longest[h[child]] {
			break
		}
		h[i], u.pos[h[child]] = h[child], uint32(i)
		i = child
	}
	h[i], u.pos[id] = id, uint32(i)
}

// uniqueCount is the number of distinct values.
type uniqueCount struct{ unique }

func (u *uniqueCount) add(_, end int64, v profile.Value) { u.put(end, v) }

func (u *uniqueCount) expire(now int64) {
	for _, ok := u.stale(now); ok; _, ok = u.stale(now) {
		u.pop()
	}
}

func (u *uniqueCount) value() profile.Value {
	if u.live == 0 {
		return profile.Value{}
	}
	return profile.IntValue(int64(u.live))
}
