package profile

import (
	"math/bits"
	"slices"
	"strings"
	"time"
)

// tx is one Apply under way: all shards that it needs are locked, and nothing
// can fail any more.
type tx struct {
	*state
	now    int64
	cutoff int64 // events before it are dropped

	duplicates time.Duration // how long messages of deleted profiles stay duplicates

	// What checkLimits has looked up for the one change of a batch: its first use.
	checked    bool
	checkedRef Ref
	found      resolved

	// The changes of memberships and computed values of one profile come
	// together: it is looked up for the first of them.
	entering  Ref
	entered   *record
	enteredAt *shard
}

// tick moves the latest instant of the shards that are locked to that of the
// transaction. The store's is the latest of them: one for all would be written
// by everyone.
func (tx *tx) tick(locked shardSet) {
	for left := locked; left != 0; left &= left - 1 {
		sh := &tx.shards[bits.TrailingZeros32(uint32(left))]
		if tx.now > sh.now.Load() {
			sh.now.Store(tx.now)
		}
		sh.deleted.expire(tx.now)
	}
}

func (tx *tx) apply(c Change) {
	switch c.(type) {
	case *SetMember, *SetValue:
	default:
		tx.entered = nil // it may be replaced
	}
	switch c := c.(type) {
	case *PutEvent:
		tx.putEvent(c)
	case *PutTraits:
		tx.putTraits(c)
	case *PutIDs:
		tx.putIDs(c)
	case *Merge:
		tx.merge(c)
	case *Delete:
		tx.delete(c)
	case *Join:
		tx.join(c)
	case *Leave:
		tx.leave(c)
	case *SetMember:
		tx.setMember(c)
	case *DropMembers:
		tx.dropMembers(c.Audience)
	case *SetValue:
		tx.setValue(c)
	case *DropValues:
		tx.dropValues(c.Key)
	case *UseKey:
		tx.keys.put(c.Record)
	case *SetKey:
		tx.keys.put(c.Record)
	}
}

// resolved is what resolve has returned.
type resolved struct {
	sh  *shard
	ref Ref
	r   *record
}

// resolve returns the profile that ref names: its shard, the ref that it is
// kept under, and its record, nil if there is none.
func (tx *tx) resolve(ref Ref) (*shard, Ref, *record) {
	if tx.checked && tx.checkedRef == ref {
		tx.checked = false
		return tx.found.sh, tx.found.ref, tx.found.r
	}
	sh := tx.shard(ref.ID)
	if r := sh.find(ref); r != nil {
		return sh, Ref{ref.Subject, r.id}, r
	}
	if target, ok := sh.alias(ref); ok {
		ref = UserRef(target)
		sh = tx.shard(target)
		return sh, ref, sh.find(ref)
	}
	return sh, ref, nil
}

// writable returns the record to write to, which is made if r is nil.
func (tx *tx) writable(sh *shard, ref Ref, r *record) (w *record, created bool) {
	if r == nil {
		return sh.create(ref, tx.gen.Load()), true
	}
	return tx.own(sh, ref.Subject, r), false
}

func (tx *tx) putEvent(c *PutEvent) {
	e := &c.Event
	sh, ref, r := tx.resolve(UserRef(e.Profile))
	c.OutID, c.OutSeq, c.Created, c.Duplicate, c.Dropped = ref.ID, 0, false, false, false
	t := e.Time.UnixNano()
	if t < tx.cutoff {
		c.Dropped = true
		return
	}
	m := tx.message(e.MessageID)
	if tx.seen(UserRef(e.Profile), r, &m, e.Name, t) {
		c.Duplicate = true
		return
	}
	r, c.Created = tx.writable(sh, ref, r)
	r.known = r.known || !c.Visitor
	c.OutID = r.id
	c.OutSeq = tx.seq.Add(1)

	body := appendBody(sh.scratch[:0], &m, e, tx.dict)
	r.addSeries(e.Name).insert(t, c.OutSeq, body)
	sh.keepScratch(body)
	if m.form != idNone {
		r.note(tx.seed, m.hash, t)
	}
	if e.Account != "" {
		tx.addSender(sh, r, e.Account)
	}
	tx.trim(r)
}

// keepScratch keeps a buffer for the next event, unless it is a giant's.
func (sh *shard) keepScratch(b []byte) {
	if cap(b) <= 64*chunkSize {
		sh.scratch = b
	}
}

func (tx *tx) addSender(sh *shard, r *record, account string) {
	l := r.linked()
	senders, added := insertSorted(l.senders, account)
	if !added {
		return
	}
	i, _ := slices.BinarySearch(senders, account)
	senders[i] = strings.Clone(account)
	sh.senders.Set(pair{senders[i], r.id})
	l.senders = senders
	r.links = &l
}

func (tx *tx) putTraits(c *PutTraits) {
	sh, ref, r := tx.resolve(c.Ref)
	c.OutID, c.OutSeq, c.Created, c.Duplicate = ref.ID, 0, false, false
	m := tx.message(c.MessageID)
	if tx.seen(c.Ref, r, &m, "", tx.now) {
		c.Duplicate = true
		return
	}
	r, c.Created = tx.writable(sh, ref, r)
	r.known = r.known || !c.Visitor
	c.OutID = r.id
	c.OutSeq = tx.seq.Add(1)

	writes := unpackTraits(r.traits, tx.dict)
	for name, v := range c.Traits.All() {
		writes = append(writes, TraitWrite{Name: name, Value: v, Time: c.Time, MessageID: c.MessageID, Seq: c.OutSeq})
	}
	r.traits = packTraits(pruneTraits(writes, tx.latest()), tx.dict)
	if ref.Subject == User {
		tx.rememberTraits(sh, r, &m, c)
	} else {
		tx.remember(r, &m, c.OutSeq)
	}
	tx.trim(r)
}

// remember keeps the id of a message that is no event: as an event of no name,
// at the time of its arrival, for the age of a trait does not make its
// redelivery new.
func (tx *tx) remember(r *record, m *messageID, seq uint64) {
	if m.form != idNone {
		r.addSeries("").insert(tx.now, seq, m.append([]byte{m.form}))
		r.note(tx.seed, m.hash, tx.now)
	}
}

// rememberTraits is remember for a trait call of a user, with all that it set: a
// merge may find that another call, which has superseded a write of this one,
// should never have counted.
func (tx *tx) rememberTraits(sh *shard, r *record, m *messageID, c *PutTraits) {
	body := appendTraitCall(sh.scratch[:0], m, c, tx.dict)
	r.addSeries("").insert(tx.now, c.OutSeq, body)
	sh.keepScratch(body)
	if m.form != idNone {
		r.note(tx.seed, m.hash, tx.now)
	}
}

// seen reports whether a message is a duplicate: its id came before to the
// profile that ref, as the message has it, names, or to one of ref's that was
// deleted. The record is that of the profile, nil if there is none; name and t
// are where a message sent twice is found at once.
func (tx *tx) seen(ref Ref, r *record, m *messageID, name string, t int64) bool {
	if m.form == idNone {
		return false
	}
	return r != nil && r.has(m, name, t) || tx.shard(ref.ID).deleted.had(tx.identity(ref), m.sum, tx.now)
}
