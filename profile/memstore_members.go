package profile

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
)

// Audiences have numbers. A record holds its memberships, so that a change of
// one costs no search among the members; and each shard lists the members of an
// audience in no order, so that few can be found among many profiles. To list
// them in order, few are sorted, and of many the profiles are gone through.

// membership is an entry of a record; they are in the order of the numbers.
type membership struct {
	audience uint32
	place    uint32 // in the shard's list
	since    int64
}

func compareMembership(m membership, audience uint32) int { return cmp.Compare(m.audience, audience) }

// in returns the record's membership in an audience.
func (r *record) in(audience uint32) (membership, bool) {
	i, ok := slices.BinarySearchFunc(r.members, audience, compareMembership)
	if !ok {
		return membership{}, false
	}
	return r.members[i], true
}

// memberLists are the members of each audience among the profiles of one
// subject in a shard, by the audience's number.
type memberLists [][]*record

func (l *memberLists) add(audience uint32, r *record) (place uint32) {
	if n := int(audience) + 1 - len(*l); n > 0 {
		*l = append(*l, make([][]*record, n)...)
	}
	list := &(*l)[audience]
	*list = append(*list, r)
	return uint32(len(*list) - 1)
}

// replace puts a record in the place of the one that it is a copy of.
func (l memberLists) replace(r *record) {
	for _, m := range r.members {
		l[m.audience][m.place] = r
	}
}

// of returns the members of an audience.
func (l memberLists) of(audience uint32) []*record {
	if int(audience) < len(l) {
		return l[audience]
	}
	return nil
}

// keyNumbers gives each audience and computed-trait key a number. Keys are never
// used twice and few, so numbers are never given back. It is shared with the
// snapshots.
type keyNumbers struct {
	mu   sync.RWMutex
	byID map[string]uint32
	keys []string
}

func newKeyNumbers() *keyNumbers { return &keyNumbers{byID: map[string]uint32{}} }

// find returns the number of a key that has one.
func (n *keyNumbers) find(key string) (uint32, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	id, ok := n.byID[key]
	return id, ok
}

// of returns the number of a key, giving it one.
func (n *keyNumbers) of(key string) uint32 {
	if id, ok := n.find(key); ok {
		return id
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if id, ok := n.byID[key]; ok {
		return id
	}
	id := uint32(len(n.keys))
	key = strings.Clone(key)
	n.byID[key] = id
	n.keys = append(n.keys, key)
	return id
}

func (n *keyNumbers) key(id uint32) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.keys[id]
}

// enter returns the record of a profile, to be written to, nil if there is none.
func (tx *tx) enter(ref Ref) (*shard, *record) {
	if tx.entered == nil || ref != tx.entering {
		sh, _, r := tx.resolve(ref)
		if r == nil {
			return sh, nil
		}
		tx.entering, tx.enteredAt, tx.entered = ref, sh, tx.own(sh, ref.Subject, r)
	}
	return tx.enteredAt, tx.entered
}

func (tx *tx) setMember(c *SetMember) {
	ref := c.Membership.Ref
	sh, r := tx.enter(ref)
	if r == nil {
		return
	}
	audience := tx.audiences.of(c.Membership.Audience)
	i, is := slices.BinarySearchFunc(r.members, audience, compareMembership)
	switch {
	case is == c.Member && !is:
		return
	case !c.Member:
		tx.removeMember(sh, ref.Subject, r, i)
		return
	}
	since := c.Membership.Since.UnixNano()
	if is {
		if !tx.ending {
			before := r.members[i].since
			tx.onAbort(func() { r.members[i].since = before })
		}
		r.members[i].since = since
		return
	}
	place := sh.members[ref.Subject].add(audience, r)
	r.members = slices.Insert(r.members, i, membership{audience, place, since})
	if tx.ending {
		return
	}
	tx.onAbort(func() {
		r.members = slices.Delete(r.members, i, i+1)
		list := &sh.members[ref.Subject][audience]
		*list = (*list)[:place]
	})
}

// removeMember removes the i-th membership of a record that may be written to.
func (tx *tx) removeMember(sh *shard, s Subject, r *record, i int) {
	m := r.members[i]
	r.members = slices.Delete(r.members, i, i+1)
	tx.vacate(sh, s, r, m)
	if !tx.ending {
		tx.onAbort(func() { r.members = slices.Insert(r.members, i, m) })
	}
}

// leaveAll takes a profile that is removed out of the lists.
func (tx *tx) leaveAll(sh *shard, s Subject, r *record) {
	for _, m := range r.members {
		tx.vacate(sh, s, r, m)
	}
}

// vacate moves the last member of a list to the place of one that leaves.
func (tx *tx) vacate(sh *shard, s Subject, r *record, m membership) {
	list := sh.members[s][m.audience]
	last := len(list) - 1
	moved := r
	if int(m.place) != last {
		moved = tx.own(sh, s, list[last])
		moved.moveMember(m.audience, m.place)
		list[m.place] = moved
	}
	list[last] = nil
	sh.members[s][m.audience] = list[:last]
	if tx.ending {
		return
	}
	tx.onAbort(func() {
		list := append(sh.members[s][m.audience], moved)
		if moved != r {
			moved.moveMember(m.audience, uint32(last))
			list[m.place] = r
		}
		sh.members[s][m.audience] = list
	})
}

