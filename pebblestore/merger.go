package pebblestore

import (
	"encoding/binary"
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// mergerName is in the files: a store with other rules of merging has another.
const mergerName = "muster.v1"

// Some rows are not read before they are changed: who commits writes how they change, and
// Pebble puts the changes together when it reads the row, or compacts.
//
//   - The position: of each of its numbers the greatest counts, and what is counted is
//     added up. So commits of different lanes wait for nobody, and their order makes no
//     difference.
//   - A profile's record: the newest state counts, and the hashes of its message ids come
//     one after the other.
var merger = &pebble.Merger{
	Name: mergerName,
	Merge: func(key, value []byte) (pebble.ValueMerger, error) {
		switch {
		case len(key) > 0 && key[0] == spacePosition:
			t := newTally()
			return t, t.MergeNewer(value)
		case len(key) > 0 && key[0] == spaceOwn:
			r := &recordMerge{}
			return r, r.MergeNewer(value)
		}
		return nil, damaged(key, errRow)
	},
}

// recordMerge puts the changes of a record together. Older hashes, from the newest to the
// oldest, are turned around at the end, so that none is copied more than once.
type recordMerge struct {
	state []byte // nil: none came
	older [][]byte
	newer []byte
}

// appendRecord appends a row of ownRecord, or a change of one: a state, if it is not nil,
// and hashes.
func appendRecord(b []byte, state, hashes []byte) []byte {
	if state == nil {
		return append(append(b, 0), hashes...)
	}
	b = binary.AppendUvarint(b, uint64(len(state))+1)
	return append(append(b, state...), hashes...)
}

// splitRecord is the opposite of appendRecord.
func splitRecord(b []byte) (state, hashes []byte, err error) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w)+1 {
		return nil, nil, errRow
	}
	b = b[w:]
	if n > 0 {
		state, b = b[:n-1:n-1], b[n-1:]
	}
	if len(b)%hashSize != 0 {
		return nil, nil, errRow
	}
	return state, b, nil
}

// MergeNewer implements pebble.ValueMerger.
func (r *recordMerge) MergeNewer(value []byte) error {
	state, hashes, err := splitRecord(value)
	if state != nil {
		r.state = append(make([]byte, 0, len(state)), state...)
	}
	r.newer = append(r.newer, hashes...)
	return err
}

// MergeOlder implements pebble.ValueMerger.
func (r *recordMerge) MergeOlder(value []byte) error {
	state, hashes, err := splitRecord(value)
	if state != nil && r.state == nil {
		r.state = append(make([]byte, 0, len(state)), state...)
	}
	if len(hashes) > 0 {
		r.older = append(r.older, append([]byte(nil), hashes...))
	}
	return err
}

// Finish implements pebble.ValueMerger.
func (r *recordMerge) Finish(bool) ([]byte, io.Closer, error) {
	n := len(r.state) + len(r.newer) + binary.MaxVarintLen64
	for _, b := range r.older {
		n += len(b)
	}
	all := appendRecord(make([]byte, 0, n), r.state, nil)
	for i := len(r.older) - 1; i >= 0; i-- {
		all = append(all, r.older[i]...)
	}
	return append(all, r.newer...), nil, nil
}
