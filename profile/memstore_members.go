package profile

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/tidwall/btree"
)

// A membership is kept twice: in its profile's record, and in an index of its
// shard by audience. Audiences have numbers, so that neither costs more than a
// few words.

// member is an entry of the index: audience, then profile.
type member struct {
	audience uint32
	subject  Subject
	id       string
	since    int64
}

// membership is an entry of a record; they are in the order of the numbers.
type membership struct {
	audience uint32
	since    int64
}

func memberLess(a, b member) bool {
	if a.audience != b.audience {
		return a.audience < b.audience
	}
	if a.id != b.id {
		return a.id < b.id
	}
	return a.subject < b.subject
}

func compareMembership(m membership, audience uint32) int { return cmp.Compare(m.audience, audience) }

// keyNumbers gives each audience key a number. Keys are never used twice and few,
// so numbers are never given back. It is shared with the snapshots.
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

func (tx *tx) setMember(c *SetMember) {
	ref, r := c.Membership.Ref, tx.entered
	if r == nil || ref != tx.entering {
		sh, kept, found := tx.resolve(ref)
		if found == nil {
			return
		}
		r = tx.own(sh, kept.Subject, found)
		tx.entering, tx.entered = ref, r
	}
	sh := tx.shard(r.id)
	audience := tx.audiences.of(c.Membership.Audience)
	i, is := slices.BinarySearchFunc(r.members, audience, compareMembership)
	switch {
	case is == c.Member && !is:
		return
	case !c.Member:
		sh.removeMember(ref.Subject, r, i)
		return
	}
	since := c.Membership.Since.UnixNano()
	if is {
		r.members[i].since = since
	} else {
		r.members = slices.Insert(r.members, i, membership{audience, since})
		sh.count(audience, 1)
	}
	sh.members.Set(member{audience, ref.Subject, r.id, since})
}

// removeMember removes the i-th membership of a record that may be written to.
func (sh *shard) removeMember(s Subject, r *record, i int) {
	audience := r.members[i].audience
	r.members = slices.Delete(r.members, i, i+1)
	sh.members.Delete(member{audience: audience, subject: s, id: r.id})
	sh.count(audience, -1)
}

func (sh *shard) count(audience uint32, by int) {
	if n := int(audience) + 1 - len(sh.counts); n > 0 {
		sh.counts = append(sh.counts, make([]int, n)...)
	}
	sh.counts[audience] += by
}

// leaveAll takes a profile that is removed out of the index.
func (sh *shard) leaveAll(s Subject, r *record) {
	for _, m := range r.members {
		sh.members.Delete(member{audience: m.audience, subject: s, id: r.id})
		sh.count(m.audience, -1)
	}
}

func (tx *tx) dropMembers(key string) {
	audience, ok := tx.audiences.find(key)
	if !ok {
		return
	}
	for i := range tx.shards {
		sh := &tx.shards[i]
		var gone []Ref
		sh.members.Ascend(member{audience: audience}, func(m member) bool {
			if m.audience == audience {
				gone = append(gone, Ref{m.subject, m.id})
			}
			return m.audience == audience
		})
		for _, ref := range gone {
			r := tx.own(sh, ref.Subject, sh.find(ref))
			at, _ := slices.BinarySearchFunc(r.members, audience, compareMembership)
			sh.removeMember(ref.Subject, r, at)
		}
	}
}

// Members implements Reader.
func (r *reader) Members(ctx context.Context, key, after string) iter.Seq2[Membership, error] {
	return func(yield func(Membership, error) bool) {
		st, err := r.enter(ctx)
		if err != nil {
			yield(Membership{}, err)
			return
		}
		audience, ok := st.audiences.find(key)
		if !ok {
			return
		}
		members := scan[member]{
			tree: func(sh *shard) *btree.BTreeG[member] { return sh.members },
			in:   func(m member) bool { return m.audience == audience },
		}
		start := member{audience: audience, id: after, subject: math.MaxUint8}
		for m, err := range members.after(ctx, r, start) {
			if !yield(Membership{key, Ref{m.subject, m.id}, fromNano(m.since)}, err) {
				return
			}
		}
	}
}

// MemberCount implements Reader.
func (r *reader) MemberCount(ctx context.Context, key string) (int, error) {
	st, err := r.enter(ctx)
	if err != nil {
		return 0, err
	}
	audience, ok := st.audiences.find(key)
	if !ok {
		return 0, nil
	}
	defer st.rlockAll()()
	total := 0
	for i := range st.shards {
		if counts := st.shards[i].counts; int(audience) < len(counts) {
			total += counts[audience]
		}
	}
	return total, nil
}

// Memberships implements Reader.
func (r *reader) Memberships(ctx context.Context, ref Ref) ([]Membership, error) {
	st, err := r.enterRef(ctx, ref.Subject)
	if err != nil {
		return nil, err
	}
	sh, id, rec := st.view(ref)
	var list []Membership
	if rec != nil {
		for _, m := range rec.members {
			list = append(list, Membership{st.audiences.key(m.audience), Ref{ref.Subject, id}, fromNano(m.since)})
		}
	}
	sh.mu.RUnlock()
	slices.SortFunc(list, func(a, b Membership) int { return cmp.Compare(a.Audience, b.Audience) })
	return list, nil
}
