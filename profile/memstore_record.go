package profile

import (
	"hash/maphash"
	"math"
	"slices"
	"sort"
	"strings"
	"unique"
)

// record is one profile. A record that an open snapshot can see is never
// changed, but replaced by a copy first: see shard.own.
type record struct {
	id string
	// What scans read comes together, after the id.
	links    *links // nil: none
	members  []membership
	computed *[]computed // values of computed traits; nil: none

	gen    uint64   // the number of snapshots taken when it was made: only later ones see it
	series []series // by name; that of no name holds the message ids of trait calls
	seen   hashSet  // of message ids; only the live record's is read
	traits []byte   // packed writes, replaced as a whole
	known  bool     // see Reader.Known

	version uint32    // see Wake
	wake    int64     // never: none
	marks   *[]uint64 // nil: none
	counts  *counts   // nil: none
}

// counts are those of a Wake.
type counts struct {
	of      []UsersCount
	version uint32
}

// links are a profile's ties to others and its ids elsewhere: sorted slices that
// are replaced, never changed in place.
type links struct {
	aliases  []string // ids merged into this profile
	ids      []ExternalID
	accounts []string // attached to
	senders  []string // accounts that events were sent for
}

func (r *record) linked() links {
	if r.links == nil {
		return links{}
	}
	return *r.links
}

// create adds a profile to its shard.
func (tx *tx) create(sh *shard, ref Ref) *record {
	r := &record{id: strings.Clone(ref.ID), gen: tx.gen.Load(), wake: never}
	sh.put(ref.Subject, r)
	tx.undo = append(tx.undo, undo{kind: undoCreate, in: r, at: sh, subject: ref.Subject})
	return r
}

func (sh *shard) put(s Subject, r *record) {
	sh.live[s][r.id] = r
	sh.profiles[s].Set(r)
}

// remove takes a profile out of its shard.
func (sh *shard) remove(s Subject, r *record) {
	delete(sh.live[s], r.id)
	sh.profiles[s].Delete(r)
}

// own returns the record to write to in place of r: r itself unless an open
// snapshot sees it.
func (tx *tx) own(sh *shard, s Subject, r *record) *record {
	if r.gen >= tx.frozen.Load() {
		return r
	}
	c := *r
	c.gen = tx.gen.Load()
	c.series = slices.Clone(r.series)
	c.members = slices.Clone(r.members)
	c.computed = r.shareComputed()
	sh.put(s, &c)
	sh.members[s].replace(&c)
	return &c
}

// findSeries returns the place of the series of a name, or where it would be.
func (r *record) findSeries(name string) (int, bool) {
	if len(r.series) <= 8 {
		for i := range r.series {
			if have := r.series[i].name.Value(); have == name {
				return i, true
			}
		}
	}
	i := sort.Search(len(r.series), func(i int) bool { return r.series[i].name.Value() >= name })
	return i, i < len(r.series) && r.series[i].name.Value() == name
}

// addSeries returns the series of a name, which is made if there is none.
func (r *record) addSeries(name string) *series {
	i, ok := r.findSeries(name)
	if !ok {
		if n := len(r.series); n == cap(r.series) {
			// Profiles are many and their event names few: grow by little.
			grown := make([]series, n, n+1+n/4)
			copy(grown, r.series)
			r.series = grown
		}
		r.series = slices.Insert(r.series, i, series{name: unique.Make(name)})
	}
	return &r.series[i]
}

// has reports whether a message id was seen before, with a message that is not older than
// cutoff: older ones are dropped by and by, and whether they still are here makes no
// difference. name and t are where a message sent twice is found at once.
func (r *record) has(m *messageID, name string, t, cutoff int64) bool {
	if m.form == idNone || !r.seen.has(m.hash) {
		return false
	}
	if i, ok := r.findSeries(name); ok && t >= cutoff && r.series[i].holdsAt(m, t) {
		return true
	}
	_, ok := r.locate(m, cutoff)
	return ok
}

// place is where an event is kept.
type place struct {
	series, chunk int
	time          int64
	seq           uint64
}

// locate searches all series for a message id, of messages that are not older than cutoff.
func (r *record) locate(m *messageID, cutoff int64) (place, bool) {
	if !r.seen.large {
		return r.locateIn(m, cutoff, math.MaxInt64)
	}
	for i := range r.seen.find(m.hash) {
		from := int64(uint64(*r.seen.span(i))<<32 + uint64(minNano))
		if at, found := r.locateIn(m, max(from, cutoff), from+(1<<32-1)); found {
			return at, true
		}
	}
	return place{}, false
}

// locateIn searches the events from one time to another.
func (r *record) locateIn(m *messageID, from, to int64) (place, bool) {
	for i := range r.series {
		s := &r.series[i]
	chunks:
		for k := s.search(from); k < s.len(); k++ {
			for c := s.at(k).events(); c.next(); {
				switch {
				case c.time > to:
					break chunks
				case c.time >= from && m.is(c.body):
					return place{i, k, c.time, c.seq}, true
				}
			}
		}
	}
	return place{}, false
}

// note remembers that a message, which the series have, was seen.
func (r *record) note(seed maphash.Seed, hash uint32, t int64) {
	r.seen.add(hash, t)
	r.noteSpans(seed)
}

// noteSpans has the set of message ids say when, if it has become large.
func (r *record) noteSpans(seed maphash.Seed) {
	if r.seen.large || r.seen.size() <= smallSet {
		return
	}
	r.seen.clear(r.seen.size(), true)
	for i := range r.series {
		for w := r.series[i].walk(); w.next(); {
			if h, ok := hashOf(seed, w.body); ok {
				r.seen.place(h, spanOf(w.time))
			}
		}
	}
}

// trim has chunks dropped whose events are all older than cutoff, when the transaction
// ends.
func (tx *tx) trim(r *record) {
	if tx.cutoff != never {
		tx.trims = append(tx.trims, r)
	}
}

func (tx *tx) trimNow(r *record) {
	empty := false
	for i := range r.series {
		s := &r.series[i]
		for _, old := range s.trim(tx.cutoff) {
			for c := old.events(); c.next(); {
				if h, ok := hashOf(tx.seed, c.body); ok {
					r.seen.remove(h, c.time)
				}
			}
		}
		empty = empty || s.empty()
	}
	if empty {
		r.series = slices.DeleteFunc(r.series, func(s series) bool { return s.empty() })
	}
}

// insertSorted returns a copy of list with s in it, and whether it was new.
func insertSorted(list []string, s string) ([]string, bool) {
	i, ok := slices.BinarySearch(list, s)
	if ok {
		return list, false
	}
	return slices.Insert(slices.Clip(list), i, s), true
}

// removeSorted returns a copy of list without s, and whether it was there.
func removeSorted(list []string, s string) ([]string, bool) {
	i, ok := slices.BinarySearch(list, s)
	if !ok {
		return list, false
	}
	return slices.Concat(list[:i], list[i+1:]), true
}
