package profile

import (
	"context"
	"iter"

	"github.com/tidwall/btree"
)

// An index lies in pieces, one in each shard. scan yields what take makes of its
// items, in ascending order of their keys: it keeps a page of each piece, read
// under that shard's lock, and merges the pages with no lock held.
type scan[T, U any] struct {
	tree func(*shard) *btree.BTreeG[T]
	key  func(T) string // what the items of the scan are ordered by
	in   func(T) bool   // reports whether an item belongs to the scan; the first that does not ends it; nil: all do

	// take adds to a page what it makes of a block of items, leaving out what it
	// will. It is called under the shard's lock.
	take func(block []T, to *page[T, U])
}

// Pages grow as they are used up, so that a reader of ten items does not pay
// for a thousand. No page looks at more than some maxLook items under one lock.
const firstPage, maxPage, maxLook = 4, 256, 4096

// page is what was read of one shard.
type page[T, U any] struct {
	shard *shard
	keys  []string
	items []U
	size  int
	seen  T    // the last item that was looked at
	last  bool // the shard has no more
}

func (p *page[T, U]) add(key string, item U) {
	p.keys, p.items = append(p.keys, key), append(p.items, item)
}

// after yields what lies after start.
func (s scan[T, U]) after(ctx context.Context, r *reader, start T) iter.Seq2[U, error] {
	return func(yield func(U, error) bool) {
		var none U
		st, err := r.enterAll(ctx)
		if err != nil {
			yield(none, err)
			return
		}
		var pages [shardCount]page[T, U]
		var block []T
		var next tournament
		for i := range pages {
			p := &pages[i]
			p.shard, p.size, p.seen = &st.shards[i], firstPage, start
			block = s.read(r, p, block)
			next.turn(i, p.keys)
		}
		for next.begin(); ; {
			i, at, ok := next.winner()
			if !ok || !yield(pages[i].items[at], nil) {
				return
			}
			if next.advance() {
				continue
			}
			if _, err := r.enter(ctx); err != nil {
				yield(none, err)
				return
			}
			block = s.read(r, &pages[i], block)
			next.turn(i, pages[i].keys)
			next.replay()
		}
	}
}

// read fills a page with what comes next: nothing if there is no more. It uses
// the memory of block, and returns it.
func (s scan[T, U]) read(r *reader, p *page[T, U], block []T) []T {
	p.keys, p.items = p.keys[:0], p.items[:0]
	for len(p.items) == 0 && !p.last {
		block = s.look(r, p, block)
	}
	p.size = min(2*p.size, maxPage)
	return block
}

// look reads on under the shard's lock.
func (s scan[T, U]) look(r *reader, p *page[T, U], block []T) []T {
	r.lock(p.shard)
	defer r.unlock(p.shard)
	start, first, looked := s.key(p.seen), true, 0
	p.last, block = true, block[:0]
	s.tree(p.shard).Ascend(p.seen, func(item T) bool {
		if first {
			if first = false; s.key(item) == start {
				return true
			}
		}
		if s.in != nil && !s.in(item) {
			return false
		}
		block = append(block, item)
		if len(block) < max(p.size, min(looked, maxPage)) {
			return true
		}
		s.take(block, p)
		p.seen, looked, block = item, looked+len(block), block[:0]
		p.last = len(p.items) < p.size && looked < maxLook
		return p.last
	})
	if len(block) > 0 {
		s.take(block, p)
		p.seen = block[len(block)-1]
	}
	return block
}

// Profiles implements Reader.
func (r *reader) Profiles(ctx context.Context, s Subject, after string) iter.Seq2[string, error] {
	if err := checkSubject(s); err != nil {
		return func(yield func(string, error) bool) { yield("", err) }
	}
	all := scan[*record, string]{
		tree: profilesOf(s),
		key:  (*record).key,
		take: func(block []*record, to *page[*record, string]) {
			for _, r := range block {
				to.add(r.id, r.id)
			}
		},
	}
	return all.after(ctx, r, &record{id: after})
}

// profilesOf returns the index of the profiles of a subject.
func profilesOf(s Subject) func(*shard) *btree.BTreeG[*record] {
	return func(sh *shard) *btree.BTreeG[*record] { return sh.profiles[s] }
}

func (r *record) key() string { return r.id }

// Users implements Reader.
func (r *reader) Users(ctx context.Context, account string) iter.Seq2[string, error] {
	return r.usersOf(ctx, account, func(sh *shard) *btree.BTreeG[pair] { return sh.joins })
}

// Senders implements Reader.
func (r *reader) Senders(ctx context.Context, account string) iter.Seq2[string, error] {
	return r.usersOf(ctx, account, func(sh *shard) *btree.BTreeG[pair] { return sh.senders })
}

func (r *reader) usersOf(ctx context.Context, account string, tree func(*shard) *btree.BTreeG[pair]) iter.Seq2[string, error] {
	users := scan[pair, string]{
		tree: tree,
		key:  func(p pair) string { return p.user },
		in:   func(p pair) bool { return p.account == account },
		take: func(block []pair, to *page[pair, string]) {
			for _, p := range block {
				to.add(p.user, p.user)
			}
		},
	}
	return users.after(ctx, r, pair{account: account})
}

// Keys implements Reader.
func (r *reader) Keys(ctx context.Context) iter.Seq2[KeyRecord, error] {
	return func(yield func(KeyRecord, error) bool) {
		for place := 0; ; {
			st, err := r.enterAll(ctx)
			if err != nil {
				yield(KeyRecord{}, err)
				return
			}
			page := st.keys.from(place, maxPage, r.tx != nil)
			for _, record := range page {
				if !yield(record, nil) {
					return
				}
			}
			if place += len(page); len(page) < maxPage {
				return
			}
		}
	}
}
