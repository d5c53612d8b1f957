package profile

import (
	"slices"
	"strings"
)

func (tx *tx) merge(c *Merge) {
	shFrom, from, rFrom := tx.resolve(UserRef(c.From))
	shInto, into, rInto := tx.resolve(UserRef(c.Into))
	c.OutFrom, c.OutInto, c.Created, c.Duplicate = from.ID, into.ID, false, false
	m := tx.message(c.MessageID)
	if tx.seen(UserRef(c.Into), rInto, &m, "", tx.now) {
		c.Duplicate = true
		return
	}
	if from == into {
		return
	}
	rInto, c.Created = tx.writable(shInto, into, rInto)
	tx.makeKnown(rInto, true)
	if rFrom == nil {
		rFrom = &record{id: strings.Clone(from.ID), wake: never}
	} else {
		tx.remove(shFrom, User, rFrom)
	}
	tx.leaveAll(shFrom, User, rFrom)
	tx.unlink(shFrom, User, rFrom)

	// rFrom may still be read by a snapshot: it is not changed from here on.
	repeated := tx.mergeEvents(rInto, rFrom)
	tx.mergeLinks(shInto, rInto, rFrom)
	if len(rInto.traits)+len(rFrom.traits)+len(repeated) > 0 {
		writes := append(unpackTraits(rInto.traits, tx.dict), unpackTraits(rFrom.traits, tx.dict)...)
		writes = slices.DeleteFunc(writes, func(w TraitWrite) bool { return slices.Contains(repeated, w.Seq) })
		writes = dropRepeated(writes)
		if len(repeated) > 0 {
			writes = tx.bringBack(rInto, writes)
		}
		tx.setTraits(rInto, packTraits(pruneTraits(writes, tx.now), tx.dict))
	}
	if m.form != idNone && !rInto.has(&m, "", tx.now, tx.cutoff) {
		tx.remember(rInto, &m, tx.nextSeq())
	}
	tx.trim(rInto)
}

// bringBack adds the writes of all trait calls that are kept of a profile: what a
// repeated one superseded counts again.
func (tx *tx) bringBack(r *record, writes []TraitWrite) []TraitWrite {
	type of struct {
		name string
		seq  uint64
	}
	has := make(map[of]bool, len(writes))
	for _, w := range writes {
		has[of{w.Name, w.Seq}] = true
	}
	i, ok := r.findSeries("")
	if !ok {
		return writes
	}
	var all []TraitWrite
	for c := r.series[i].walk(); c.next(); {
		if c.time >= tx.cutoff {
			all = appendWrites(all, &c.cursor, tx.dict)
		}
	}
	for _, w := range all {
		if !has[of{w.Name, w.Seq}] {
			writes = append(writes, w)
		}
	}
	return writes
}

// mergeEvents adds the events of from to into, each message id once. It returns
// the arrival numbers of the trait calls that were sent before, by their ids.
func (tx *tx) mergeEvents(into, from *record) (repeated []uint64) {
	before := slices.Clone(into.series)
	var seen []seenChange
	tx.onAbort(func() {
		into.series = before
		for _, c := range slices.Backward(seen) {
			c.undo(&into.seen)
		}
	})
	for i := range from.series {
		s := from.series[i]
		s = tx.without(into, s, &repeated, &seen)
		if s.empty() {
			continue
		}
		for w := s.walk(); w.next(); {
			if h, ok := hashOf(tx.seed, w.body); ok {
				into.seen.add(h, w.time)
				seen = append(seen, seenChange{h, w.time, true})
			}
		}
		if to := into.addSeries(s.name.Value()); to.empty() {
			*to = s
		} else {
			to.merge(&s)
		}
	}
	into.noteSpans(tx.seed)
	return repeated
}

// seenChange is a hash that a merge adds to a set of message ids, or removes.
type seenChange struct {
	hash  uint32
	time  int64
	added bool
}

func (c seenChange) undo(s *hashSet) {
	if c.added {
		s.remove(c.hash, c.time)
	} else {
		s.add(c.hash, c.time)
	}
}

// without returns s without the messages that into has from an earlier arrival, and without
// those that are older than the retention. Those that it has from a later one are removed
// from into.
func (tx *tx) without(into *record, s series, repeated *[]uint64, seen *[]seenChange) series {
	traits := s.name.Value() == ""
	kept := chunks{limit: chunkSize}
	lost := false
	for w := s.walk(); w.next(); {
		if w.time < tx.cutoff {
			lost = true
			continue
		}
		h, ok := hashOf(tx.seed, w.body)
		if ok && into.seen.has(h) {
			if at, found := into.locateBody(w.body, h, tx.cutoff); found {
				if at.seq < w.seq {
					if lost = true; traits {
						*repeated = append(*repeated, w.seq)
					}
					continue
				}
				if into.series[at.series].name.Value() == "" {
					*repeated = append(*repeated, at.seq)
				}
				into.drop(at, h)
				*seen = append(*seen, seenChange{h, at.time, false})
			}
		}
		kept.add(w.time, w.seq, w.body)
	}
	if lost {
		s.setAll(kept.list)
	}
	return s
}

// locateBody finds the message with the message id of a packed one.
func (r *record) locateBody(body []byte, hash uint32, cutoff int64) (place, bool) {
	raw, _ := idOf(body)
	m := messageID{form: body[0] & idMask, hash: hash}
	if m.form == idUUID {
		copy(m.uuid[:], raw)
	} else {
		m.text = string(raw)
	}
	return r.locate(&m, cutoff)
}

