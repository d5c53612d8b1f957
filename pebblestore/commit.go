package pebblestore

import (
	"context"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/muster-go/muster/profile"
)

// Abort implements profile.Tx.
func (tx *tx) Abort() {
	if tx.over {
		return
	}
	if tx.lastSeq != 0 {
		tx.s.seq.CompareAndSwap(tx.lastSeq, tx.firstSeq)
	}
	tx.end()
}

// end ends the transaction, and lets others go on.
func (tx *tx) end() {
	tx.over = true
	tx.s.unlockLanes(tx.locked)
	_ = tx.batch.Close() // it never fails
	tx.touched, tx.byRef, tx.outbox, tx.buried = nil, nil, nil, nil
	tx.s.leave()
}

// Commit implements profile.Tx. An error that wraps ErrFailed leaves open whether what was
// put is there when the store is opened again: that is found out then, by its message ids.
func (tx *tx) Commit() (profile.Mark, error) {
	if tx.over {
		return 0, errOver
	}
	mark, err := tx.commit()
	if err != nil {
		tx.Abort()
		return 0, fmt.Errorf("commit: %w", err)
	}
	tx.end()
	return mark, nil
}

func (tx *tx) commit() (profile.Mark, error) {
	s := tx.s
	if tx.broken != nil {
		return 0, tx.broken
	}
	if err := s.alive(context.Background()); err != nil {
		return 0, err
	}
	tx.flush()
	if tx.batch.Empty() && len(tx.outbox) == 0 && tx.now <= s.latest.Load() {
		return profile.Mark(s.syncs.committed.Load()), nil
	}
	if err := s.room(tx.batch.Len()); err != nil {
		return 0, err
	}
	if err := s.saveNames(); err != nil {
		return 0, err
	}
	mark, err := tx.apply()
	if err != nil {
		return 0, s.fault.of(err)
	}
	tx.publish()
	return mark, nil
}

// apply writes the batch to the log, which makes it visible.
func (tx *tx) apply() (profile.Mark, error) {
	s := tx.s
	at := &tx.more
	at.seq, at.now = tx.lastSeq, tx.now
	var outbox staged
	if len(tx.outbox) > 0 {
		s.outbox.mu.Lock()
		defer s.outbox.mu.Unlock()
		var err error
		if outbox, err = tx.stage(tx.outbox); err != nil {
			return 0, err
		}
		at.notice = outbox.last
	}
	at.commit = s.number.Add(1)
	tx.value = at.append(tx.value[:0])
	tx.merge(positionKey, tx.value)
	if tx.broken != nil {
		return 0, tx.broken
	}
	if tx.nums != nil {
		s.publish.Lock()
		defer s.publish.Unlock()
	} else {
		s.publish.RLock()
		defer s.publish.RUnlock()
	}
	start, size := time.Now(), tx.batch.Len()
	if err := s.db.Apply(tx.batch, pebble.NoSync); err != nil {
		return 0, err
	}
	if err := s.fault.err(); err != nil {
		return 0, err
	}
	s.commits.add(size, time.Since(start))
	raise(&s.syncs.applied, at.commit)
	if tx.nums != nil {
		s.numbers.Store(tx.nums)
	}
	if len(tx.outbox) > 0 {
		s.outbox.last, s.outbox.readers = outbox.last, outbox.readers
		first := outbox.first
		for _, c := range tx.outbox {
			switch c := c.(type) {
			case *profile.Tell:
				c.OutFirst, first = first[0], first[1:]
			case *profile.SetPosition:
				c.OutTold = outbox.last
			}
		}
	}
	s.tallying.Lock()
	s.tally.plus(at)
	if len(tx.outbox) > 0 {
		s.outbox.shown = s.outbox.readers
	}
	s.tallying.Unlock()
	return profile.Mark(s.syncs.committed.Add(1)), nil
}

// publish has those who come next find what was committed.
func (tx *tx) publish() {
	s := tx.s
	for now := s.latest.Load(); tx.now > now && !s.latest.CompareAndSwap(now, tx.now); now = s.latest.Load() {
	}
	if len(tx.buried) > 0 {
		s.buried.Store(true)
	}
	for key, place := range tx.newKeys {
		s.places[key] = place
	}
	for _, t := range tx.touched {
		if !t.own && t.seen != nil {
			for _, hash := range t.fresh {
				t.seen.add(hash)
			}
		}
		cache := &s.lanes[profile.Lane(t.ref.ID)].cache
		if t.exists || t.into != "" {
			cache.put(&t.record)
		} else {
			cache.drop(t.ref)
		}
	}
}

// raise sets a number to a greater one.
func raise(n interface {
	Load() uint64
	CompareAndSwap(old, new uint64) bool
}, to uint64) {
	for now := n.Load(); to > now && !n.CompareAndSwap(now, to); now = n.Load() {
	}
}

// saveNames writes rows of the names of properties that have none: before any row that
// has their numbers. A transaction that is aborted, or lost, may leave some: they are only
// names.
func (s *Store) saveNames() error {
	if int64(len(s.dict.Names())) == s.named.Load() {
		return nil
	}
	s.names.Lock()
	defer s.names.Unlock()
	names, from := s.dict.Names(), s.named.Load()
	b := s.db.NewBatch()
	defer b.Close()
	for i := from; i < int64(len(names)); i++ {
		if err := b.Set(appendNumbered(nil, spaceDict, uint32(i)), []byte(names[i]), nil); err != nil {
			return err
		}
	}
	if err := s.db.Apply(b, pebble.NoSync); err != nil {
		return s.fault.of(err)
	}
	if err := s.fault.err(); err != nil {
		return err
	}
	s.named.Store(int64(len(names)))
	return nil
}
