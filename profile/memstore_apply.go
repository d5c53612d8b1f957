package profile

import (
	"math/bits"
	"slices"
	"strings"
	"time"
	"unique"
)

// tx is the transaction of a MemStore: all shards that it needs are locked. Each change
// is made at once, in place, and what undoes it noted; but for the changes of
// memberships, computed values and wakes, which wait for the end of the transaction or, if it
// comes before, for the next time that something is read: mostly there is nothing to
// undo of them.
type tx struct {
	*state
	reader
	store  *MemStore
	locked shardSet
	whole  bool // it may touch all
	about  Ref  // the first that it was begun for
	now    int64
	cutoff int64  // events before it are dropped
	first  uint64 // the last arrival number before its own
	last   uint64 // of its own

	duplicates time.Duration // how long messages of deleted profiles stay duplicates

	pending []Change  // yet to be made
	undo    []undo    // what has been made, from the last to the first
	trims   []*record // to be trimmed at the end
	tells   []Change  // of the outbox, to be made at the end
	ending  bool      // nothing is undone any more
	over    bool      // it is nobody's

	// What checkLimits has looked up for the one change of a batch: its first use.
	checked    bool
	checkedRef Ref
	found      resolved

	// The changes that are consequences of one profile come together: it is looked
	// up for the first of them.
	entering  Ref
	entered   *record
	enteredAt *shard
}

// tick moves the latest instant of the shards that are locked to that of the
// transaction. The store's is the latest of them: one for all would be written
// by everyone.
func (tx *tx) tick() {
	for left := tx.locked; left != 0; left &= left - 1 {
		sh := &tx.shards[bits.TrailingZeros32(uint32(left))]
		if tx.now > sh.now.Load() {
			sh.now.Store(tx.now)
		}
		sh.deleted.expire(tx.now)
	}
}

func (tx *tx) apply(c Change) {
	if !isConsequence(c) {
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
	case *SetWake:
		tx.setWake(c)
	case *Tell, *SetCursor, *SetRecord, *SetPosition:
		tx.tells = append(tx.tells, c)
	case *DropValues:
		tx.dropValues(c.Key)
	case *UseKey:
		tx.onAbort(tx.keys.put(c.Record))
	case *SetKey:
		tx.onAbort(tx.keys.put(c.Record))
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
		return tx.create(sh, ref), true
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
	tx.makeKnown(r, !c.Visitor)
	c.OutID = r.id
	c.OutSeq = tx.nextSeq()

	body := appendBody(sh.scratch[:0], &m, e, tx.dict)
	tx.insert(r, e.Name, t, c.OutSeq, &m, body)
	sh.keepScratch(body)
	if e.Account != "" {
		tx.addSender(sh, r, e.Account)
	}
	tx.trim(r)
	tx.entering, tx.enteredAt, tx.entered = Ref{User, r.id}, sh, r // what follows is of it
}

// insert adds an event, or the message id of a call, to a record that may be written to.
func (tx *tx) insert(r *record, name string, t int64, seq uint64, m *messageID, body []byte) {
	hash := m.hash
	s := r.addSeries(name)
	s.insert(t, seq, body)
	if hash != 0 {
		r.note(tx.seed, hash, t)
	}
	tx.undo = append(tx.undo, undo{kind: undoInsert, in: r, name: s.name, hash: hash, time: t, seq: seq})
}

// undo undoes one change. Those that most transactions make are no functions, which would
// be allocated.
type undo struct {
	kind undoKind
	do   func()

	in      *record
	at      *shard
	subject Subject
	name    unique.Handle[string] // of an event's series
	hash    uint32                // of its message id; 0: none
	time    int64
	seq     uint64
}

type undoKind uint8

const (
	undoAny undoKind = iota
	undoInsert
	undoCreate
	undoKnown
)

func (u *undo) run() {
	switch u.kind {
	case undoAny:
		u.do()
	case undoInsert:
		u.undoInsert()
	case undoCreate:
		u.at.remove(u.subject, u.in)
	case undoKnown:
		u.in.known = false
	}
}

func (u *undo) undoInsert() {
	r := u.in
	if u.hash != 0 {
		r.seen.remove(u.hash, u.time)
	}
	i, _ := r.findSeries(u.name.Value())
	s := &r.series[i]
	for k := s.search(u.time); k < s.len(); k++ {
		for c := s.at(k).events(); c.next(); {
			if c.seq != u.seq {
				continue
			}
			if s.drop(k, u.seq); s.empty() {
				r.series = slices.Delete(r.series, i, i+1)
			}
			return
		}
	}
}

// nextSeq returns the next arrival number.
func (tx *tx) nextSeq() uint64 {
	seq := tx.seq.Add(1)
	if tx.last == 0 {
		tx.first = seq - 1
	}
	tx.last = seq
	return seq
}

func (tx *tx) makeKnown(r *record, known bool) {
	if known && !r.known {
		r.known = true
		tx.undo = append(tx.undo, undo{kind: undoKnown, in: r})
	}
}

// link sets the links of a record that may be written to.
func (tx *tx) link(r *record, l *links) {
	before := r.links
	r.links = l
	tx.onAbort(func() { r.links = before })
}

// setTraits sets the packed trait writes of a record that may be written to.
func (tx *tx) setTraits(r *record, packed []byte) {
	before := r.traits
	r.traits = packed
	tx.onAbort(func() { r.traits = before })
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
	index(tx, sh.senders, pair{senders[i], r.id})
	l.senders = senders
	tx.link(r, &l)
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
	tx.makeKnown(r, !c.Visitor)
	c.OutID = r.id
	c.OutSeq = tx.nextSeq()

	writes := unpackTraits(r.traits, tx.dict)
	for name, v := range c.Traits.All() {
		writes = append(writes, TraitWrite{Name: name, Value: v, Time: c.Time, MessageID: c.MessageID, Seq: c.OutSeq})
	}
	tx.setTraits(r, packTraits(pruneTraits(writes, tx.now), tx.dict))
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
		tx.insert(r, "", tx.now, seq, m, m.append([]byte{m.form}))
	}
}

// rememberTraits is remember for a trait call of a user, with all that it set: a
// merge may find that another call, which has superseded a write of this one,
// should never have counted.
func (tx *tx) rememberTraits(sh *shard, r *record, m *messageID, c *PutTraits) {
	body := appendTraitCall(sh.scratch[:0], m, c, tx.dict)
	tx.insert(r, "", tx.now, c.OutSeq, m, body)
	sh.keepScratch(body)
}

// seen reports whether a message is a duplicate: its id came before to the
// profile that ref, as the message has it, names, or to one of ref's that was
// deleted. The record is that of the profile, nil if there is none; name and t
// are where a message sent twice is found at once.
func (tx *tx) seen(ref Ref, r *record, m *messageID, name string, t int64) bool {
	if m.form == idNone {
		return false
	}
	return r != nil && r.has(m, name, t, tx.cutoff) || tx.shard(ref.ID).deleted.had(ref, m, tx.now)
}
