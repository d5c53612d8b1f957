package profile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidwall/btree"
)

var errOver = errors.New("the transaction is over")

// Begin implements Store. A transaction that names what it touches locks the shards of
// that; one that names nothing locks all. All readers of these wait until it is over.
// Arrival numbers that a transaction has used which is aborted may be left out, where
// others were used beside it.
func (s *MemStore) Begin(ctx context.Context, now time.Time, refs ...Ref) (Tx, error) {
	st, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	if err := CheckTime(now); err != nil {
		return nil, fmt.Errorf("instant of a transaction: %w", err)
	}
	tx := s.txs.Get().(*tx)
	tx.state, tx.now, tx.cutoff = st, now.UnixNano(), cutoff(now, s.retention)
	if len(refs) == 0 {
		st.keys.mu.Lock()
		st.lock(allShards)
		tx.locked, tx.whole = allShards, true
	} else {
		tx.locked, tx.about = st.lockFor(refs), refs[0]
	}
	tx.reader.state.Store(st)
	return &memTx{tx}, nil
}

// memTx is a tx until it is over: that is used again then.
type memTx struct{ *tx }

var noTx = &tx{over: true}

// Commit implements Tx. It cannot fail but for a transaction that is over.
func (m *memTx) Commit() (Mark, error) {
	if m.tx.over {
		return 0, errOver
	}
	m.tx.commit()
	m.end()
	return 0, nil
}

// Abort implements Tx.
func (m *memTx) Abort() {
	if !m.tx.over {
		m.tx.abort()
		m.end()
	}
}

func (m *memTx) end() {
	tx := m.tx
	m.tx = noTx
	tx.state.unlock(tx.locked)
	if tx.whole {
		tx.keys.mu.Unlock()
	}
	tx.reset()
	tx.store.txs.Put(tx)
}

// newTx returns a tx that is not begun.
func (s *MemStore) newTx() any {
	tx := &tx{store: s, duplicates: s.duplicate}
	tx.reader.tx = tx
	return tx
}

// reset makes the tx one that is not begun. It keeps the memory of small ones.
func (tx *tx) reset() {
	tx.reader.state.Store(nil)
	tx.state, tx.locked, tx.whole, tx.about = nil, 0, false, Ref{}
	tx.first, tx.last, tx.ending = 0, 0, false
	tx.checked, tx.found, tx.entered, tx.enteredAt = false, resolved{}, nil, nil
	tx.pending, tx.undo, tx.trims, tx.tells = emptied(tx.pending), emptied(tx.undo), emptied(tx.trims), emptied(tx.tells)
}

func emptied[T any](s []T) []T {
	if cap(s) > 256 {
		return nil
	}
	clear(s)
	return s[:0]
}

// Put implements Tx.
func (tx *tx) Put(changes ...Change) error {
	if tx.over {
		return errOver
	}
	later := true
	for i, c := range changes {
		if err := tx.admit(c); err != nil {
			return inBatch(i, len(changes), err)
		}
		later = later && isConsequence(c)
	}
	if later {
		tx.pending = append(tx.pending, changes...)
		return nil
	}
	tx.flush()
	if tx.whole {
		if i, err := tx.keys.check(changes); err != nil {
			return inBatch(i, len(changes), err)
		}
	}
	if i, err := tx.checkLimits(changes, tx.store.limits); err != nil {
		return inBatch(i, len(changes), err)
	}
	for _, c := range changes {
		tx.apply(c)
	}
	return nil
}

// At implements Tx.
func (tx *tx) At(now time.Time) error {
	if tx.over {
		return errOver
	}
	if err := CheckLater(time.Unix(0, tx.now), now); err != nil {
		return err
	}
	tx.now, tx.cutoff = now.UnixNano(), cutoff(now, tx.store.retention)
	return nil
}

// admit returns an error for a change that is not valid, or of what the transaction was
// not begun for.
func (tx *tx) admit(c Change) error {
	if err := validate(c); err != nil {
		return err
	}
	if tx.whole {
		return nil
	}
	if ref, simple := subjectOf(c); simple && ref == tx.about {
		switch c.(type) {
		case *Delete, *Join:
		default:
			return nil // the usual case
		}
	}
	if isKeyChange(c) || (tx.named(c)|tx.reached(c, tx.locked))&^tx.locked != 0 {
		return ErrNotNamed
	}
	return nil
}

// isConsequence reports whether a change is of what the engine makes of a profile.
func isConsequence(c Change) bool {
	switch c.(type) {
	case *SetMember, *SetValue, *SetWake:
		return true
	}
	return isOutboxChange(c)
}

// flush makes the changes that wait.
func (tx *tx) flush() {
	for _, c := range tx.pending {
		tx.apply(c)
	}
	clear(tx.pending)
	tx.pending = tx.pending[:0]
}

func (tx *tx) commit() {
	tx.ending = true
	tx.flush()
	for _, r := range tx.trims {
		tx.trimNow(r)
	}
	tx.tick()
	if len(tx.tells) > 0 {
		tx.outbox.apply(tx.tells)
	}
}

func (tx *tx) abort() {
	tx.ending = true
	for i := len(tx.undo) - 1; i >= 0; i-- {
		tx.undo[i].run()
	}
	if tx.last != 0 {
		tx.seq.CompareAndSwap(tx.last, tx.first)
	}
}

// Seen implements Tx.
func (tx *tx) Seen(ctx context.Context, ref Ref, messageID string) (bool, error) {
	st, err := tx.reader.enterRef(ctx, ref.Subject)
	if err != nil || messageID == "" {
		return false, err
	}
	_, _, r, err := tx.view(st, ref)
	if err != nil {
		return false, err
	}
	m := st.message(messageID)
	return tx.seen(ref, r, &m, "", never), nil
}

// onAbort notes what undoes a change.
func (tx *tx) onAbort(do func()) {
	if !tx.ending {
		tx.undo = append(tx.undo, undo{do: do})
	}
}

// index adds an item to an index.
func index[T any](tx *tx, to *btree.BTreeG[T], item T) {
	if _, was := to.Set(item); !was {
		tx.onAbort(func() { to.Delete(item) })
	}
}

// unindex removes an item from an index.
func unindex[T any](tx *tx, from *btree.BTreeG[T], item T) {
	if was, ok := from.Delete(item); ok {
		tx.onAbort(func() { from.Set(was) })
	}
}

// SyncInterval implements Store: there is nothing to wait for.
func (s *MemStore) SyncInterval() time.Duration { return 0 }

// Durable implements Store: nothing of a MemStore is.
func (s *MemStore) Durable(ctx context.Context, _ Mark) error {
	_, err := s.enter(ctx)
	return err
}
