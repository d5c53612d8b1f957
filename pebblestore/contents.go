package pebblestore

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/muster-go/muster/profile"
)

// Contents implements profile.Reader.
func (r *reader) Contents(ctx context.Context, ref profile.Ref) (c profile.Contents, err error) {
	c = profile.Contents{Ref: ref, Wake: profile.Wake{Ref: ref}}
	if err := checkSubject(ref.Subject); err != nil {
		return c, err
	}
	v, done, err := r.from.open(ctx, oneRows)
	if err != nil {
		return c, err
	}
	defer done()
	rec, err := v.lookup(ref, partRecord|partTraits)
	if err != nil {
		return c, err
	}
	if c.Ref, c.Wake.Ref = rec.ref, rec.ref; !rec.exists {
		return c, nil
	}
	c.Known = rec.known
	c.IDs, c.Accounts, c.Senders, c.Merged = slices.Clone(rec.ids), slices.Clone(rec.accounts), slices.Clone(rec.senders), slices.Clone(rec.aliases)
	slices.Sort(c.Merged)
	if c.Messages, err = r.messages(ctx, &v, rec.ref); err != nil {
		return c, r.s.fault.of(err)
	}
	if c.Traits, err = readWrites(rec.traits, r.s.dict); err != nil {
		return c, err
	}
	for _, m := range rec.members {
		if key, ok := v.nums.key(m.number); ok {
			c.Members = append(c.Members, profile.Membership{Audience: key, Ref: rec.ref, Since: fromNano(m.since)})
		}
	}
	slices.SortFunc(c.Members, func(a, b profile.Membership) int { return compareStrings(a.Audience, b.Audience) })
	for _, of := range rec.values {
		key, ok := v.nums.key(of.number)
		if !ok {
			continue
		}
		value, err := readValue(appendRecordKey(nil, rec.ref), of, r.s.dict)
		if err != nil {
			return c, r.s.fault.of(err)
		}
		c.Values = append(c.Values, profile.ComputedValue{Key: key, Ref: rec.ref, Value: value, Since: fromNano(of.since)})
	}
	slices.SortFunc(c.Values, func(a, b profile.ComputedValue) int { return compareStrings(a.Key, b.Key) })
	if c.Wake.Version, c.Wake.Marks = rec.version, rec.marks; rec.wake != never {
		c.Wake.At = fromNano(rec.wake)
	}
	return c, nil
}

// messages returns the messages of a profile: those that are no events come first.
func (r *reader) messages(ctx context.Context, v *view, ref profile.Ref) (list []profile.KeptMessage, err error) {
	prefix := appendOwnKey(nil, ref)
	it, err := v.r.NewIter(&pebble.IterOptions{LowerBound: append(slices.Clip(prefix), ownCalls), UpperBound: append(slices.Clip(prefix), ownEvents+1)})
	if err != nil {
		return nil, err
	}
	defer func() {
		if closing := it.Close(); err == nil {
			err = closing
		}
	}()
	var rows arena
	for ok := it.First(); ok; ok = it.Next() {
		if err := r.from.alive(ctx); err != nil {
			return nil, err
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, err
		}
		m, err := readMessage(rows.keep(value), r.s.dict)
		kind, tail := it.Key()[len(prefix)], it.Key()[len(prefix)+1:]
		if kind == ownEvents && err == nil {
			if m.name, tail, ok = readText(tail); !ok || m.name == "" {
				err = errRow
			}
		}
		if err == nil {
			err = m.readTail(tail)
		}
		if err != nil {
			return nil, damaged(it.Key(), err)
		}
		k := profile.KeptMessage{Event: m.event(ref.ID)}
		if m.call {
			k.Call, k.Traits, k.Time = true, m.props, fromNano(m.at)
			k.Event.Properties = profile.Object{}
		}
		list = append(list, k)
	}
	return list, it.Error()
}

// Deleted implements profile.Reader.
func (r *reader) Deleted(ctx context.Context) iter.Seq2[profile.Deleted, error] {
	return func(yield func(profile.Deleted, error) bool) {
		_, at, err := r.Position(ctx)
		if err != nil {
			yield(profile.Deleted{}, err)
			return
		}
		now := toNano(at)
		prefix := []byte{spaceDeleted}
		rows := scanned(r, ctx, prefix, prefix, func(_ *view, key, value []byte) ([]profile.Deleted, bool, error) {
			list, err := readDeleted(key, value, now)
			return list, len(list) > 0, err
		})
		for list, err := range rows {
			if err != nil {
				yield(profile.Deleted{}, err)
				return
			}
			for _, d := range list {
				if !yield(d, nil) {
					return
				}
			}
		}
	}
}

