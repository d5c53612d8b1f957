package sequence

import (
	"math"

	"github.com/muster-go/muster/internal/horizon"
)

// begins returns when an entry that is coming or waits is due.
func (c *chains) begins(e entry) int64 {
	if e.list() == waiting {
		return c.m.begins(c.m.steps[e.step()].position, e.at)
	}
	return e.at
}

// insert adds an entry; false if there is one of its time in its list.
func (c *chains) insert(e entry) bool {
	begins := c.begins(e)
	c.until = min(c.until, c.m.over(e.at))
	if e.list() <= waiting {
		c.until = min(c.until, begins)
	}
	if c.many != nil && c.m.window.Ends() && c.many.len >= c.many.limit {
		c.until = math.MinInt64 // there may be much to drop
	}
	return c.entries.insert(e, begins)
}

func (c *chains) advance(now int64) {
	if now < c.until {
		return
	}
	for e, at := c.due(); at <= now; e, at = c.due() {
		c.remove(e)
		if e.list() == coming {
			c.arrive(e.key(), e.step(), e.instance, now)
		} else {
			c.begin(e.key(), c.m.steps[e.step()].position, e.instance)
		}
		c.finish()
	}
	if c.m.window.Ends() {
		c.expire(c.m.window.Over(now))
		if !c.m.window.Ordered() {
			c.lapse(now)
		}
	}
	c.until = min(c.next(), c.firstOver())
}

// due returns what is due first, and when.
func (c *chains) due() (first entry, at int64) {
	at = horizon.Never
	if c.many == nil {
		for _, e := range c.few {
			if e.list() <= waiting {
				if begins := c.begins(e); begins < at {
					first, at = e, begins
				}
			}
		}
		return first, at
	}
	for l := coming; l <= waiting; l++ {
		if e, begins := c.soonest(l); begins < at {
			first, at = e, begins
		}
	}
	return first, at
}

// soonest returns what is due first of a list of many, and when.
func (c *chains) soonest(l list) (entry, int64) {
	a := &c.many.due[l]
	for len(*a) > 0 {
		if e, ok := c.get((*a)[0].what); ok {
			return e, a.next()
		}
		a.pop()
	}
	return entry{}, horizon.Never
}

func (c *chains) next() int64 {
	_, at := c.due()
	return at
}

func (c *chains) nextComing() int64 {
	if c.many != nil {
		_, at := c.soonest(coming)
		return at
	}
	at := horizon.Never
	for i := range c.few {
		if c.few[i].list() == coming {
			at = min(at, c.few[i].at)
		}
	}
	return at
}

func (c *chains) empty() bool { return len(c.few) == 0 && c.many == nil }

// finish keeps of a permanent plan that has a choice nothing else.
func (c *chains) finish() {
	if !c.m.permanent {
		return
	}
	if w, ok := c.best(); ok {
		c.entries = entries{few: c.chosen(w.key)}
	}
}

// done reports whether finish has found a choice: that ends with a last step
// that is reached, which nothing else does.
func (c *chains) done() bool {
	return c.m.permanent && c.many == nil && len(c.few) > 0 && c.ends(c.few, len(c.few)-1)
}

// index makes many of few.
func (c *chains) index() {
	few := c.few
	c.few, c.many = nil, &many{newest: math.MinInt64, limit: 2 * max(len(few), fewEntries)}
	c.many.sorted = sorted[entry]{chunks: [][]entry{few}, len: len(few)}
	for i, e := range few {
		c.many.note(e, c.begins(e))
		if c.ends(few, i) {
			c.settle(e.key(), 0, false)
		}
	}
}
