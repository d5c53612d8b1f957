package profile

import (
	"encoding/binary"
	"slices"
)

// chunkSize is where a chunk is full, in bytes: small enough to rewrite for a
// late event, large enough that its header is nothing.
const chunkSize = 1 << 10

// chunk is a run of packed events in the order of (time, seq):
//
//	uvarint  time since the event before, in ns; of the first, since MinTime
//	varint   seq minus that of the event before; of the first, seq
//	uvarint  length of the body
//	body     see appendBody
//
// Bytes once written are never changed, only appended to, so a copy of the
// header is a snapshot of the events.
type chunk struct {
	data []byte
	time int64 // of the last event
	seq  uint64
}

var minNano = MinTime.UnixNano()

// add appends an event that is not before the last one.
func (c *chunk) add(time int64, seq uint64, body []byte) {
	last := c.time
	if len(c.data) == 0 {
		last, c.seq = minNano, 0
	}
	var head [3 * binary.MaxVarintLen64]byte
	h := binary.AppendUvarint(head[:0], uint64(time)-uint64(last))
	h = binary.AppendVarint(h, int64(seq-c.seq))
	h = binary.AppendUvarint(h, uint64(len(body)))
	c.reserve(len(h) + len(body))
	c.data = append(append(c.data, h...), body...)
	c.time, c.seq = time, seq
}

// reserve makes room for n more bytes. It grows by little: append would double,
// and half of the memory would be air.
func (c *chunk) reserve(n int) {
	need := len(c.data) + n
	if need <= cap(c.data) {
		return
	}
	room := need + len(c.data)/4
	if need <= chunkSize {
		room = min(room, chunkSize)
	}
	c.data = append(slices.Grow([]byte(nil), room), c.data...)
}

// first returns the time of the first event.
func (c *chunk) first() int64 {
	e := c.events()
	e.next()
	return e.time
}

// cursor walks the events of a chunk.
type cursor struct {
	rest []byte
	time int64
	seq  uint64
	body []byte
}

func (c *chunk) events() cursor { return cursor{rest: c.data, time: minNano} }

// next moves to the next event, and reports whether there is one.
func (c *cursor) next() bool {
	if len(c.rest) == 0 {
		return false
	}
	dt, n := binary.Uvarint(c.rest)
	ds, m := binary.Varint(c.rest[n:])
	size, w := uvarint(c.rest[n+m:])
	start := n + m + w
	c.time += int64(dt)
	c.seq += uint64(ds)
	c.body = c.rest[start : start+size : start+size]
	c.rest = c.rest[start+size:]
	return true
}

// chunks is a run of chunks under construction, in order.
type chunks struct {
	list  []chunk
	limit int // a chunk is full at so many bytes
}

func (b *chunks) add(time int64, seq uint64, body []byte) {
	n := len(b.list)
	if n == 0 || len(b.list[n-1].data)+len(body) > b.limit {
		b.list = append(b.list, chunk{})
		n++
	}
	b.list[n-1].add(time, seq, body)
}