// readDeleted reads what a row remembers beyond an instant.
func readDeleted(key, value []byte, now int64) (list []profile.Deleted, err error) {
	if len(key) != 1+wideSize {
		return nil, damaged(key, errRow)
	}
	err = eachBuried(value, func(until int64, hashes []byte) {
		if now >= until {
			return
		}
		d := profile.Deleted{Profile: profile.Hash(key[1:]), Until: fromNano(until)}
		for ; len(hashes) > 0; hashes = hashes[wideSize:] {
			d.Messages = append(d.Messages, profile.Hash(hashes[:wideSize]))
		}
		list = append(list, d)
	})
	if err != nil {
		return nil, damaged(key, err)
	}
	slices.SortFunc(list, profile.CompareDeleted)
	return list, nil
}

// putContents makes a profile that there is not with all that is kept of it.
func (tx *tx) putContents(c *profile.Contents) error {
	for _, id := range append([]string{c.Ref.ID}, c.Merged...) {
		t, err := tx.at(profile.Ref{Subject: c.Ref.Subject, ID: id})
		if err != nil {
			return err
		}
		if t.exists || t.into != "" {
			return inContents("there is %s %q", c.Ref.Subject, id)
		}
	}
	t, err := tx.at(c.Ref)
	if err != nil {
		return err
	}
	tx.create(t)
	tx.makeKnown(t, c.Known)
	tx.addIDs(t, c.IDs)
	for _, account := range c.Senders {
		tx.addSender(t, account)
	}
	for _, account := range c.Accounts {
		tx.attach(t, account)
	}
	t.aliases = slices.Clone(c.Merged)
	for _, id := range c.Merged {
		if err := tx.setAlias(id, t.ref.ID); err != nil {
			return err
		}
	}
	for i := range c.Messages {
		tx.putMessage(t, &c.Messages[i])
	}
	t.parts &^= partNames
	t.names = nil
	t.traits, t.traitsDirty = appendWrites(nil, c.Traits, tx.s.dict), len(c.Traits) > 0
	for _, m := range c.Members {
		m.Ref = c.Ref
		if err := tx.setMember(&profile.SetMember{Membership: m, Member: true}); err != nil {
			return err
		}
	}
	for _, v := range c.Values {
		v.Ref = c.Ref
		if err := tx.setValue(&profile.SetValue{Value: v}); err != nil {
			return err
		}
	}
	w := c.Wake
	w.Ref = c.Ref
	return tx.setWake(&profile.SetWake{Wake: w})
}

// putMessage adds a message with the arrival number that it has.
func (tx *tx) putMessage(t *touched, k *profile.KeptMessage) {
	e := &k.Event
	m := message{id: e.MessageID, account: e.Account, props: e.Properties, context: e.Context}
	if k.Call {
		m.call, m.props, m.at = true, k.Traits, k.Time.UnixNano()
	}
	if e.Name != "" {
		tx.key = appendEventKey(tx.key[:0], t.ref.ID, e.Name, e.Time.UnixNano(), e.Seq)
	} else {
		tx.key = appendCallKey(tx.key[:0], t.ref, e.Time.UnixNano(), e.Seq)
	}
	tx.value = appendMessage(tx.value[:0], &m, tx.s.dict)
	tx.set(tx.key, tx.value)
	tx.remember(t, tx.hash(e.MessageID))
}

// putDeleted remembers a deleted profile.
func (tx *tx) putDeleted(d *profile.Deleted) error {
	b, err := tx.buriedRow(d.Profile)
	if err != nil {
		return err
	}
	if tx.buried == nil {
		tx.buried = map[profile.Hash][]byte{}
	}
	tx.buried[d.Profile] = appendBuried(bytes.Clone(b), d.Until.UnixNano(), d.Messages)
	tx.set(buriedKey(d.Profile), tx.buried[d.Profile])
	return nil
}

// putCursor notes up to which notice a subscriber was told.
func (tx *tx) putCursor(c *profile.SetCursor) {
	tx.set(cursorKey(c.Subscriber), binary.AppendUvarint(nil, c.UpTo))
}
