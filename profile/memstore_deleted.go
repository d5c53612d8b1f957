package profile

import (
	"hash/maphash"
	"math"
	"slices"
)

// deletedIDs are the message ids of a shard's deleted profiles, for as long as
// their messages stay duplicates. Nothing else of the persons is kept: profile
// ids and message ids are 64-bit hashes under the store's random seed, so that a
// message is mistaken for one of n that a deleted profile had with a chance of
// n in 2^64.
type deletedIDs struct {
	byIdentity map[uint64][]*deletedMessages // nil: none
	queue      []deletedIdentity             // in the order in which they were added
}

// deletedMessages are the messages that one deleted profile had. All its ids
// share them.
type deletedMessages struct {
	sums  []uint64 // of the message ids, ascending
	until int64    // when they are forgotten
}

type deletedIdentity struct {
	identity uint64
	until    int64
}

// had reports whether a profile of an identity had a message.
func (d *deletedIDs) had(identity, sum uint64, now int64) bool {
	for _, m := range d.byIdentity[identity] {
		if _, ok := slices.BinarySearch(m.sums, sum); ok && now < m.until {
			return true
		}
	}
	return false
}

func (d *deletedIDs) add(identity uint64, m *deletedMessages) {
	if d.byIdentity == nil {
		d.byIdentity = map[uint64][]*deletedMessages{}
	}
	d.byIdentity[identity] = append(d.byIdentity[identity], m)
	d.queue = append(d.queue, deletedIdentity{identity, m.until})
}

// removeLast undoes the last add, which was of an identity.
func (d *deletedIDs) removeLast(identity uint64) {
	of := d.byIdentity[identity]
	if d.byIdentity[identity] = of[:len(of)-1]; len(of) == 1 {
		delete(d.byIdentity, identity)
	}
	d.queue = d.queue[:len(d.queue)-1]
}

// expire lets go of what is forgotten by now.
func (d *deletedIDs) expire(now int64) {
	n := 0
	for n < len(d.queue) && d.queue[n].until <= now {
		id := d.queue[n].identity
		left := slices.DeleteFunc(d.byIdentity[id], func(m *deletedMessages) bool { return m.until <= now })
		if len(left) == 0 {
			delete(d.byIdentity, id)
		} else {
			d.byIdentity[id] = left
		}
		n++
	}
	if d.queue = d.queue[n:]; len(d.queue) == 0 {
		d.queue = nil
	}
}

// identity returns the hash of a profile's id.
func (st *state) identity(ref Ref) uint64 {
	return maphash.Comparable(st.seed, ref)
}

// bury remembers the messages of a profile that is deleted. Its shard and those
// of all its ids are locked.
func (tx *tx) bury(ref Ref, r *record) {
	if tx.duplicates == 0 || r.seen.n == 0 {
		return
	}
	until := int64(math.MaxInt64)
	if tx.now <= math.MaxInt64-int64(tx.duplicates) {
		until = tx.now + int64(tx.duplicates)
	}
	m := &deletedMessages{sums: make([]uint64, 0, r.seen.n), until: until}
	for i := range r.series {
		for w := r.series[i].walk(); w.next(); {
			if sum, ok := sumOf(tx.seed, w.body); ok {
				m.sums = append(m.sums, sum)
			}
		}
	}
	slices.Sort(m.sums)
	for _, id := range append([]string{ref.ID}, r.linked().aliases...) {
		d, identity := &tx.shard(id).deleted, tx.identity(Ref{ref.Subject, id})
		d.add(identity, m)
		tx.onAbort(func() { d.removeLast(identity) })
	}
}
