package pebblestore

import (
	"context"
	"encoding/binary"
	"iter"
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/muster-go/muster/profile"
)

// outbox is what decides on the ids of notices, and which are kept. Its lock is taken
// after those of lanes, and held until the commit is in the log: ids are in the order of
// commits.
type outbox struct {
	mu   sync.Mutex
	last uint64
	readers
	shown readers // the same, with the lock of the tally
}

// readers are subscribers and who reads logs. The maps are replaced, never changed in place.
type readers struct {
	cursors   map[string]uint64
	positions map[string]profile.Position // nil: there are none
}

func readPositions(r pebble.Reader) (positions map[string]profile.Position, err error) {
	err = eachRow(r, []byte{spaceLogs}, func(key, value []byte) error {
		p, err := readPosition(value)
		if err != nil {
			return damaged(key, err)
		}
		if positions == nil {
			positions = map[string]profile.Position{}
		}
		positions[string(key[1:])] = p
		return nil
	})
	return positions, err
}

func appendPosition(b []byte, p profile.Position) []byte {
	return append(binary.AppendUvarint(b, p.Told), p.Offset...)
}

func readPosition(b []byte) (profile.Position, error) {
	s := scanner{b: b}
	p := profile.Position{Told: s.uvarint(), Offset: string(s.b)}
	if s.bad || p.Offset == "" {
		return p, errRow
	}
	return p, nil
}

func readCursors(r pebble.Reader) (map[string]uint64, error) {
	cursors := map[string]uint64{}
	err := eachRow(r, []byte{spaceCursors}, func(key, value []byte) error {
		upTo, w := binary.Uvarint(value)
		if w <= 0 || w != len(value) {
			return damaged(key, errRow)
		}
		cursors[string(key[1:])] = upTo
		return nil
	})
	return cursors, err
}

// staged is an outbox as it will be once a transaction is committed.
type staged struct {
	last uint64
	readers
	first []uint64 // ids of the first notices of each Tell
}

// stage writes the rows of changes of the outbox. Its lock is held.
func (tx *tx) stage(changes []profile.Change) (staged, error) {
	o := &tx.s.outbox
	n := staged{last: o.last, readers: o.readers}
	least := leastCursor(n.cursors)
	for _, c := range changes {
		switch c := c.(type) {
		case *profile.Tell:
			n.first = append(n.first, n.last+1)
			for _, body := range c.Bodies {
				if n.last++; len(n.cursors) > 0 {
					tx.set(noticeKey(n.last), body)
					tx.more.notices++
					tx.more.bytes += int64(len(body))
				}
			}
		case *profile.SetCursor:
			n.cursors = maps.Clone(n.cursors)
			if c.Gone {
				delete(n.cursors, c.Subscriber)
				tx.delete(cursorKey(c.Subscriber))
				prefix := appendRecordsKey(nil, c.Subscriber, "")
				tx.deleteRange(prefix, keyAfter(prefix))
				continue
			}
			upTo := max(n.cursors[c.Subscriber], min(c.UpTo, n.last))
			n.cursors[c.Subscriber] = upTo
			tx.set(cursorKey(c.Subscriber), binary.AppendUvarint(nil, upTo))
		case *profile.SetRecord:
			key := appendRecordsKey(nil, c.Subscriber, c.Record.Key)
			if len(c.Record.Value) == 0 {
				tx.delete(key)
			} else {
				tx.set(key, c.Record.Value)
			}
		}
	}
	for _, c := range changes { // what is told with a position is told by it
		if c, ok := c.(*profile.SetPosition); ok {
			n.positions = tx.setPosition(n.positions, c.Name, profile.Position{Offset: c.Offset, Told: n.last})
		}
	}
	if now := leastCursor(n.cursors); now > least || len(n.cursors) == 0 && len(o.cursors) > 0 {
		from := uint64(0)
		if len(o.cursors) > 0 {
			from = least // those before are gone
		}
		return n, tx.dropNotices(from, min(now, n.last))
	}
	return n, nil
}

