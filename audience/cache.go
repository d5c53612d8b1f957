package audience

import (
	"unsafe"

	"github.com/muster-go/muster/profile"
)

// cache bounds the states of a shard, if Options.CacheBytes does: a clock, which forgets
// what was not used since the hand came by last.
type cache struct {
	ring  []*state // in no order
	hand  int
	bytes int // of the states, as they were measured last
}

// cached is how a cache has a state.
type cached struct {
	place   int32 // in the ring
	held    bool  // it is in the ring
	used    bool  // since the hand came by
	size    int32 // as it was measured last
	measure int32 // it is measured anew after being used so many times
}

func (c *cache) add(p *state) {
	p.cached = cached{place: int32(len(c.ring)), held: true, used: true}
	c.ring = append(c.ring, p)
}

func (c *cache) remove(p *state) {
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
	p.used = true
	if p.measure--; p.measure > 0 {
		return
	}
	size := p.memory()
	c.bytes += size - int(p.size)
	p.size, p.measure = int32(size), int32(len(p.cells)/4+1)
}

// evict forgets states until what is left is within the bound. None is a part of a run.
// The shard is locked.
func (sh *shard) evict() {
	if sh.e.cache == 0 {
		return
	}
	c := &sh.cache
	for c.bytes > sh.e.cache && len(c.ring) > 0 {
		if c.hand >= len(c.ring) {
			c.hand = 0
		}
		p := c.ring[c.hand]
		if p.used {
			p.used = false
			c.hand++
			continue
		}
		sh.forget(p)
	}
}

// evict is that of all shards whose locks a transaction has.
func (x *txn) evict() {
	for _, sh := range x.e.shards {
		if x.holdsAll() || sh == x.home || x.few&sh.self != 0 {
			sh.evict()
		}
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
