package replica

import "slices"

// backlog is what a machine has caused and is in no chunk yet.
type backlog struct {
	last    *Chunk // the one that was cut last, whose entries are dropped; nil: there is none
	output  Digest // of all entries that are in chunks
	applied []applied
	cutOff  int // entries of the first that are in chunks

	entries int // that wait
	bytes   int
	heed    bool // something else waits that is to be known soon: a dead letter
}

// add takes what a record has caused, but for its first entries, which are in chunks.
func (b *backlog) add(a applied, cutOff int) {
	if len(b.applied) == 0 {
		b.cutOff = cutOff
	}
	b.applied = append(b.applied, a)
	b.entries += len(a.entries) - cutOff
	for _, e := range a.entries[cutOff:] {
		b.bytes += len(e)
	}
	b.heed = b.heed || a.refused != nil
}

// empty reports whether all that was done is in chunks.
func (b *backlog) empty() bool { return len(b.applied) == 0 }

// cut takes out the next chunk: records that fit, or where the first does not fit the part
// of it that does. Nil: nothing waits.
func (b *backlog) cut(partition int, epoch uint64, entries, bytes int) *Chunk {
	if b.empty() {
		return nil
	}
	c := &Chunk{Partition: partition, Epoch: epoch, First: b.last.Last() + 1}
	if b.last != nil {
		c.From, c.To, c.Told, c.Input, c.Passed = b.last.To, b.last.To, b.last.Told, b.last.Input, slices.Clip(b.last.Passed)
	}
	size, whole := 0, 0
	for i := range b.applied {
		a := &b.applied[i]
		waits := a.entries[b.cutOff:]
		fit := 0
		for fit < len(waits) && c.Count+fit < entries && (size+len(waits[fit]) <= bytes || c.Count+fit == 0) {
			size += len(waits[fit])
			fit++
		}
		if fit < len(waits) && i > 0 {
			break // it begins the next one
		}
		c.Entries = append(c.Entries, waits[:fit]...)
		c.Count += fit
		if fit < len(waits) {
			b.cutOff += fit
			break
		}
		b.cutOff = 0
		c.To, c.Told, c.Input = a.Record, a.Number, a.Input
		if a.refused != nil {
			c.Refused = append(c.Refused, *a.refused)
		}
		if a.passed {
			c.Passed = append(c.Passed, a.Record)
		}
		whole++
	}
	b.take(c, whole)
	return c
}

// take takes a chunk out of what waits, with as many whole records.
func (b *backlog) take(c *Chunk, whole int) {
	b.applied = slices.Delete(b.applied, 0, whole)
	b.entries -= c.Count
	for _, e := range c.Entries {
		b.bytes -= len(e)
		b.output = b.output.ofEntry(e)
	}
	c.Output = b.output
	b.heed = slices.ContainsFunc(b.applied, func(a applied) bool { return a.refused != nil })
	head := *c
	head.Entries = nil
	b.last = &head
}
