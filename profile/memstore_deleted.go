package profile

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"

	"github.com/tidwall/btree"
)

// deletedIDs are the message ids of a shard's deleted profiles, for as long as
// their messages stay duplicates. Nothing else of the persons is kept than hashes of their
// ids and of the message ids. A nil list is empty.
type deletedIDs struct {
	list  *btree.BTreeG[deletedEntry] // by profile
	queue *btree.BTreeG[deletedEntry] // by when they are forgotten
	n     uint64                      // of the last that was added
}

// deletedEntry is one that is remembered, by one of its ids.
type deletedEntry struct {
	profile  Hash
	until    int64
	n        uint64
	messages []Hash // ascending; all ids of a profile share them
}

func (d *deletedIDs) init() {
	unlocked := btree.Options{NoLocks: true}
	d.list = btree.NewBTreeGOptions(func(a, b deletedEntry) bool {
		return cmp.Or(a.profile.Compare(b.profile), cmp.Compare(a.n, b.n)) < 0
	}, unlocked)
	d.queue = btree.NewBTreeGOptions(func(a, b deletedEntry) bool {
		return cmp.Or(cmp.Compare(a.until, b.until), cmp.Compare(a.n, b.n)) < 0
	}, unlocked)
}

// had reports whether a profile of an id had a message.
func (d *deletedIDs) had(ref Ref, m *messageID, now int64) (had bool) {
	if d.list == nil || d.list.Len() == 0 {
		return false
	}
	id := HashRef(ref)
	d.list.Ascend(deletedEntry{profile: id}, func(e deletedEntry) bool {
		if e.profile != id {
			return false
		}
		if now < e.until {
			_, had = slices.BinarySearchFunc(e.messages, m.wide(), Hash.Compare)
		}
		return !had
	})
	return had
}

func (d *deletedIDs) add(profile Hash, until int64, messages []Hash) deletedEntry {
	if d.list == nil {
		d.init()
	}
	d.n++
	e := deletedEntry{profile, until, d.n, messages}
	d.list.Set(e)
	d.queue.Set(e)
	return e
}

func (d *deletedIDs) remove(e deletedEntry) {
	d.list.Delete(e)
	d.queue.Delete(e)
}

// expire lets go of what is forgotten by now.
func (d *deletedIDs) expire(now int64) {
	if d.list == nil {
		return
	}
	for e, ok := d.queue.Min(); ok && e.until <= now; e, ok = d.queue.Min() {
		d.remove(e)
	}
}

// freeze makes into a copy for reading.
func (d *deletedIDs) freeze(into *deletedIDs) {
	if d.list != nil {
		into.list = d.list.Copy()
	}
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
	messages := make([]Hash, 0, r.seen.n)
	for i := range r.series {
		for w := r.series[i].walk(); w.next(); {
			if h, ok := wideOf(w.body); ok && w.time >= tx.cutoff {
				messages = append(messages, h)
			}
		}
	}
	if len(messages) == 0 {
		return
	}
	slices.SortFunc(messages, Hash.Compare)
	for _, id := range append([]string{ref.ID}, r.linked().aliases...) {
		d := &tx.shard(id).deleted
		e := d.add(HashRef(Ref{ref.Subject, id}), until, messages)
		tx.onAbort(func() { d.remove(e) })
	}
}

// Deleted implements Reader.
func (r *reader) Deleted(ctx context.Context) iter.Seq2[Deleted, error] {
	return func(yield func(Deleted, error) bool) {
		st, err := r.enterAll(ctx)
		if err != nil {
			yield(Deleted{}, err)
			return
		}
		for _, d := range r.deleted(st) {
			if _, err := r.enter(ctx); err != nil {
				yield(Deleted{}, err)
				return
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}

// deleted returns what is remembered. The hashes themselves are shared, not copied.
func (r *reader) deleted(st *state) (all []Deleted) {
	defer r.lockAll(st)()
	now := st.latest()
	if r.tx != nil {
		now = max(now, r.tx.now)
	}
	for i := range st.shards {
		if d := &st.shards[i].deleted; d.list != nil {
			d.list.Scan(func(e deletedEntry) bool {
				if now < e.until {
					all = append(all, Deleted{e.profile, fromNano(e.until), e.messages})
				}
				return true
			})
		}
	}
	slices.SortFunc(all, CompareDeleted)
	return all
}
