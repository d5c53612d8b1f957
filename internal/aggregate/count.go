package aggregate

import (
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// count is the number of events. In a window it keeps 8 bytes an event, and
// otherwise nothing.
type count struct {
	n        int64
	windowed bool
	times    queue[instant]
}

type instant int64

func (i instant) time() int64 { return int64(i) }

func (c *count) add(_, end int64, _ profile.Value) {
	c.n++
	if c.windowed {
		c.times.push(instant(end))
	}
}

func (c *count) expire(now int64) {
	for end, ok := c.times.peek(); ok && int64(end) <= now; end, ok = c.times.peek() {
		c.times.pop()
		c.n--
	}
}

func (c *count) value() profile.Value {
	if c.n == 0 {
		return profile.Value{}
	}
	return profile.IntValue(c.n)
}

func (c *count) ends() int64 {
	if end, ok := c.times.peek(); ok {
		return int64(end)
	}
	return horizon.Never
}
