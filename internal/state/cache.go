package state

import (
	"iter"
	"maps"
	"unsafe"

	"github.com/muster-go/muster/profile"
)

// Cache has the states of a shard that are in memory, and bounds how much they take: a clock,
// which forgets what was not used since the hand came by last. It is guarded by the lock of
// the shard.
type Cache struct {
	states [2]map[string]*State // by Subject, by id
	bound  int                  // in bytes; 0: there is none
	ring   []*State             // all of them, in no order
	hand   int
	bytes  int // of the states, as they were measured last
}

// NewCache returns a cache that holds so many bytes of states; 0: any number.
func NewCache(bound int) Cache {
	return Cache{states: [2]map[string]*State{{}, {}}, bound: bound}
}

// cached is how a cache has a state.
type cached struct {
	place   int32 // in the ring
	Held    bool  // it is in the ring
	used    bool  // since the hand came by
	size    int32 // as it was measured last
	measure int32 // it is measured anew after being used so many times
}

// Get returns the state of the profile kept under ref, or nil.
func (c *Cache) Get(ref profile.Ref) *State { return c.states[ref.Subject][ref.ID] }

// Len returns how many there are.
func (c *Cache) Len() int { return len(c.ring) }

// Bytes returns about what they take, if that is bounded.
func (c *Cache) Bytes() int { return c.bytes }

// All yields all states. The one at hand may be forgotten meanwhile.
func (c *Cache) All(of profile.Subject) iter.Seq[*State] { return maps.Values(c.states[of]) }

// Keep makes p the state of its profile.
func (c *Cache) Keep(p *State) {
	if old := c.Get(p.Ref); old != nil {
		c.Forget(old)
	}
	c.states[p.Ref.Subject][p.Ref.ID] = p
	p.cached = cached{place: int32(len(c.ring)), Held: true, used: true}
	c.ring = append(c.ring, p)
}

// Forget lets go of a state. What is stored stays, and its timer with it.
func (c *Cache) Forget(p *State) {
	delete(c.states[p.Ref.Subject], p.Ref.ID)
	last := c.ring[len(c.ring)-1]
	last.place = p.place
	c.ring[p.place] = last
	c.ring[len(c.ring)-1] = nil
	c.ring = c.ring[:len(c.ring)-1]
	c.bytes -= int(p.size)
	p.size, p.Held = 0, false
}

// Use notes that a state was used, and measures it from time to time: as often as it may
// have grown by a quarter.
func (c *Cache) Use(p *State) {
	if c.bound == 0 || !p.Held {
		return
	}
	p.used = true
	if p.measure--; p.measure > 0 {
		return
	}
	size := p.memory()
	c.bytes += size - int(p.size)
	p.size, p.measure = int32(size), int32(len(p.Cells)/4+1)
}

// Evict forgets states until what is left is within the bound, if there is one. None is a
// part of a transaction.
func (c *Cache) Evict() {
	if c.bound == 0 {
		return
	}
	for c.bytes > c.bound && len(c.ring) > 0 {
		if c.hand >= len(c.ring) {
			c.hand = 0
		}
		p := c.ring[c.hand]
		if p.used {
			p.used = false
			c.hand++
			continue
		}
		c.Forget(p)
	}
}

// memory returns about how much memory a state takes, with its entry in the map.
func (p *State) memory() int {
	n := int(unsafe.Sizeof(*p)) + 2*len(p.Ref.ID) + 48 +
		4*cap(p.Nodes) + int(unsafe.Sizeof(Cell{}))*cap(p.Cells) + 8*len(p.Kept.Marks) + 16*len(p.Kept.Counts) +
		int(unsafe.Sizeof(view{}))*cap(p.Views) + 16*len(p.Counts)
	if p.Self != nil {
		n += 64 + valueSize(p.Self.IDs.Value())
	}
	for i := range p.Cells {
		n += 8 * cap(p.Cells[i].Times)
	}
	for i := range p.Writes {
		n += int(unsafe.Sizeof(p.Writes[i])) + valueSize(p.Writes[i].Value)
	}
	for _, a := range p.Aggregates {
		n += int(unsafe.Sizeof(*a)) + valueSize(a.Value)
		if a.State != nil {
			n += a.State.Size()
		}
	}
	for _, f := range p.Funnels {
		n += int(unsafe.Sizeof(*f)) + f.State.Size()
	}
	return n
}

// valueSize returns about what a value takes besides itself.
func valueSize(v profile.Value) int {
	if text, ok := v.Bytes(); ok {
		return len(text)
	}
	n := 0
	for range v.Items() {
		n += 16
	}
	return n
}