// moveMember notes the place of the record in the list of an audience.
func (r *record) moveMember(audience, place uint32) {
	i, _ := slices.BinarySearchFunc(r.members, audience, compareMembership)
	r.members[i].place = place
}

func (tx *tx) dropMembers(key string) {
	audience, ok := tx.audiences.find(key)
	if !ok {
		return
	}
	for i := range tx.shards {
		sh := &tx.shards[i]
		for s := range sh.members {
			for {
				list := sh.members[s].of(audience)
				if len(list) == 0 {
					break
				}
				r := tx.own(sh, Subject(s), list[len(list)-1])
				at, _ := slices.BinarySearchFunc(r.members, audience, compareMembership)
				tx.removeMember(sh, Subject(s), r, at)
			}
		}
	}
}

// maxSorted is the number of members up to which they are sorted.
const maxSorted = 1 << 14

// Members implements Reader.
func (r *reader) Members(ctx context.Context, key, after string) iter.Seq2[Membership, error] {
	return func(yield func(Membership, error) bool) {
		st, err := r.enterAll(ctx)
		if err != nil {
			yield(Membership{}, err)
			return
		}
		audience, ok := st.audiences.find(key)
		if !ok {
			return
		}
		if few, ok := r.fewMembers(st, key, audience, after); ok {
			for _, m := range few {
				if err := ctx.Err(); err != nil {
					yield(Membership{}, err)
					return
				}
				if !yield(m, nil) {
					return
				}
			}
			return
		}
		// An audience is of users or of accounts.
		for s := range Subject(len(st.shards[0].profiles)) {
			members := scan[*record, Membership]{
				tree: profilesOf(s),
				key:  (*record).key,
				take: func(block []*record, to *page[*record, Membership]) {
					for _, r := range block {
						if m, ok := r.in(audience); ok {
							to.add(r.id, Membership{key, Ref{s, r.id}, fromNano(m.since)})
						}
					}
				},
			}
			for m, err := range members.after(ctx, r, &record{id: after}) {
				if !yield(m, err) || err != nil {
					return
				}
			}
		}
	}
}

// fewMembers returns the members of an audience after a profile id, sorted. It
// reports false if they are too many, or if there are no lists.
func (r *reader) fewMembers(st *state, key string, audience uint32, after string) ([]Membership, bool) {
	var few []Membership
	for i := range st.shards {
		sh := &st.shards[i]
		if sh.live[User] == nil {
			return nil, false // a snapshot
		}
		r.lock(sh)
		for s := range sh.members {
			for _, rec := range sh.members[s].of(audience) {
				if m, _ := rec.in(audience); rec.id > after {
					few = append(few, Membership{key, Ref{Subject(s), rec.id}, fromNano(m.since)})
				}
				if len(few) > maxSorted {
					r.unlock(sh)
					return nil, false
				}
			}
		}
		r.unlock(sh)
	}
	slices.SortFunc(few, func(a, b Membership) int {
		return cmp.Or(cmp.Compare(a.Ref.Subject, b.Ref.Subject), cmp.Compare(a.Ref.ID, b.Ref.ID))
	})
	return few, true
}

// MemberCount implements Reader.
func (r *reader) MemberCount(ctx context.Context, key string) (int, error) {
	st, err := r.enterAll(ctx)
	if err != nil {
		return 0, err
	}
	audience, ok := st.audiences.find(key)
	if !ok {
		return 0, nil
	}
	if st.counts != nil { // a snapshot
		return st.counts[audience], nil
	}
	defer r.lockAll(st)()
	return st.memberCount(audience), nil
}

func (st *state) memberCount(audience uint32) int {
	n := 0
	for i := range st.shards {
		for s := range st.shards[i].members {
			n += len(st.shards[i].members[s].of(audience))
		}
	}
	return n
}

// memberCounts returns the number of members of each audience, for a snapshot;
// the caller holds all locks.
func (st *state) memberCounts() map[uint32]int {
	counts := map[uint32]int{}
	for i := range st.shards {
		for s := range st.shards[i].members {
			for audience, list := range st.shards[i].members[s] {
				counts[uint32(audience)] += len(list)
			}
		}
	}
	return counts
}

// Memberships implements Reader.
func (r *reader) Memberships(ctx context.Context, ref Ref) ([]Membership, error) {
	st, err := r.enterRef(ctx, ref.Subject)
	if err != nil {
		return nil, err
	}
	sh, id, rec, err := r.view(st, ref)
	if err != nil {
		return nil, err
	}
	var list []Membership
	if rec != nil {
		for _, m := range rec.members {
			list = append(list, Membership{st.audiences.key(m.audience), Ref{ref.Subject, id}, fromNano(m.since)})
		}
	}
	r.unlock(sh)
	slices.SortFunc(list, func(a, b Membership) int { return cmp.Compare(a.Audience, b.Audience) })
	return list, nil
}
