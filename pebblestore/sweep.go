package pebblestore

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/muster-go/muster/profile"
)

// sweepOften sweeps at the interval, until the store is closed.
func (s *Store) sweepOften() {
	ticker := time.NewTicker(s.opts.SweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-s.life.Done():
			return
		case <-ticker.C:
		}
		if err := s.Sweep(s.life); err != nil && s.life.Err() == nil {
			s.opts.Logger.Error("sweep", "dir", s.dir, "err", err)
		}
	}
}

// Sweep drops what the retention does not keep, counted from the latest instant of a
// transaction: events by their times, the message ids of other calls by their arrival; and
// what is remembered of deleted profiles beyond Options.DuplicateMemory. Each profile is
// swept in a transaction of its own, beside other calls. It ends early when ctx does. Where
// there is nothing to drop it costs a look at the first event of each name.
func (s *Store) Sweep(ctx context.Context) error {
	if err := s.sweep(ctx); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

func (s *Store) sweep(ctx context.Context) error {
	now := s.latest.Load()
	if now == never {
		return s.alive(ctx)
	}
	if s.opts.Retention > 0 {
		for subject := profile.User; subject <= profile.Account; subject++ {
			for id, err := range s.Profiles(ctx, subject, "") {
				if err == nil {
					err = s.sweepProfile(ctx, profile.Ref{Subject: subject, ID: id}, fromNano(now))
				}
				if err != nil {
					return err
				}
			}
		}
	}
	return s.sweepDeleted(ctx, now)
}

// sweepProfile drops the old messages of a profile, if there are any.
func (s *Store) sweepProfile(ctx context.Context, ref profile.Ref, now time.Time) error {
	v, done, err := s.open(ctx, oneRows)
	if err != nil {
		return err
	}
	old, err := oldRanges(v.r, ref, cutoff(now.UnixNano(), s.opts.Retention))
	done()
	if err != nil || len(old) == 0 {
		return s.fault.of(err)
	}
	begun, err := s.Begin(ctx, now, ref)
	if err != nil {
		return err
	}
	defer begun.Abort()
	t := begun.(*tx)
	rec, err := t.at(ref)
	if err != nil || !rec.exists { // it was deleted meanwhile, or merged
		return err
	}
	if err := t.dropOld(rec); err != nil {
		return err
	}
	_, err = begun.Commit()
	return err
}

// keyRange is a range of rows, from the first up to the last, which is not in it.
type keyRange struct{ from, to []byte }

// oldRanges returns the ranges of a profile's messages that are older than a cutoff and
// not empty.
func oldRanges(r pebble.Reader, ref profile.Ref, cutoff int64) (old []keyRange, err error) {
	if cutoff == math.MinInt64 {
		return nil, nil
	}
	prefix := appendOwnKey(nil, ref)
	names, err := readNames(r, ref)
	if err != nil {
		return nil, err
	}
	ranges := []keyRange{{from: append(prefix, ownCalls)}}
	for _, name := range names {
		ranges = append(ranges, keyRange{from: appendText(append(appendOwnKey(nil, ref), ownEvents), name)})
	}
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: appendOwnKey(nil, ref), UpperBound: keyAfter(appendOwnKey(nil, ref))})
	if err != nil {
		return nil, err
	}
	for _, k := range ranges {
		k.to = appendInstant(append([]byte(nil), k.from...), cutoff)
		if it.SeekGE(k.from) && string(it.Key()) < string(k.to) {
			old = append(old, k)
		}
	}
	return old, it.Close()
}

// dropOld drops the messages of a profile that are beyond the retention, and the hashes of
// their ids: those that stay are written anew.
func (tx *tx) dropOld(t *touched) error {
	old, err := oldRanges(tx.s.db, t.ref, tx.cutoff)
	if err != nil || len(old) == 0 {
		return tx.s.fault.of(err)
	}
	for _, k := range old {
		tx.deleteRange(k.from, k.to)
	}
	r, err := tx.rows()
	if err != nil {
		return err
	}
	if err := tx.read(t, partRecord); err != nil {
		return err
	}
	t.seen, t.own, t.fresh, t.hashes = &seenSet{}, true, nil, nil
	var hashes []byte
	for _, kind := range []byte{ownCalls, ownEvents} {
		err := eachRow(r, append(appendOwnKey(nil, t.ref), kind), func(key, value []byte) error {
			id, err := readMessageID(value)
			if err != nil {
				return damaged(key, err)
			}
			hash := tx.hash(id)
			t.seen.add(hash)
			hashes = appendHash(hashes, hash)
			return nil
		})
		if err != nil {
			return tx.s.fault.of(err)
		}
	}
	tx.set(appendRecordKey(nil, t.ref), appendRecord(nil, t.state.append(nil), hashes))
	if t.names != nil {
		t.names, t.parts = nil, t.parts&^partNames
	}
	return nil
}

// sweepDeleted forgets deleted profiles. With all lanes locked nobody remembers another
// meanwhile; they are few at a time.
func (s *Store) sweepDeleted(ctx context.Context, now int64) error {
	if !s.buried.Load() {
		return s.alive(ctx)
	}
	var old [][]byte
	prefix := []byte{spaceDeleted}
	err := s.scan(ctx, prefix, keyAfter(prefix), func(_ *view, key, value []byte) error {
		left, err := unexpired(value, now)
		if err != nil {
			return damaged(key, err)
		}
		if len(left) < len(value) {
			old = append(old, append([]byte(nil), key...))
		}
		return nil
	})
	if err != nil || len(old) == 0 {
		return err
	}
	const atATime = 1000
	for len(old) > 0 {
		n := min(len(old), atATime)
		if err := s.forgetDeleted(ctx, old[:n], now); err != nil {
			return err
		}
		old = old[n:]
	}
	return nil
}

func (s *Store) forgetDeleted(ctx context.Context, keys [][]byte, now int64) error {
	begun, err := s.Begin(ctx, fromNano(now))
	if err != nil {
		return err
	}
	defer begun.Abort()
	t := begun.(*tx)
	for _, key := range keys {
		b, err := row(s.db, key)
		if err != nil {
			return s.fault.of(err)
		}
		left, err := unexpired(b, now)
		switch {
		case err != nil:
			return damaged(key, err)
		case len(left) == 0:
			t.delete(key)
		default:
			t.set(key, left)
		}
	}
	_, err = begun.Commit()
	return err
}

// Compact writes all tables anew, without what was deleted or replaced. It takes as long
// as that takes, beside other calls, and is never needed: compactions go on all the time.
func (s *Store) Compact(ctx context.Context) error {
	if err := s.use(ctx); err != nil {
		return err
	}
	defer s.leave()
	err := s.db.Flush()
	if err == nil {
		err = s.db.Compact(ctx, []byte{0}, []byte{0xff}, true)
	}
	if err != nil {
		return fmt.Errorf("compact: %w", s.fault.of(err))
	}
	return nil
}
