package audience

import (
	"iter"
	"maps"
	"unsafe"

	"github.com/muster-go/muster/profile"
)

// cache has the states of a shard that are in memory, and bounds how much they take: a clock,
// which forgets what was not used since the hand came by last. It is guarded by the lock of
// the shard.
type cache struct {
	states [2]map[string]*state // by Subject, by id
	bound  int                  // in bytes; 0: there is none
	ring   []*state             // all of them, in no order
	hand   int
	bytes  int // of the states, as they were measured last
}

func newCache(bound int) cache {
	return cache{states: [2]map[string]*state{{}, {}}, bound: bound}
}

// cached is how a cache has a state.
type cached struct {
	place   int32 // in the ring
	held    bool  // it is in the ring
	used    bool  // since the hand came by
	size    int32 // as it was measured last
	measure int32 // it is measured anew after being used so many times
}

// get returns the state of the profile kept under ref, or nil.
func (c *cache) get(ref profile.Ref) *state { return c.states[ref.Subject][ref.ID] }

// len returns how many there are.
func (c *cache) len() int { return len(c.ring) }

// all yields all states. The one at hand may be forgotten meanwhile.
func (c *cache) all(of profile.Subject) iter.Seq[*state] { return maps.Values(c.states[of]) }

// keep makes p the state of its profile.
func (c *cache) keep(p *state) {
	if old := c.get(p.ref); old != nil {
		c.forget(old)
	}
	c.states[p.ref.Subject][p.ref.ID] = p
	p.cached = cached{place: int32(len(c.ring)), held: true, used: true}
	c.ring = append(c.ring, p)
}

// forget lets go of a state. What is stored stays, and its timer with it.
func (c *cache) forget(p *state) {
	delete(c.states[p.ref.Subject], p.ref.ID)
	last := c.ring[len(c.ring)-1]
	last.place = p.place
	c.ring[p.place] = last
	c.ring[len(c.ring)-1] = nil
	c.ring = c.ring[:len(c.ring)-1]
	c.bytes -= int(p.size)
	p.size, p.held = 0, false
}

// use notes that a state was used, and measures it from time to time: as often as it may
// have grown by a quarter.
func (c *cache) use(p *state) {
	if c.bound == 0 || !p.held {
		return
	}
	p.used = true
	if p.measure--; p.measure > 0 {
		return
	}
	size := p.memory()
	c.bytes += size - int(p.size)
	p.size, p.measure = int32(size), int32(len(p.cells)/4+1)
}

// evict forgets states until what is left is within the bound, if there is one. None is a
// part of a transaction.
func (c *cache) evict() {
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
		c.forget(p)
	}
}

// memory returns about how much memory a state takes, with its entry in the map.
func (p *state) memory() int {
	n := int(unsafe.Sizeof(*p)) + 2*len(p.ref.ID) + 48 +
		4*cap(p.nodes) + int(unsafe.Sizeof(cell{}))*cap(p.cells) + 8*len(p.kept.marks) +
		int(unsafe.Sizeof(view{}))*cap(p.views) + 16*len(p.counts)
	for i := range p.cells {
		n += 8 * cap(p.cells[i].times)
	}
	for i := range p.writes {
		n += int(unsafe.Sizeof(p.writes[i])) + valueSize(p.writes[i].Value)
	}
	for _, a := range p.aggregates {
		n += int(unsafe.Sizeof(*a)) + valueSize(a.value) + a.State.Size()
	}
	for _, f := range p.funnels {
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
