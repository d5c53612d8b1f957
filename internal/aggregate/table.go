package aggregate

import (
	"encoding/binary"
	"hash/maphash"
	"math"

	"github.com/muster-go/muster/internal/canonical"
)

// table numbers distinct values: an open-addressed hash table of ids over one
// arena of packed values. A value costs its own bytes and some 10 to 14 more.
// Ids are dense: those of removed values are given out again.
type table struct {
	seed  maphash.Seed
	slots []uint32 // id+1, 0 where free; a power of two of them
	arena []byte   // values, each with its length before it
	start []uint32 // by id: where in arena; of an unused id the next such, plus 1
	free  uint32   // the first unused id, plus 1
	live  int
	waste int // bytes of arena that are of removed values
}

// maxArena is what 32 bits of offset reach.
const maxArena = math.MaxUint32

// find returns the id of a packed value.
func (t *table) find(packed []byte) (id uint32, ok bool) {
	if t.live == 0 {
		return 0, false
	}
	mask := t.mask()
	for i := t.home(packed); t.slots[i] != 0; i = (i + 1) & mask {
		if id := t.slots[i] - 1; string(t.bytes(id)) == string(packed) {
			return id, true
		}
	}
	return 0, false
}

// insert adds a packed value that is not in the table; ok is false where there
// is no more room for it.
func (t *table) insert(packed []byte) (id uint32, ok bool) {
	if len(t.arena)+len(packed)+binary.MaxVarintLen32 > maxArena {
		return 0, false
	}
	if t.slots == nil {
		t.seed = maphash.MakeSeed()
	}
	if t.live >= len(t.slots)*4/5 {
		t.resize(max(8, 2*len(t.slots)))
	}
	at := uint32(len(t.arena))
	t.arena = canonical.AppendSized(t.arena, packed)
	if t.free != 0 {
		id = t.free - 1
		t.free, t.start[id] = t.start[id], at
	} else {
		id = uint32(len(t.start))
		t.start = append(t.start, at)
	}
	t.place(id)
	t.live++
	return id, true
}

// remove takes a value out; its id may come back for another.
func (t *table) remove(id uint32) {
	packed := t.bytes(id)
	mask := t.mask()
	gap := t.home(packed)
	for t.slots[gap] != id+1 {
		gap = (gap + 1) & mask
	}
	for i := (gap + 1) & mask; t.slots[i] != 0; i = (i + 1) & mask {
		// What is in i may move up to the gap unless its home lies between.
		if home := t.home(t.bytes(t.slots[i] - 1)); (i-home)&mask >= (i-gap)&mask {
			t.slots[gap] = t.slots[i]
			gap = i
		}
	}
	t.slots[gap] = 0
	if t.live--; t.live == 0 && len(t.start) > 64 {
		*t = table{} // give the memory back
		return
	}
	t.waste += len(packed)
	t.start[id], t.free = t.free, id+1
	if t.waste > len(t.arena)/2 && t.waste > 1024 {
		t.compact()
	}
}

// compact drops the bytes of removed values.
func (t *table) compact() {
	arena := make([]byte, 0, len(t.arena)-t.waste)
	for _, slot := range t.slots {
		if slot != 0 {
			at := uint32(len(arena))
			arena = canonical.AppendSized(arena, t.bytes(slot-1))
			t.start[slot-1] = at
		}
	}
	t.arena, t.waste = arena, 0
	if len(t.slots) > 64 && t.live < len(t.slots)/8 {
		t.resize(len(t.slots) / 4)
	}
}

// bytes returns the packed value of an id in use. It is not to be changed, and
// holds until the next insert or remove.
func (t *table) bytes(id uint32) []byte {
	packed, _ := canonical.CutSized(t.arena[t.start[id]:])
	return packed
}

func (t *table) resize(n int) {
	old := t.slots
	t.slots = make([]uint32, n)
	for _, slot := range old {
		if slot != 0 {
			t.place(slot - 1)
		}
	}
}

func (t *table) place(id uint32) {
	mask := t.mask()
	i := t.home(t.bytes(id))
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = id + 1
}

func (t *table) mask() uint32 { return uint32(len(t.slots) - 1) }

func (t *table) home(packed []byte) uint32 {
	return uint32(maphash.Bytes(t.seed, packed)) & t.mask()
}