// drop removes an event.
func (r *record) drop(at place, hash uint32) {
	s := &r.series[at.series]
	s.drop(at.chunk, at.seq)
	if s.empty() {
		r.series = slices.Delete(r.series, at.series, at.series+1)
	}
	r.seen.remove(hash, at.time)
}

func (tx *tx) mergeLinks(sh *shard, into, from *record) {
	f := from.linked()
	tx.addIDs(sh, User, into, f.ids)
	for _, account := range f.senders {
		tx.addSender(sh, into, account)
	}
	for _, account := range f.accounts {
		tx.attach(sh, into, account)
	}
	l := into.linked()
	added := append(slices.Clip(f.aliases), from.id)
	l.aliases = slices.Concat(l.aliases, added)
	tx.link(into, &l)
	for _, id := range added {
		tx.setAlias(id, into.id)
	}
}

// setAlias has an id that was merged resolve to a user; to none, if that is empty.
func (tx *tx) setAlias(id, into string) {
	aliases := tx.shard(id).aliases
	before, was := aliases.Delete(id)
	if into != "" {
		aliases.Set(id, into)
	}
	tx.onAbort(func() {
		if aliases.Delete(id); was {
			aliases.Set(id, before)
		}
	})
}

// remove takes a profile out of its shard.
func (tx *tx) remove(sh *shard, s Subject, r *record) {
	sh.remove(s, r)
	tx.onAbort(func() { sh.put(s, r) })
	if r.wake != never {
		unindex(tx, sh.wakes, wakeEntry{r.wake, s, r.id})
	}
}

// unlink takes a profile out of the indexes of its links.
func (tx *tx) unlink(sh *shard, s Subject, r *record) {
	l := r.linked()
	for _, id := range l.ids {
		unindex(tx, sh.ids, idEntry{id, s, r.id})
	}
	for _, account := range l.accounts {
		unindex(tx, sh.joins, pair{account, r.id})
	}
	for _, account := range l.senders {
		unindex(tx, sh.senders, pair{account, r.id})
	}
}

func (tx *tx) delete(c *Delete) {
	sh, ref, r := tx.resolve(c.Ref)
	c.OutID, c.Existed = ref.ID, r != nil
	if r == nil {
		return
	}
	tx.bury(ref, r)
	tx.leaveAll(sh, ref.Subject, r)
	tx.remove(sh, ref.Subject, r)
	tx.unlink(sh, ref.Subject, r)
	for _, id := range r.linked().aliases {
		tx.setAlias(id, "")
	}
	if ref.Subject == Account {
		tx.detachAll(ref.ID)
	}
}

// detachAll detaches an account's users.
func (tx *tx) detachAll(account string) {
	for i := range tx.shards {
		sh := &tx.shards[i]
		var users []string
		sh.joins.Ascend(pair{account: account}, func(p pair) bool {
			if p.account != account {
				return false
			}
			users = append(users, p.user)
			return true
		})
		for _, user := range users {
			tx.detach(sh, sh.find(UserRef(user)), account)
		}
	}
}

func (tx *tx) join(c *Join) {
	sh, ref, r := tx.resolve(UserRef(c.User))
	c.OutUser, c.CreatedUser, c.CreatedAccount, c.Changed, c.Duplicate = ref.ID, false, false, false, false
	m := tx.message(c.MessageID)
	if tx.seen(UserRef(c.User), r, &m, "", tx.now) {
		c.Duplicate = true
		return
	}
	r, c.CreatedUser = tx.writable(sh, ref, r)
	tx.makeKnown(r, !c.Visitor)
	c.OutUser = r.id
	if m.form != idNone {
		tx.remember(r, &m, tx.nextSeq())
	}
	account := AccountRef(c.Account)
	shAccount := tx.shard(c.Account)
	ra := shAccount.find(account)
	if c.CreatedAccount = ra == nil; c.CreatedAccount {
		ra = tx.create(shAccount, account)
	}
	c.Changed = tx.attach(sh, r, ra.id)
	tx.trim(r)
}

func (tx *tx) leave(c *Leave) {
	sh, ref, r := tx.resolve(UserRef(c.User))
	c.OutUser, c.Changed = ref.ID, false
	if r != nil {
		c.Changed = tx.detach(sh, r, c.Account)
	}
}

func (tx *tx) attach(sh *shard, r *record, account string) bool {
	l := r.linked()
	accounts, added := insertSorted(l.accounts, account)
	if added {
		l.accounts = accounts
		tx.link(r, &l)
		index(tx, sh.joins, pair{account, r.id})
	}
	return added
}

func (tx *tx) detach(sh *shard, r *record, account string) bool {
	l := r.linked()
	accounts, removed := removeSorted(l.accounts, account)
	if removed {
		r = tx.own(sh, User, r)
		l.accounts = accounts
		tx.link(r, &l)
		unindex(tx, sh.joins, pair{account, r.id})
	}
	return removed
}

// dropRepeated drops the writes of messages that another write tells to have
// arrived before: both profiles had them.
func dropRepeated(writes []TraitWrite) []TraitWrite {
	first := map[string]uint64{}
	for _, w := range writes {
		if seq, ok := first[w.MessageID]; !ok || w.Seq < seq {
			first[w.MessageID] = w.Seq
		}
	}
	return slices.DeleteFunc(writes, func(w TraitWrite) bool {
		return w.MessageID != "" && first[w.MessageID] < w.Seq
	})
}
