package pebblestore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"time"

	"github.com/muster-go/muster/profile"
)

const (
	keyPending = 1
	keyDefined = 2
)

func appendKeyRecord(b []byte, r *profile.KeyRecord) []byte {
	flags := byte(0)
	if r.Pending {
		flags |= keyPending
	}
	if r.Definition != nil {
		flags |= keyDefined
	}
	b = appendBytes(append(b, flags), r.Key)
	b = binary.AppendUvarint(b, r.Since)
	b = binary.AppendUvarint(b, uint64(r.Version))
	return append(b, r.Definition...)
}

func readKeyRecord(b []byte) (r profile.KeyRecord, err error) {
	s := scanner{b: b}
	flags := s.byte()
	r = profile.KeyRecord{Key: s.text(), Since: s.uvarint(), Version: s.number(), Pending: flags&keyPending != 0}
	if s.bad || flags > keyPending|keyDefined {
		return r, errRow
	}
	if flags&keyDefined != 0 {
		r.Definition = bytes.Clone(s.b)
		if r.Definition == nil {
			r.Definition = []byte{}
		}
		s.b = nil
	}
	return r, s.end()
}

// Keys implements profile.Reader.
func (r *reader) Keys(ctx context.Context) iter.Seq2[profile.KeyRecord, error] {
	prefix := []byte{spaceKeys}
	return scanned(r, ctx, prefix, prefix, func(_ *view, key, value []byte) (profile.KeyRecord, bool, error) {
		record, err := readKeyRecord(value)
		if err != nil {
			return record, false, damaged(key, err)
		}
		return record, true, nil
	})
}

// place returns the place of a key that was used.
func (tx *tx) place(key string) (uint32, bool) {
	if place, ok := tx.newKeys[key]; ok {
		return place, true
	}
	place, ok := tx.s.places[key]
	return place, ok
}

// checkKeys returns the first change that cannot be made, and why.
func (tx *tx) checkKeys(changes []profile.Change) (int, error) {
	fresh := map[string]bool{} // used by these changes
	for i, c := range changes {
		switch c := c.(type) {
		case *profile.UseKey:
			if _, used := tx.place(c.Record.Key); used || fresh[c.Record.Key] {
				return i, fmt.Errorf("%w: %q", profile.ErrRetired, c.Record.Key)
			}
			fresh[c.Record.Key] = true
		case *profile.SetKey:
			if _, used := tx.place(c.Record.Key); !used && !fresh[c.Record.Key] {
				return i, fmt.Errorf("%w: key %q", profile.ErrNotFound, c.Record.Key)
			}
		}
	}
	return 0, nil
}

func (tx *tx) putKey(r *profile.KeyRecord) {
	place, ok := tx.place(r.Key)
	if !ok {
		place = uint32(len(tx.s.places) + len(tx.newKeys))
		if tx.newKeys == nil {
			tx.newKeys = map[string]uint32{}
		}
		tx.newKeys[r.Key] = place
	}
	tx.set(appendNumbered(nil, spaceKeys, place), appendKeyRecord(nil, r))
}

// Position implements profile.Reader.
func (r *reader) Position(ctx context.Context) (uint64, time.Time, error) {
	var seq uint64
	var now time.Time
	err := r.from.counted(ctx, func(t *tally, _ readers) {
		if seq = t.seq; t.now != never {
			now = fromNano(t.now)
		}
	})
	return seq, now, err
}
