package profile

import (
	"context"
	"iter"

	"github.com/tidwall/btree"
)

// An index lies in pieces, one in each shard. scan yields it as one, in
// ascending order: it keeps a page of each piece, read under that shard's lock,
// and merges the pages with no lock held.
type scan[T any] struct {
	tree func(*shard) *btree.BTreeG[T]
	in   func(T) bool // reports whether an item belongs to the scan; the first that does not ends it
}

// Pages grow as they are used up, so that a reader of ten items does not pay
// for a thousand.
const firstPage, maxPage = 4, 256

// page is what was read of one shard.
type page[T any] struct {
	shard *shard
	items []T
	at    int
	size  int
	last  bool // the shard has no more
}

// after yields the items greater than start.
func (s scan[T]) after(ctx context.Context, r *reader, start T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		st, err := r.enter(ctx)
		if err != nil {
			yield(none, err)
			return
		}
		less := s.tree(&st.shards[0]).Less
		var heap pageHeap[T]
		heap.less = less
		for i := range st.shards {
			p := &page[T]{shard: &st.shards[i], size: firstPage}
			if s.read(p, start, less) {
				heap.push(p)
			}
		}
		for len(heap.pages) > 0 {
			p := heap.pages[0]
			item := p.items[p.at]
			if !yield(item, nil) {
				return
			}
			if p.at++; p.at == len(p.items) {
				if _, err := r.enter(ctx); err != nil {
					yield(none, err)
					return
				}
				if !s.read(p, item, less) {
					heap.pop()
					continue
				}
			}
			heap.down()
		}
	}
}

// read fills a page with the items after start, and reports whether there are
// any.
func (s scan[T]) read(p *page[T], start T, less func(a, b T) bool) bool {
	p.items, p.at = p.items[:0], 0
	if p.last {
		return false
	}
	p.last = true
	p.shard.mu.RLock()
	s.tree(p.shard).Ascend(start, func(item T) bool {
		switch {
		case !less(start, item):
			return true // start itself
		case !s.in(item):
			return false
		case len(p.items) == p.size:
			p.last = false
			return false
		}
		p.items = append(p.items, item)
		return true
	})
	p.shard.mu.RUnlock()
	p.size = min(2*p.size, maxPage)
	return len(p.items) > 0
}

// pageHeap keeps the page with the least next item in front.
type pageHeap[T any] struct {
	pages []*page[T]
	less  func(a, b T) bool
}

func (h *pageHeap[T]) before(i, j int) bool {
	a, b := h.pages[i], h.pages[j]
	return h.less(a.items[a.at], b.items[b.at])
}

func (h *pageHeap[T]) push(p *page[T]) {
	h.pages = append(h.pages, p)
	for i := len(h.pages) - 1; i > 0 && h.before(i, (i-1)/2); i = (i - 1) / 2 {
		h.pages[i], h.pages[(i-1)/2] = h.pages[(i-1)/2], h.pages[i]
	}
}

// pop removes the front page.
func (h *pageHeap[T]) pop() {
	last := len(h.pages) - 1
	h.pages[0] = h.pages[last]
	h.pages = h.pages[:last]
	h.down()
}

// down moves the front page to its place after its next item has changed.
func (h *pageHeap[T]) down() {
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.pages); child++ {
			if h.before(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		h.pages[i], h.pages[least] = h.pages[least], h.pages[i]
		i = least
	}
}

// Profiles implements Reader.
func (r *reader) Profiles(ctx context.Context, s Subject, after string) iter.Seq2[string, error] {
	if err := checkSubject(s); err != nil {
		return func(yield func(string, error) bool) { yield("", err) }
	}
	all := scan[*record]{
		tree: func(sh *shard) *btree.BTreeG[*record] { return sh.profiles[s] },
		in:   func(*record) bool { return true },
	}
	return mapped(all.after(ctx, r, &record{id: after}), func(r *record) string { return r.id })
}

// Users implements Reader.
func (r *reader) Users(ctx context.Context, account string) iter.Seq2[string, error] {
	return r.usersOf(ctx, account, func(sh *shard) *btree.BTreeG[pair] { return sh.joins })
}

// Senders implements Reader.
func (r *reader) Senders(ctx context.Context, account string) iter.Seq2[string, error] {
	return r.usersOf(ctx, account, func(sh *shard) *btree.BTreeG[pair] { return sh.senders })
}

func (r *reader) usersOf(ctx context.Context, account string, tree func(*shard) *btree.BTreeG[pair]) iter.Seq2[string, error] {
	users := scan[pair]{tree, func(p pair) bool { return p.account == account }}
	return mapped(users.after(ctx, r, pair{account: account}), func(p pair) string { return p.user })
}

// mapped converts what an iterator yields.
func mapped[T, U any](seq iter.Seq2[T, error], convert func(T) U) iter.Seq2[U, error] {
	return func(yield func(U, error) bool) {
		for item, err := range seq {
			if err != nil {
				var none U
				yield(none, err)
				return
			}
			if !yield(convert(item), nil) {
				return
			}
		}
	}
}

// Keys implements Reader.
func (r *reader) Keys(ctx context.Context) iter.Seq2[KeyRecord, error] {
	return func(yield func(KeyRecord, error) bool) {
		for place := 0; ; {
			st, err := r.enter(ctx)
			if err != nil {
				yield(KeyRecord{}, err)
				return
			}
			page := st.keys.from(place, maxPage)
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
