package pebblestore

import (
	"context"
	"fmt"

	"github.com/muster-go/muster/profile"
)

// Put implements profile.Tx. After an error that is no refusal of what was given, such as
// of the disk, nothing more can be put, and Commit fails.
func (tx *tx) Put(changes ...profile.Change) error {
	if tx.over {
		return errOver
	}
	if tx.broken != nil {
		return tx.broken
	}
	if err := tx.s.alive(context.Background()); err != nil {
		return err
	}
	for i, c := range changes {
		if err := tx.admit(c); err != nil {
			return inBatch(i, len(changes), err)
		}
	}
	if tx.whole {
		if i, err := tx.checkKeys(changes); err != nil {
			return inBatch(i, len(changes), err)
		}
	}
	if i, err := tx.checkLimits(changes); err != nil {
		return inBatch(i, len(changes), err)
	}
	for i, c := range changes {
		if err := tx.make(c); err != nil {
			tx.note(inBatch(i, len(changes), err))
			return tx.broken
		}
	}
	return tx.broken
}

// inBatch says which change of a batch an error is about.
func inBatch(i, n int, err error) error {
	if n == 1 {
		return err
	}
	return fmt.Errorf("change %d of %d: %w", i+1, n, err)
}

// admit returns an error for a change that is not valid, or of what the transaction was
// not begun for.
func (tx *tx) admit(c profile.Change) error {
	if err := profile.CheckChange(c); err != nil || tx.whole {
		return err
	}
	switch c := c.(type) {
	case *profile.Tell, *profile.SetCursor, *profile.SetRecord, *profile.SetPosition:
		return nil
	case *profile.PutEvent:
		return tx.covers(profile.UserRef(c.Event.Profile), false)
	case *profile.PutTraits:
		return tx.covers(c.Ref, false)
	case *profile.PutIDs:
		return tx.covers(c.Ref, false)
	case *profile.SetMember:
		return tx.covers(c.Membership.Ref, false)
	case *profile.SetValue:
		return tx.covers(c.Value.Ref, false)
	case *profile.SetWake:
		return tx.covers(c.Wake.Ref, false)
	case *profile.Leave:
		return tx.covers(profile.UserRef(c.User), false)
	case *profile.Join:
		if err := tx.covers(profile.AccountRef(c.Account), false); err != nil {
			return err
		}
		return tx.covers(profile.UserRef(c.User), false)
	case *profile.Merge:
		if err := tx.covers(profile.UserRef(c.From), true); err != nil {
			return err
		}
		return tx.covers(profile.UserRef(c.Into), true)
	case *profile.Delete:
		if c.Ref.Subject == profile.User { // an account's users can be in any lane
			return tx.covers(c.Ref, true)
		}
	}
	return profile.ErrNotNamed
}

// covers returns an error unless the transaction has the locks of a profile; with all of
// its ids, for a change that has them name another.
func (tx *tx) covers(ref profile.Ref, aliases bool) error {
	t, err := tx.find(ref, 0)
	if err != nil || !aliases {
		return err
	}
	for _, id := range t.aliases {
		if tx.locked&laneOf(id) == 0 {
			return profile.ErrNotNamed
		}
	}
	return nil
}

// make makes a change, which was admitted.
func (tx *tx) make(c profile.Change) error {
	switch c := c.(type) {
	case *profile.PutEvent:
		return tx.putEvent(c)
	case *profile.PutTraits:
		return tx.putTraits(c)
	case *profile.PutIDs:
		return tx.putIDs(c)
	case *profile.Merge:
		return tx.mergeProfiles(c)
	case *profile.Delete:
		return tx.deleteProfile(c)
	case *profile.Join:
		return tx.join(c)
	case *profile.Leave:
		return tx.leaveAccount(c)
	case *profile.SetMember:
		return tx.setMember(c)
	case *profile.SetValue:
		return tx.setValue(c)
	case *profile.SetWake:
		return tx.setWake(c)
	case *profile.DropMembers:
		return tx.dropMembers(c.Audience)
	case *profile.DropValues:
		return tx.dropValues(c.Key)
	case *profile.Tell, *profile.SetCursor, *profile.SetRecord, *profile.SetPosition:
		tx.outbox = append(tx.outbox, c)
	case *profile.UseKey:
		tx.putKey(&c.Record)
	case *profile.SetKey:
		tx.putKey(&c.Record)
	}
	return nil
}

func (tx *tx) nextSeq() uint64 {
	seq := tx.s.seq.Add(1)
	if tx.lastSeq == 0 {
		tx.firstSeq = seq - 1
	}
	tx.lastSeq = seq
	return seq
}

// create makes the profile of an id that is none.
func (tx *tx) create(t *touched) (created bool) {
	if t.exists {
		return false
	}
	t.head, t.state, t.traits, t.names = head{}, noState(), nil, nil
	t.exists, t.parts, t.headDirty = true, allParts, true
	t.seen, t.own, t.fresh, t.hashes = &seenSet{}, true, nil, nil
	tx.more.profiles[t.ref.Subject]++
	return true
}

func (tx *tx) makeKnown(t *touched, known bool) {
	if known && !t.known {
		t.known, t.headDirty = true, true
	}
}

// remember adds a message to the set of a profile's message ids, and to what its row gets.
func (tx *tx) remember(t *touched, hash uint32) {
	if t.own {
		t.seen.add(hash)
	} else {
		t.fresh = append(t.fresh, hash)
	}
	t.hashes = appendHash(t.hashes, hash)
}

