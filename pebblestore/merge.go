package pebblestore

import (
	"bytes"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/muster-go/muster/profile"
)

func (tx *tx) mergeProfiles(c *profile.Merge) error {
	from, err := tx.find(profile.UserRef(c.From), partRecord|partTraits)
	if err != nil {
		return err
	}
	asked := profile.UserRef(c.Into)
	into, err := tx.find(asked, partRecord|partTraits)
	if err != nil {
		return err
	}
	c.OutFrom, c.OutInto, c.Created, c.Duplicate = from.ref.ID, into.ref.ID, false, false
	hash := tx.hash(c.MessageID)
	if c.Duplicate, err = tx.seen(asked, into, c.MessageID, hash, "", tx.now); err != nil || c.Duplicate {
		return err
	}
	if from == into {
		return nil
	}
	c.Created = tx.create(into)
	tx.makeKnown(into, true)
	repeated, err := tx.moveMessages(from, into)
	if err != nil {
		return err
	}
	if err := tx.mergeTraits(from, into, repeated); err != nil {
		return err
	}
	links := from.head
	tx.remove(from)
	if err := tx.mergeLinks(into, from, &links); err != nil {
		return err
	}
	if c.MessageID == "" {
		return nil
	}
	if has, err := tx.seen(asked, into, c.MessageID, hash, "", tx.now); has || err != nil {
		return err
	}
	tx.keepCall(into, &message{id: c.MessageID}, tx.nextSeq())
	return nil
}

// moveMessages gives the messages of a profile to another, each message id once: of two
// that arrived first stays. It returns the arrival numbers of the calls that do not.
func (tx *tx) moveMessages(from, into *touched) (repeated []uint64, err error) {
	if !from.exists {
		return nil, nil
	}
	r, err := tx.rows()
	if err != nil {
		return nil, err
	}
	lower := append(appendOwnKey(nil, from.ref), ownCalls)
	upper := append(appendOwnKey(nil, from.ref), ownEvents+1)
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, tx.s.fault.of(err)
	}
	defer func() { err = tx.s.fault.of(errors.Join(err, it.Close())) }()
	target := appendOwnKey(nil, into.ref)
	var theirs map[string][]byte // the keys of into's messages, by id; nil: not looked at
	for ok := it.First(); ok; ok = it.Next() {
		tail := it.Key()[len(lower)-1:]
		id, err := readMessageID(it.Value())
		if err != nil || len(tail) < 17 {
			return nil, damaged(it.Key(), errRow)
		}
		if nanoOf(tail) < tx.cutoff {
			continue
		}
		if hash := tx.hash(id); id != "" && (into.seen.has(hash) || slices.Contains(into.fresh, hash)) {
			if theirs == nil {
				if theirs, err = tx.messagesOf(into); err != nil {
					return nil, err
				}
			}
			if other := theirs[id]; other != nil {
				if seqOf(other) < seqOf(tail) {
					if tail[0] == ownCalls {
						repeated = append(repeated, seqOf(tail))
					}
					continue
				}
				if other[len(target)] == ownCalls {
					repeated = append(repeated, seqOf(other))
				}
				tx.delete(other)
			}
		}
		tx.set(append(slices.Clip(target), tail...), it.Value())
	}
	return repeated, tx.moveSeen(from, into)
}

// seqOf returns the arrival number at the end of a message's key.
func seqOf(key []byte) (seq uint64) {
	for _, c := range key[len(key)-8:] {
		seq = seq<<8 | uint64(c)
	}
	return seq
}

