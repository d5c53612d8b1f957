package profile

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Restore implements Store. What is restored is put together beside the store, and becomes
// what it holds at the end.
func (s *MemStore) Restore(ctx context.Context, rows iter.Seq2[Row, error]) error {
	release, err := s.Take(ctx)
	if err != nil {
		return err
	}
	defer release()
	old, err := s.enter(ctx)
	if err != nil {
		return err
	}
	if !old.empty() {
		return ErrNotEmpty
	}
	st := newState(s.dict)
	st.gen.Store(old.gen.Load()) // of snapshots that are open
	st.frozen.Store(old.frozen.Load())
	tx := s.newTx().(*tx)
	tx.state, tx.locked, tx.whole, tx.now, tx.ending = st, allShards, true, never, true
	for row, err := range rows {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = tx.restore(row)
		}
		if err != nil {
			return err
		}
	}
	old.keys.mu.Lock()
	defer old.keys.mu.Unlock()
	old.lock(allShards)
	defer old.unlock(allShards)
	if !old.empty() {
		return ErrNotEmpty
	}
	if !s.state.CompareAndSwap(old, st) {
		return ErrClosed
	}
	return nil
}

// empty reports whether nothing was ever stored.
func (st *state) empty() bool {
	st.outbox.mu.Lock()
	defer st.outbox.mu.Unlock()
	o := &st.outbox
	return st.latest() == never && st.seq.Load() == 0 && o.last == 0 && len(o.cursors)+len(o.positions)+o.records.Len() == 0
}

// restore adds a row to a state that is nobody else's yet.
func (tx *tx) restore(row Row) error {
	if err := CheckRow(row); err != nil {
		return err
	}
	o := &tx.outbox
	switch r := row.(type) {
	case *At:
		tx.seq.Store(r.Seq)
		if o.last = r.Notice; !r.Now.IsZero() {
			for i := range tx.shards {
				tx.shards[i].now.Store(r.Now.UnixNano())
			}
		}
	case *KeyRecord:
		if tx.keys.used(r.Key) {
			return fmt.Errorf("%w: key %q twice", ErrInvalid, r.Key)
		}
		tx.keys.put(*r)
	case *SetCursor:
		o.cursors[strings.Clone(r.Subscriber)] = min(r.UpTo, o.last)
	case *SetPosition:
		o.setPosition(r.Name, Position{r.Offset, r.OutTold})
	case *SetRecord:
		o.setRecord(r)
	case *Notice:
		if r.ID > o.last {
			return fmt.Errorf("%w: notice %d of %d", ErrInvalid, r.ID, o.last)
		}
		o.notices.Set(r.ID, slices.Clone(r.Body))
		o.bytes += int64(len(r.Body))
	case *Deleted:
		tx.shards[r.Profile.lane()].deleted.add(r.Profile, r.Until.UnixNano(), slices.Clone(r.Messages))
	case *Contents:
		return tx.putContents(r)
	}
	return nil
}

// putContents makes a profile that there is not with all that is kept of it.
func (tx *tx) putContents(c *Contents) error {
	sh := tx.shard(c.Ref.ID)
	for _, id := range append([]string{c.Ref.ID}, c.Merged...) {
		ref := Ref{c.Ref.Subject, id}
		at := tx.shard(id)
		if _, merged := at.alias(ref); merged || at.find(ref) != nil {
			return fmt.Errorf("%w: there is %s %q", ErrInvalid, ref.Subject, id)
		}
	}
	r := tx.create(sh, c.Ref)
	tx.makeKnown(r, c.Known)
	tx.addIDs(sh, c.Ref.Subject, r, c.IDs)
	for _, account := range c.Senders {
		tx.addSender(sh, r, account)
	}
	for _, account := range c.Accounts {
		tx.attach(sh, r, account)
	}
	l := r.linked()
	for _, id := range c.Merged {
		id = strings.Clone(id)
		l.aliases = append(l.aliases, id)
		tx.setAlias(id, r.id)
	}
	if l.aliases != nil {
		tx.link(r, &l)
	}
	for i := range c.Messages {
		tx.putMessage(sh, r, &c.Messages[i])
	}
	r.noteSpans(tx.seed)
	tx.setTraits(r, packTraits(c.Traits, tx.dict))
	for _, m := range c.Members {
		m.Ref = c.Ref
		tx.setMember(&SetMember{Membership: m, Member: true})
	}
	for _, v := range c.Values {
		v.Ref = c.Ref
		tx.setValue(&SetValue{Value: v})
	}
	w := c.Wake
	w.Ref = c.Ref
	tx.setWake(&SetWake{Wake: w})
	tx.entered = nil
	return nil
}

// putMessage adds a message with the arrival number that it has.
func (tx *tx) putMessage(sh *shard, r *record, k *KeptMessage) {
	m := tx.message(k.Event.MessageID)
	var body []byte
	switch {
	case k.Event.Name != "":
		body = appendBody(sh.scratch[:0], &m, &k.Event, tx.dict)
	case k.Call:
		body = appendTraitCall(sh.scratch[:0], &m, &PutTraits{Traits: k.Traits, Time: k.Time}, tx.dict)
	default:
		body = m.append(append(sh.scratch[:0], m.form))
	}
	tx.insert(r, k.Event.Name, k.Event.Time.UnixNano(), k.Event.Seq, &m, body)
	sh.keepScratch(body)
	tx.undo = emptied(tx.undo) // in a state of its own there is nothing to undo
}