func (tx *tx) putEvent(c *profile.PutEvent) error {
	e := &c.Event
	asked := profile.UserRef(e.Profile)
	t, err := tx.find(asked, 0)
	if err != nil {
		return err
	}
	c.OutID, c.OutSeq, c.Created, c.Duplicate, c.Dropped = t.ref.ID, 0, false, false, false
	nano := e.Time.UnixNano()
	if nano < tx.cutoff {
		c.Dropped = true
		return nil
	}
	hash := tx.hash(e.MessageID)
	if c.Duplicate, err = tx.seen(asked, t, e.MessageID, hash, e.Name, nano); err != nil || c.Duplicate {
		return err
	}
	c.Created = tx.create(t)
	tx.makeKnown(t, !c.Visitor)
	c.OutSeq = tx.nextSeq()
	m := message{id: e.MessageID, account: e.Account, props: e.Properties, context: e.Context}
	tx.key = appendEventKey(tx.key[:0], t.ref.ID, e.Name, nano, c.OutSeq)
	tx.value = appendMessage(tx.value[:0], &m, tx.s.dict)
	tx.set(tx.key, tx.value)
	if t.parts&partNames != 0 {
		t.names, _ = withText(t.names, e.Name)
	}
	tx.remember(t, hash)
	if e.Account != "" {
		tx.addSender(t, e.Account)
	}
	return nil
}

func (tx *tx) addSender(t *touched, account string) {
	senders, added := withText(t.senders, account)
	if added {
		t.senders, t.headDirty = senders, true
		tx.set(appendPairKey(nil, spaceSenders, account, t.ref.ID), nil)
	}
}

func (tx *tx) putTraits(c *profile.PutTraits) error {
	t, err := tx.find(c.Ref, partTraits)
	if err != nil {
		return err
	}
	c.OutID, c.OutSeq, c.Created, c.Duplicate = t.ref.ID, 0, false, false
	hash := tx.hash(c.MessageID)
	if c.Duplicate, err = tx.seen(c.Ref, t, c.MessageID, hash, "", tx.now); err != nil || c.Duplicate {
		return err
	}
	c.Created = tx.create(t)
	tx.makeKnown(t, !c.Visitor)
	c.OutSeq = tx.nextSeq()
	writes, err := readWrites(t.traits, tx.s.dict)
	if err != nil {
		return err
	}
	for name, v := range c.Traits.All() {
		writes = append(writes, profile.TraitWrite{Name: name, Value: v, Time: c.Time, MessageID: c.MessageID, Seq: c.OutSeq})
	}
	tx.setTraits(t, writes)
	if t.ref.Subject == profile.User {
		// A merge may find that another call, which has superseded a write of this one,
		// should never have counted: so all that it set is kept.
		tx.keepCall(t, &message{id: c.MessageID, props: c.Traits, at: c.Time.UnixNano(), call: true}, c.OutSeq)
	} else if c.MessageID != "" {
		tx.keepCall(t, &message{id: c.MessageID}, c.OutSeq)
	}
	return nil
}

func (tx *tx) setTraits(t *touched, writes []profile.TraitWrite) {
	t.traits = appendWrites(nil, profile.PruneTraits(writes, fromNano(tx.now)), tx.s.dict)
	t.parts |= partTraits
	t.traitsDirty = true
}

// keepCall keeps a message that is no event, at the time of its arrival.
func (tx *tx) keepCall(t *touched, m *message, seq uint64) {
	tx.key = appendCallKey(tx.key[:0], t.ref, tx.now, seq)
	tx.value = appendMessage(tx.value[:0], m, tx.s.dict)
	tx.set(tx.key, tx.value)
	tx.remember(t, tx.hash(m.id))
}

func (tx *tx) putIDs(c *profile.PutIDs) error {
	t, err := tx.find(c.Ref, 0)
	if err != nil {
		return err
	}
	c.Created = tx.create(t)
	tx.makeKnown(t, !c.Visitor)
	c.OutID = t.ref.ID
	c.Changed = tx.addIDs(t, c.IDs)
	return nil
}

func (tx *tx) join(c *profile.Join) error {
	asked := profile.UserRef(c.User)
	t, err := tx.find(asked, 0)
	if err != nil {
		return err
	}
	c.OutUser, c.CreatedUser, c.CreatedAccount, c.Changed, c.Duplicate = t.ref.ID, false, false, false, false
	hash := tx.hash(c.MessageID)
	if c.Duplicate, err = tx.seen(asked, t, c.MessageID, hash, "", tx.now); err != nil || c.Duplicate {
		return err
	}
	account, err := tx.find(profile.AccountRef(c.Account), 0)
	if err != nil {
		return err
	}
	c.CreatedUser = tx.create(t)
	tx.makeKnown(t, !c.Visitor)
	if c.MessageID != "" {
		tx.keepCall(t, &message{id: c.MessageID}, tx.nextSeq())
	}
	c.CreatedAccount = tx.create(account)
	c.Changed = tx.attach(t, account.ref.ID)
	return nil
}

func (tx *tx) leaveAccount(c *profile.Leave) error {
	t, err := tx.find(profile.UserRef(c.User), 0)
	if err != nil {
		return err
	}
	c.OutUser, c.Changed = t.ref.ID, tx.detach(t, c.Account)
	return nil
}

func (tx *tx) attach(t *touched, account string) bool {
	accounts, added := withText(t.accounts, account)
	if added {
		t.accounts, t.headDirty = accounts, true
		tx.set(appendPairKey(nil, spaceJoins, account, t.ref.ID), nil)
	}
	return added
}

func (tx *tx) detach(t *touched, account string) bool {
	accounts, removed := withoutText(t.accounts, account)
	if removed {
		t.accounts, t.headDirty = accounts, true
		tx.delete(appendPairKey(nil, spaceJoins, account, t.ref.ID))
	}
	return removed
}
