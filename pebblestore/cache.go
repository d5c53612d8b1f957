package pebblestore

import (
	"sync/atomic"

	"github.com/muster-go/muster/profile"
)

// cache keeps records of a lane. The lane's lock is held by who uses it. When they take
// more than their share of Options.CacheBytes those go that were not used since the clock's
// hand came by last.
type cache struct {
	byRef map[profile.Ref]*cached
	clock []*cached
	hand  int
	bytes int
	most  int

	figures *laneFigures
}

// laneFigures are what Metrics says of a lane, without its lock.
type laneFigures struct{ bytes, profiles atomic.Int64 }

type cached struct {
	record
	bytes int
	used  bool
	at    int // in the clock
}

// find returns the record of an id, nil if it is not kept.
func (c *cache) find(ref profile.Ref) *cached {
	e := c.byRef[ref]
	if e != nil {
		e.used = true
	}
	return e
}

// put keeps a record, in place of an older one of the id.
func (c *cache) put(rec *record) {
	e := c.byRef[rec.ref]
	if e == nil {
		e = &cached{at: len(c.clock)}
		c.byRef[rec.ref] = e
		c.clock = append(c.clock, e)
	}
	e.record, e.used = *rec, true
	size := rec.size()
	c.bytes += size - e.bytes
	e.bytes = size
	for c.bytes > c.most && len(c.clock) > 0 {
		c.evict()
	}
	c.count()
}

// drop forgets a record.
func (c *cache) drop(ref profile.Ref) {
	if e := c.byRef[ref]; e != nil {
		c.remove(e)
		c.count()
	}
}

func (c *cache) count() {
	c.figures.bytes.Store(int64(c.bytes))
	c.figures.profiles.Store(int64(len(c.clock)))
}

func (c *cache) evict() {
	for {
		if c.hand >= len(c.clock) {
			c.hand = 0
		}
		e := c.clock[c.hand]
		if !e.used {
			c.remove(e)
			return
		}
		e.used = false
		c.hand++
	}
}

func (c *cache) remove(e *cached) {
	last := c.clock[len(c.clock)-1]
	c.clock[e.at], last.at = last, e.at
	c.clock[len(c.clock)-1] = nil
	c.clock = c.clock[:len(c.clock)-1]
	c.bytes -= e.bytes
	delete(c.byRef, e.ref)
}