// messagesOf returns the keys of a profile's messages, by their ids.
func (tx *tx) messagesOf(t *touched) (map[string][]byte, error) {
	r, err := tx.rows()
	if err != nil {
		return nil, err
	}
	keys := map[string][]byte{}
	for _, kind := range []byte{ownCalls, ownEvents} {
		err := eachRow(r, append(appendOwnKey(nil, t.ref), kind), func(key, value []byte) error {
			id, err := readMessageID(value)
			if err != nil || len(key) < 17 {
				return damaged(key, errRow)
			}
			if id != "" && nanoOf(key) >= tx.cutoff {
				keys[id] = bytes.Clone(key)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// moveSeen adds the hashes of a profile's message ids to those of another. Those of
// messages that are dropped stay: a hash only says where to look.
func (tx *tx) moveSeen(from, into *touched) error {
	if !into.own {
		seen := &seenSet{n: into.seen.n, used: into.seen.used, table: slices.Clone(into.seen.table)}
		for _, hash := range into.fresh {
			seen.add(hash)
		}
		into.seen, into.own, into.fresh = seen, true, nil
	}
	each := func(hash uint32) {
		into.seen.add(hash)
		into.hashes = appendHash(into.hashes, hash)
	}
	for _, hash := range from.seen.table {
		if hash != noHash {
			each(hash)
		}
	}
	for range from.seen.n - from.seen.used {
		each(noHash)
	}
	for _, hash := range from.fresh {
		each(hash)
	}
	into.parts &^= partNames
	into.names = nil
	return nil
}

func (tx *tx) mergeTraits(from, into *touched, repeated []uint64) error {
	if len(from.traits)+len(into.traits)+len(repeated) == 0 {
		return nil
	}
	writes, err := readWrites(into.traits, tx.s.dict)
	if err != nil {
		return err
	}
	more, err := readWrites(from.traits, tx.s.dict)
	if err != nil {
		return err
	}
	writes = slices.DeleteFunc(append(writes, more...), func(w profile.TraitWrite) bool { return slices.Contains(repeated, w.Seq) })
	writes = dropRepeated(writes)
	if len(repeated) > 0 {
		if writes, err = tx.bringBack(into, writes); err != nil {
			return err
		}
	}
	tx.setTraits(into, writes)
	return nil
}

// dropRepeated drops the writes of messages that another write tells to have arrived
// before: both profiles had them.
func dropRepeated(writes []profile.TraitWrite) []profile.TraitWrite {
	first := map[string]uint64{}
	for _, w := range writes {
		if seq, ok := first[w.MessageID]; !ok || w.Seq < seq {
			first[w.MessageID] = w.Seq
		}
	}
	return slices.DeleteFunc(writes, func(w profile.TraitWrite) bool {
		return w.MessageID != "" && first[w.MessageID] < w.Seq
	})
}

// bringBack adds the writes of all trait calls that are kept of a profile: what a repeated
// one superseded counts again.
func (tx *tx) bringBack(t *touched, writes []profile.TraitWrite) ([]profile.TraitWrite, error) {
	type of struct {
		name string
		seq  uint64
	}
	has := make(map[of]bool, len(writes))
	for _, w := range writes {
		has[of{w.Name, w.Seq}] = true
	}
	r, err := tx.rows()
	if err != nil {
		return nil, err
	}
	prefix := append(appendOwnKey(nil, t.ref), ownCalls)
	err = eachRow(r, prefix, func(key, value []byte) error {
		if nanoOf(key) < tx.cutoff {
			return nil
		}
		m, err := readMessage(bytes.Clone(value), tx.s.dict)
		if err == nil {
			err = m.readTail(key[len(prefix):])
		}
		if err != nil {
			return damaged(key, err)
		}
		for _, w := range m.writes() {
			if !has[of{w.Name, w.Seq}] {
				writes = append(writes, w)
			}
		}
		return nil
	})
	return writes, tx.s.fault.of(err)
}

func (tx *tx) mergeLinks(into, from *touched, links *head) error {
	tx.addIDs(into, links.ids)
	for _, account := range links.senders {
		tx.addSender(into, account)
	}
	for _, account := range links.accounts {
		tx.attach(into, account)
	}
	added := append(slices.Clone(links.aliases), from.ref.ID)
	into.aliases, into.headDirty = slices.Concat(into.aliases, added), true
	for _, id := range added {
		if err := tx.setAlias(id, into.ref.ID); err != nil {
			return err
		}
	}
	return nil
}

// setAlias has an id that was merged name a user; nobody, if that is empty.
func (tx *tx) setAlias(id, into string) error {
	t, err := tx.at(profile.UserRef(id))
	if err != nil {
		return err
	}
	t.head = head{into: into}
	t.exists = false
	t.headDirty = into != ""
	if into == "" {
		tx.delete(appendHeadKey(nil, t.ref))
		t.parts, t.seen, t.own, t.fresh, t.hashes = allParts, &seenSet{}, true, nil, nil
	}
	return nil
}

// remove takes a profile out of the store, with all that is its own.
func (tx *tx) remove(t *touched) {
	if !t.exists {
		return
	}
	nums := tx.numbers()
	for _, m := range t.members {
		if _, ok := nums.key(m.number); ok {
			tx.removeMember(t, m.number)
		}
	}
	for _, v := range t.values {
		if _, ok := nums.key(v.number); ok {
			tx.deleteLater(appendHolderKey(nil, spaceValues, v.number, t.ref))
		}
	}
	tx.moveWake(t, never)
	for _, id := range t.ids {
		tx.delete(appendIDKey(nil, t.ref.Subject, id, t.ref.ID))
	}
	for _, account := range t.accounts {
		tx.delete(appendPairKey(nil, spaceJoins, account, t.ref.ID))
	}
	for _, account := range t.senders {
		tx.delete(appendPairKey(nil, spaceSenders, account, t.ref.ID))
	}
	from, to := ownRange(t.ref)
	tx.deleteRange(from, to)
	tx.delete(appendHeadKey(nil, t.ref))
	tx.more.profiles[t.ref.Subject]--
	t.record = record{ref: t.ref, state: noState(), parts: allParts, seen: &seenSet{}}
	t.own, t.fresh, t.hashes = true, nil, nil
	t.headDirty, t.stateDirty, t.traitsDirty = false, false, false
}

func (tx *tx) deleteProfile(c *profile.Delete) error {
	t, err := tx.find(c.Ref, partRecord)
	if err != nil {
		return err
	}
	if c.OutID, c.Existed = t.ref.ID, t.exists; !t.exists {
		return nil
	}
	if err := tx.bury(t); err != nil {
		return err
	}
	aliases := t.aliases
	tx.remove(t)
	for _, id := range aliases {
		if err := tx.setAlias(id, ""); err != nil {
			return err
		}
	}
	if t.ref.Subject == profile.Account {
		return tx.detachAll(t.ref.ID)
	}
	return nil
}

// detachAll detaches an account's users.
func (tx *tx) detachAll(account string) error {
	r, err := tx.rows()
	if err != nil {
		return err
	}
	var users []string
	prefix := appendPairKey(nil, spaceJoins, account, "")
	err = eachRow(r, prefix, func(key, _ []byte) error {
		users = append(users, string(key[len(prefix):]))
		return nil
	})
	if err != nil {
		return tx.s.fault.of(err)
	}
	for _, user := range users {
		t, err := tx.at(profile.UserRef(user))
		if err != nil {
			return err
		}
		tx.detach(t, account)
	}
	return nil
}