// setPosition returns positions with another, and writes its row.
func (tx *tx) setPosition(all map[string]profile.Position, name string, p profile.Position) map[string]profile.Position {
	all = maps.Clone(all)
	if p.Offset == "" {
		tx.delete(logKey(name))
		if delete(all, name); len(all) == 0 {
			return nil
		}
		return all
	}
	if all == nil {
		all = map[string]profile.Position{}
	}
	tx.set(logKey(name), appendPosition(nil, p))
	all[name] = p
	return all
}

// leastCursor returns the id up to which all subscribers were told: the greatest if there
// are none.
func leastCursor(cursors map[string]uint64) uint64 {
	least := uint64(math.MaxUint64)
	for _, upTo := range cursors {
		least = min(least, upTo)
	}
	return least
}

// mostSingly is how many notices are deleted row by row. A deletion of a range is one row,
// but every iterator that is made goes through all of those that are in memory.
const mostSingly = 4096

// dropNotices drops the notices after an id, up to another.
func (tx *tx) dropNotices(after, upTo uint64) error {
	if after >= upTo {
		return nil
	}
	r, err := tx.rows()
	if err != nil {
		return err
	}
	end := noticeKey(upTo + 1)
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: noticeKey(after + 1), UpperBound: end})
	if err != nil {
		return err
	}
	var first []byte
	var keys [][]byte
	for ok := it.First(); ok; ok = it.Next() {
		if first == nil {
			first = append(first, it.Key()...)
		}
		if len(keys) < mostSingly {
			keys = append(keys, slices.Clone(it.Key()))
		}
		tx.more.notices--
		tx.more.bytes -= int64(len(it.Value()))
	}
	if err := it.Close(); err != nil || first == nil {
		return err
	}
	if len(keys) == mostSingly {
		tx.deleteRange(first, end)
		return nil
	}
	for _, key := range keys {
		tx.delete(key)
	}
	return nil
}

// Notices implements profile.Reader. Those of a transaction itself it does not see.
func (r *reader) Notices(ctx context.Context, after uint64) iter.Seq2[profile.Notice, error] {
	prefix := []byte{spaceNotices}
	lower := noticeKey(after + 1)
	if after == math.MaxUint64 {
		lower = keyAfter(prefix)
	}
	return scanned(r, ctx, prefix, lower, func(_ *view, key, value []byte) (profile.Notice, bool, error) {
		if len(key) != 9 {
			return profile.Notice{}, false, damaged(key, errRow)
		}
		body := append(make([]byte, 0, len(value)), value...)
		return profile.Notice{ID: binary.BigEndian.Uint64(key[1:]), Body: body}, true, nil
	})
}

// Records implements profile.Reader. Those of a transaction itself it does not see.
func (r *reader) Records(ctx context.Context, subscriber string) iter.Seq2[profile.Record, error] {
	prefix := []byte{spaceRecords}
	if subscriber != "" {
		prefix = appendRecordsKey(nil, subscriber, "")
	}
	return scanned(r, ctx, prefix, prefix, func(_ *view, key, value []byte) (profile.Record, bool, error) {
		of, rest, ok := readText(key[1:])
		if !ok || len(rest) == 0 || len(value) == 0 {
			return profile.Record{}, false, damaged(key, errRow)
		}
		return profile.Record{Of: of, Key: string(rest), Value: append([]byte(nil), value...)}, true, nil
	})
}

// Outbox implements profile.Reader.
func (r *reader) Outbox(ctx context.Context) (profile.Outbox, error) {
	var o profile.Outbox
	err := r.from.counted(ctx, func(t *tally, of readers) {
		o = profile.Outbox{Last: t.notice, Notices: int(t.notices), Bytes: t.bytes, Cursors: maps.Clone(of.cursors), Positions: maps.Clone(of.positions)}
	})
	return o, err
}
