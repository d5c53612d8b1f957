package profile

import (
	"context"
	"iter"

	"github.com/tidwall/btree"
)

// An index lies in pieces, one in each shard. scan yields what take makes of its
// items, in ascending order of the items: it keeps a page of each piece, read
// under that shard's lock, and merges the pages with no lock held.
type scan[T, U any] struct {
	tree func(*shard) *btree.BTreeG[T]
	in   func(T) bool      // reports whether an item belongs to the scan; the first that does not ends it
	take func(T) (U, bool) // under the shard's lock; false leaves the item out
}

// Pages grow as they are used up, so that a reader of ten items does not pay
// for a thousand. No page looks at more than maxLook items under one lock.
const firstPage, maxPage, maxLook = 4, 256, 4096

// page is what was read of one shard.
type page[T, U any] struct {
	shard *shard
	keys  []T
	items []U
	at    int
	size  int
	seen  T    // the last item that was looked at
	last  bool // the shard has no more
}

// after yields what lies after start.
func (s scan[T, U]) after(ctx context.Context, r *reader, start T) iter.Seq2[U, error] {
	return func(yield func(U, error) bool) {
		var none U
		st, err := r.enter(ctx)
		if err != nil {
			yield(none, err)
			return
		}
		heap := pageHeap[T, U]{less: s.tree(&st.shards[0]).Less}
		for i := range st.shards {
			p := &page[T, U]{shard: &st.shards[i], size: firstPage, seen: start}
			if s.read(p, heap.less) {
				heap.push(p)
			}
		}
		for len(heap.pages) > 0 {
			p := heap.pages[0]
			if !yield(p.items[p.at], nil) {
				return
			}
			if p.at++; p.at == len(p.items) {
				if _, err := r.enter(ctx); err != nil {
					yield(none, err)
					return
				}
				if !s.read(p, heap.less) {
					heap.pop()
					continue
				}
			}
			heap.down()
		}
	}
}

// read fills a page with what comes next, and reports whether there is any.
func (s scan[T, U]) read(p *page[T, U], less func(a, b T) bool) bool {
	clear(p.keys)
	clear(p.items)
	p.keys, p.items, p.at = p.keys[:0], p.items[:0], 0
	for len(p.items) == 0 && !p.last {
		s.look(p, less)
	}
	p.size = min(2*p.size, maxPage)
	return len(p.items) > 0
}

// look reads on under the shard's lock.
func (s scan[T, U]) look(p *page[T, U], less func(a, b T) bool) {
	p.shard.mu.Lock()
	defer p.shard.mu.Unlock()
	start, looked := p.seen, 0
	p.last = true
	s.tree(p.shard).Ascend(start, func(item T) bool {
		switch {
		case !less(start, item):
			return true // start itself
		case !s.in(item):
			return false
		case len(p.items) == p.size, looked == maxLook:
			p.last = false
			return false
		}
		looked++
		p.seen = item
		if u, ok := s.take(item); ok {
			p.keys, p.items = append(p.keys, item), append(p.items, u)
		}
		return true
	})
}

// pageHeap keeps the page with the least next item in front.
type pageHeap[T, U any] struct {
	pages []*page[T, U]
	less  func(a, b T) bool
}

func (h *pageHeap[T, U]) before(i, j int) bool {
	a, b := h.pages[i], h.pages[j]
	return h.less(a.keys[a.at], b.keys[b.at])
}

func (h *pageHeap[T, U]) push(p *page[T, U]) {
	h.pages = append(h.pages, p)
	for i := len(h.pages) - 1; i > 0 && h.before(i, (i-1)/2); i = (i - 1) / 2 {
		h.pages[i], h.pages[(i-1)/2] = h.pages[(i-1)/2], h.pages[i]
	}
}

// pop removes the front page.
func (h *pageHeap[T, U]) pop() {
	last := len(h.pages) - 1
	h.pages[0] = h.pages[last]
	h.pages = h.pages[:last]
	h.down()
}

// down moves the front page to its place after its next item has changed.
func (h *pageHeap[T, U]) down() {
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
	all := scan[*record, string]{
		tree: func(sh *shard) *btree.BTreeG[*record] { return sh.profiles[s] },
		in:   func(*record) bool { return true },
		take: func(r *record) (string, bool) { return r.id, true },
	}
	return all.after(ctx, r, &record{id: after})
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
	users := scan[pair, string]{
		tree: tree,
		in:   func(p pair) bool { return p.account == account },
		take: func(p pair) (string, bool) { return p.user, true },
	}
	return users.after(ctx, r, pair{account: account})
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
