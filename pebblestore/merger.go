package pebblestore

import (
	"encoding/binary"
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// mergerName is in the files: a store with other rules of merging has another.
const mergerName = "muster.v1"

// Some rows are not read before they are changed: who commits writes how they change, and
// Pebble puts the changes together when it reads the row, or compacts. So commits of
// different profiles wait for nobody, and the outcome does not depend on their order.
//
//   - a counter: two signed numbers, that are added up
//   - the position: of each of its four numbers the greatest counts
//   - the hashes of a profile's message ids: they come one after the other
var merger = &pebble.Merger{
	Name: mergerName,
	Merge: func(key, value []byte) (pebble.ValueMerger, error) {
		switch {
		case len(key) > 0 && key[0] == spaceCounts:
			c, err := readCounter(value)
			return &c, err
		case len(key) > 0 && key[0] == spacePosition:
			p, err := readPosition(value)
			return &p, err
		case len(key) > 0 && key[0] == spaceOwn:
			return &hashes{newer: append([]byte(nil), value...)}, nil
		}
		return nil, damaged(key, errRow)
	},
}

// counter is a row of spaceCounts.
type counter struct{ n, bytes int64 }

func (c counter) append(b []byte) []byte {
	return binary.AppendVarint(binary.AppendVarint(b, c.n), c.bytes)
}

func readCounter(b []byte) (c counter, err error) {
	n, w := binary.Varint(b)
	if w <= 0 {
		return c, errRow
	}
	bytes, v := binary.Varint(b[w:])
	if v <= 0 || w+v != len(b) {
		return c, errRow
	}
	return counter{n, bytes}, nil
}

// MergeNewer implements pebble.ValueMerger.
func (c *counter) MergeNewer(value []byte) error {
	d, err := readCounter(value)
	c.n, c.bytes = c.n+d.n, c.bytes+d.bytes
	return err
}

// MergeOlder implements pebble.ValueMerger.
func (c *counter) MergeOlder(value []byte) error { return c.MergeNewer(value) }

// Finish implements pebble.ValueMerger.
func (c *counter) Finish(bool) ([]byte, io.Closer, error) { return c.append(nil), nil, nil }

// position is the row of spacePosition.
type position struct {
	seq    uint64 // the last arrival number
	now    int64  // the latest instant of a transaction
	notice uint64 // the id of the last notice
	commit uint64 // the number of the last commit
}

func (p position) append(b []byte) []byte {
	b = appendNano(binary.AppendUvarint(b, p.seq), p.now)
	return binary.AppendUvarint(binary.AppendUvarint(b, p.notice), p.commit)
}

func readPosition(b []byte) (p position, err error) {
	s := scanner{b: b}
	p = position{s.uvarint(), s.instant(), s.uvarint(), s.uvarint()}
	return p, s.end()
}

// MergeNewer implements pebble.ValueMerger.
func (p *position) MergeNewer(value []byte) error {
	q, err := readPosition(value)
	if err != nil {
		return err
	}
	*p = position{max(p.seq, q.seq), max(p.now, q.now), max(p.notice, q.notice), max(p.commit, q.commit)}
	return nil
}

// MergeOlder implements pebble.ValueMerger.
func (p *position) MergeOlder(value []byte) error { return p.MergeNewer(value) }

// Finish implements pebble.ValueMerger.
func (p *position) Finish(bool) ([]byte, io.Closer, error) { return p.append(nil), nil, nil }

// hashes puts the hashes of message ids together: older ones, from the newest to the
// oldest, are turned around at the end, so that none is copied more than once.
type hashes struct {
	older [][]byte
	newer []byte
}

// MergeNewer implements pebble.ValueMerger.
func (h *hashes) MergeNewer(value []byte) error {
	h.newer = append(h.newer, value...)
	return nil
}

// MergeOlder implements pebble.ValueMerger.
func (h *hashes) MergeOlder(value []byte) error {
	h.older = append(h.older, append([]byte(nil), value...))
	return nil
}

// Finish implements pebble.ValueMerger.
func (h *hashes) Finish(bool) ([]byte, io.Closer, error) {
	if len(h.older) == 0 {
		return h.newer, nil, nil
	}
	n := len(h.newer)
	for _, b := range h.older {
		n += len(b)
	}
	all := make([]byte, 0, n)
	for i := len(h.older) - 1; i >= 0; i-- {
		all = append(all, h.older[i]...)
	}
	return append(all, h.newer...), nil, nil
}
