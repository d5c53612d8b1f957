package sequence

import (
	"math"

	"github.com/muster-go/muster/internal/horizon"
)

// Of the window of a funnel it is enough to look at two events. The first one leaves it
// first, and the last one is the last to count. That is not so where the window is of
// calendar months, as a later event may stop to count before an earlier one: there each
// event is looked at.

// begins returns when an event counts for a step to follow: it is not known before whether
// what is not to follow it does, nor is it in the window.
func (m *Matcher) begins(pos int, at int64) int64 {
	begins := at + m.follow[pos].delay
	if m.delayed(pos) {
		begins = max(begins, m.window.Start(at))
	}
	return begins
}

// delayed reports whether an event of a position is looked at for when it begins to count.
func (m *Matcher) delayed(pos int) bool {
	return m.window.Delays() && (pos == len(m.follow)-1 || !m.window.Ordered())
}

// over returns when an event of a time leaves the window.
func (m *Matcher) over(at int64) int64 {
	switch {
	case at == horizon.Never || !m.window.Ends():
		return horizon.Never
	case at == math.MinInt64:
		return at
	}
	return m.window.End(at)
}

// takes reports whether an event of a time may be of a step, now or later. What is not to
// follow may come when the window has ended.
func (m *Matcher) takes(step int, at, now int64) bool {
	if m.steps[step].Not {
		return m.window.Ordered() && m.over(at) > now || !m.window.Ordered() && at > m.window.Over(now)
	}
	start, end := m.window.Span(at)
	return start < end && now < end
}

// lapse takes out what has left a window in which later events may end first.
func (c *chains) lapse(now int64) {
	for i := 0; i < len(c.few); {
		e := c.few[i]
		s := &c.m.steps[e.step()]
		switch {
		case s.Not || c.m.over(e.at) > now:
			i++
			continue
		case e.list() == reached:
			c.undo(e.key(), s.position, e.instance)
		default:
			c.remove(e)
		}
		i = 0
	}
}

// firstOver returns when the first of the entries leaves the window.
func (c *chains) firstOver() int64 {
	if c.m.window.Ordered() {
		return c.m.over(c.oldest())
	}
	at := horizon.Never
	for i := range c.few {
		at = min(at, c.m.over(c.few[i].at))
	}
	return at
}

// lapse has pools searched again of whose choice an event has left a window in which later
// events may end first.
func (s *search) lapse(now int64) {
	for k, p := range s.pools {
		for _, c := range p.choice {
			if s.m.over(c.at) <= now {
				p.recheck = true
				s.touch(k, p)
				break
			}
		}
	}
}
