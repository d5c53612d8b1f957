package aggregate

import (
	"unsafe"

	"github.com/muster-go/muster/profile"
	"github.com/tidwall/btree"
)

// Size returns about how much memory the state takes.
func (a *State) Size() int {
	if a.distinct != nil {
		return int(unsafe.Sizeof(*a)) + a.distinct.size()
	}
	return int(unsafe.Sizeof(*a)) + a.coming.size() + a.tally.size()
}

func (q *queue[E]) size() int {
	var e E
	return int(unsafe.Sizeof(e)) * (cap(q.line) + cap(q.late))
}

// treeSize returns that of a tree, whose nodes are three quarters full.
func treeSize[T any](t *btree.BTreeG[T]) int {
	if t == nil {
		return 0
	}
	var item T
	return 128 + (int(unsafe.Sizeof(item))*4/3+8)*t.Len()
}

func valueSize(v profile.Value) int {
	text, _ := v.Bytes()
	return int(unsafe.Sizeof(v)) + len(text)
}

func (t *table) size() int {
	return int(unsafe.Sizeof(*t)) + 4*(cap(t.slots)+cap(t.start)) + cap(t.arena)
}

func (r *refs) size() int { return r.table.size() + 4*cap(r.counts) + cap(r.room) }

func (u *unique) size() int {
	return u.table.size() + cap(u.room) + 8*cap(u.longest) + 4*(cap(u.heap)+cap(u.pos))
}

func (c *count) size() int { return 64 + c.times.size() }
func (f *first) size() int { return f.values.size() + treeSize(f.times) }
func (l *last) size() int {
	n := int(unsafe.Sizeof(*l))
	for i := range l.held {
		n += valueSize(l.held[i].value)
	}
	return n
}

func (e *earliest) size() int   { return 16 + valueSize(e.held) }
func (r *record) size() int     { return int(unsafe.Sizeof(*r)) }
func (s *staircase) size() int  { return treeSize(s.steps) }
func (s *sum) size() int        { return int(unsafe.Sizeof(*s)) + s.numbers.size() }
func (f *frequent) size() int   { return f.values.size() + treeSize(f.ranks) + f.times.size() }
func (u *uniqueList) size() int { return u.unique.size() + treeSize(u.sorted) + valueSize(u.list) }
func (none) size() int          { return 0 }
