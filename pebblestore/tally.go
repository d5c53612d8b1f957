package pebblestore

import (
	"encoding/binary"
	"io"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// tally is where a store is and what is counted in it: the row of spacePosition. That of a
// change says what there is more.
type tally struct {
	seq    uint64 // the last arrival number
	now    int64  // the latest instant of a transaction
	notice uint64 // the id of the last notice
	commit uint64 // the number of the last commit

	profiles [2]int64 // by subject
	notices  int64    // that are kept
	bytes    int64    // of their bodies
	members  map[uint32]int64
}

func newTally() *tally { return &tally{now: never, members: map[uint32]int64{}} }

func (t *tally) append(b []byte) []byte {
	b = appendNano(binary.AppendUvarint(b, t.seq), t.now)
	b = binary.AppendUvarint(binary.AppendUvarint(b, t.notice), t.commit)
	for _, n := range [...]int64{t.profiles[0], t.profiles[1], t.notices, t.bytes} {
		b = binary.AppendVarint(b, n)
	}
	for number, n := range t.members {
		if n != 0 {
			b = binary.AppendVarint(binary.AppendUvarint(b, uint64(number)), n)
		}
	}
	return b
}

// add adds a row to the tally.
func (t *tally) add(b []byte) error {
	s := scanner{b: b}
	seq, now, notice, commit := s.uvarint(), s.instant(), s.uvarint(), s.uvarint()
	for _, n := range [...]*int64{&t.profiles[0], &t.profiles[1], &t.notices, &t.bytes} {
		*n += s.varint()
	}
	for len(s.b) > 0 {
		number := s.number()
		if n := t.members[number] + s.varint(); n == 0 {
			delete(t.members, number)
		} else {
			t.members[number] = n
		}
	}
	t.seq, t.now, t.notice, t.commit = max(t.seq, seq), max(t.now, now), max(t.notice, notice), max(t.commit, commit)
	return s.end()
}

func (s *scanner) varint() int64 {
	n, w := binary.Varint(s.b)
	if w <= 0 {
		s.fail()
		return 0
	}
	s.b = s.b[w:]
	return n
}

// plus adds what a transaction changes.
func (t *tally) plus(more *tally) {
	t.seq, t.now, t.notice, t.commit = max(t.seq, more.seq), max(t.now, more.now), max(t.notice, more.notice), max(t.commit, more.commit)
	for s, n := range more.profiles {
		t.profiles[s] += n
	}
	t.notices += more.notices
	t.bytes += more.bytes
	for number, n := range more.members {
		if n += t.members[number]; n == 0 {
			delete(t.members, number)
		} else {
			t.members[number] = n
		}
	}
}

func (t *tally) clone() *tally {
	c := *t
	c.members = maps.Clone(t.members)
	return &c
}

func (t *tally) equal(u *tally) bool {
	return t.seq == u.seq && t.now == u.now && t.notice == u.notice && t.commit == u.commit && t.profiles == u.profiles &&
		t.notices == u.notices && t.bytes == u.bytes && maps.Equal(t.members, u.members)
}

func readTally(r pebble.Reader) (*tally, error) {
	t := newTally()
	value, err := row(r, positionKey)
	if value == nil || err != nil {
		return t, err
	}
	if err := t.add(value); err != nil {
		return t, damaged(positionKey, err)
	}
	return t, nil
}

// MergeNewer implements pebble.ValueMerger.
func (t *tally) MergeNewer(value []byte) error { return t.add(value) }

// MergeOlder implements pebble.ValueMerger.
func (t *tally) MergeOlder(value []byte) error { return t.add(value) }

// Finish implements pebble.ValueMerger.
func (t *tally) Finish(bool) ([]byte, io.Closer, error) { return slices.Clip(t.append(nil)), nil, nil }
