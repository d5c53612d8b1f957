package aggregate

import (
	"github.com/tidwall/btree"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// Numbers of TypeMin and TypeMax compare exactly across Int and Float. Of two
// that are equal the Int is the better one, so that which is reported does not
// hang on the order of arrival; -0.0 is reported as 0.0.

// better is positive if x is a better extreme than y, 0 if they are the same.
func better(x, y number, greatest bool) int {
	c := x.value().Compare(y.value())
	switch {
	case c == 0 && x.double == y.double:
		return 0
	case c == 0 && y.double:
		return 1
	case c == 0:
		return -1
	case greatest:
		return c
	}
	return -c
}

// record is the smallest or the largest number ever.
type record struct {
	greatest bool
	any      bool
	best     number
}

func (r *record) add(_, end int64, v profile.Value) {
	if x := numberOf(end, v); !r.any || better(x, r.best, r.greatest) > 0 {
		r.best, r.any = x, true
	}
}

func (r *record) expire(int64) {}

func (r *record) value() profile.Value {
	if !r.any {
		return profile.Value{}
	}
	return r.best.value()
}

func (r *record) ends() int64 { return horizon.Never }

// staircase is the smallest or the largest number in a window. A number that
// is no better than one that counts longer decides nothing any more; those that are left
// get worse the longer they count, and the one that ends first is the answer. It keeps some 32 bytes for
// each of them: of numbers in no particular order, about the logarithm of how
// many there are; at worst, all.
type staircase struct {
	greatest bool
	steps    *btree.BTreeG[number] // by their ends
}

func newStaircase(greatest bool) *staircase {
	older := func(a, b number) bool { return a.at < b.at }
	return &staircase{greatest, btree.NewBTreeGOptions(older, smallTree)}
}

// smallTree are the options of a tree that most often holds a few items.
var smallTree = btree.Options{NoLocks: true, Degree: 8}

func (s *staircase) add(_, end int64, v profile.Value) {
	x := numberOf(end, v)
	beaten := false
	s.steps.Ascend(x, func(later number) bool {
		beaten = better(later, x, s.greatest) >= 0
		return false
	})
	if beaten {
		return
	}
	for {
		worse, found := s.before(end)
		if !found || better(worse, x, s.greatest) > 0 {
			break
		}
		s.steps.Delete(worse)
	}
	s.steps.Set(x)
}

// before returns the last step that ends up to an instant.
func (s *staircase) before(end int64) (x number, found bool) {
	s.steps.Descend(number{at: end}, func(earlier number) bool {
		x, found = earlier, true
		return false
	})
	return x, found
}

func (s *staircase) expire(now int64) {
	for x, ok := s.steps.Min(); ok && x.at <= now; x, ok = s.steps.Min() {
		s.steps.PopMin()
	}
}

func (s *staircase) value() profile.Value {
	if x, ok := s.steps.Min(); ok {
		return x.value()
	}
	return profile.Value{}
}

func (s *staircase) ends() int64 {
	if x, ok := s.steps.Min(); ok {
		return x.at
	}
	return horizon.Never
}
