package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/muster-go/muster/profile"
)

// restoreBytes is how much of a restore is committed at once, about.
const restoreBytes = 4 << 20

// Restore implements profile.Store. Rows are committed some MiB at a time, behind a note that
// this goes on: as long as that is there, and an error or the end of the process comes
// between, what there is goes again, at once or when the store is opened next.
func (s *Store) Restore(ctx context.Context, rows iter.Seq2[profile.Row, error]) error {
	if err := s.use(ctx); err != nil {
		return err
	}
	defer s.leave()
	release, err := s.Take(ctx)
	if err != nil {
		return err
	}
	defer release()
	if !s.unused() {
		return profile.ErrNotEmpty
	}
	if err := s.fault.of(s.db.Set(restoreKey, []byte{1}, pebble.Sync)); err != nil {
		return err
	}
	mark, err := s.restoreAll(ctx, rows)
	if err == nil {
		return s.Durable(ctx, mark)
	}
	if wiping := s.wipe(); wiping != nil {
		return errors.Join(err, wiping)
	}
	return errors.Join(err, s.forget())
}

// unused reports whether nothing was ever stored.
func (s *Store) unused() bool {
	s.tallying.Lock()
	defer s.tallying.Unlock()
	t := s.tally
	return t.seq == 0 && t.now == never && t.notice == 0 && len(s.outbox.shown.cursors)+len(s.outbox.shown.positions) == 0 && !s.keeps()
}

// keeps reports whether there is a record of somebody.
func (s *Store) keeps() bool {
	found := false
	_ = eachRow(s.db, []byte{spaceRecords}, func(_, _ []byte) error { // one that cannot be read is there
		found = true
		return errStop
	})
	return found
}

func (s *Store) restoreAll(ctx context.Context, rows iter.Seq2[profile.Row, error]) (mark profile.Mark, err error) {
	r := restorer{s: s, now: never}
	if err := r.begin(ctx); err != nil {
		return 0, err
	}
	defer func() { r.tx.Abort() }()
	for row, err := range rows {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = r.put(row)
		}
		if err == nil && r.tx.batch.Len() > restoreBytes {
			if _, err = r.tx.Commit(); err == nil {
				err = r.begin(ctx)
			}
		}
		if err != nil {
			return 0, err
		}
	}
	r.tx.more.notice = r.last
	r.tx.now, r.tx.lastSeq = r.now, r.seq
	r.tx.delete(restoreKey)
	if mark, err = r.tx.Commit(); err != nil {
		return 0, err
	}
	// Nobody else changes these meanwhile: the store is taken, and was empty.
	s.seq.Store(r.seq)
	return mark, s.reload()
}

// restorer makes rows of a store.
type restorer struct {
	s    *Store
	tx   *tx
	now  int64
	seq  uint64
	last uint64 // notice
}

// begin begins a transaction that has no instant.
func (r *restorer) begin(ctx context.Context) error {
	begun, err := r.s.Begin(ctx, profile.MinTime)
	if err != nil {
		return err
	}
	r.tx = begun.(*tx)
	r.tx.now, r.tx.cutoff = never, math.MinInt64
	return nil
}

// inContents says what is wrong with rows together.
func inContents(format string, args ...any) error {
	return fmt.Errorf("%w: %s", profile.ErrInvalid, fmt.Sprintf(format, args...))
}

func (r *restorer) put(row profile.Row) error {
	if err := profile.CheckRow(row); err != nil {
		return err
	}
	switch row := row.(type) {
	case *profile.At:
		r.seq, r.now, r.last = row.Seq, toNano(row.Now), row.Notice
	case *profile.KeyRecord:
		if _, used := r.tx.place(row.Key); used {
			return inContents("key %q twice", row.Key)
		}
		r.tx.putKey(row)
	case *profile.SetCursor:
		r.tx.putCursor(row)
	case *profile.SetPosition:
		r.tx.set(logKey(row.Name), appendPosition(nil, profile.Position{Offset: row.Offset, Told: row.OutTold}))
	case *profile.SetRecord:
		r.tx.set(appendRecordsKey(nil, row.Subscriber, row.Record.Key), row.Record.Value)
	case *profile.Notice:
		if row.ID > r.last {
			return inContents("notice %d of %d", row.ID, r.last)
		}
		r.tx.set(noticeKey(row.ID), row.Body)
		r.tx.more.notices++
		r.tx.more.bytes += int64(len(row.Body))
	case *profile.Deleted:
		return r.tx.putDeleted(row)
	case *profile.Contents:
		return r.tx.putContents(row)
	}
	return nil
}

// reload reads anew what of the rows is kept in memory.
func (s *Store) reload() error {
	cursors, err := readCursors(s.db)
	if err != nil {
		return err
	}
	positions, err := readPositions(s.db)
	if err != nil {
		return err
	}
	s.outbox.mu.Lock()
	defer s.outbox.mu.Unlock()
	s.tallying.Lock()
	defer s.tallying.Unlock()
	s.outbox.last, s.outbox.readers = s.tally.notice, readers{cursors, positions}
	s.outbox.shown = s.outbox.readers
	return nil
}

// wipe drops all rows but those that every store has, and the names of properties, which mean
// nothing by themselves. Commits go on to be counted: those that were are known to be on the
// disk.
func (s *Store) wipe() error {
	at, err := readTally(s.db)
	if err != nil {
		return err
	}
	empty := newTally()
	empty.commit = at.commit
	b := s.db.NewBatch()
	defer b.Close()
	err = errors.Join(
		b.DeleteRange([]byte{spaceMeta + 1}, []byte{spaceDict}, nil),
		b.DeleteRange([]byte{spaceDict + 1}, []byte{math.MaxUint8}, nil),
		b.Set(positionKey, empty.append(nil), nil),
		b.Delete(restoreKey, nil),
	)
	if err != nil {
		return err
	}
	return s.fault.of(s.db.Apply(b, pebble.Sync))
}

// forget has what is kept in memory be that of an empty store.
func (s *Store) forget() error {
	s.lockLanes(allLanes)
	defer s.unlockLanes(allLanes)
	s.publish.Lock()
	defer s.publish.Unlock()
	for i := range s.lanes {
		c := &s.lanes[i].cache
		for ref := range c.byRef {
			c.drop(ref)
		}
	}
	s.numbers.Store(newNumbers())
	s.places = map[string]uint32{}
	s.buried.Store(false)
	s.seq.Store(0)
	s.latest.Store(never)
	s.tallying.Lock()
	empty := newTally()
	empty.commit = s.tally.commit
	s.tally = empty
	s.tallying.Unlock()
	return s.reload()
}
