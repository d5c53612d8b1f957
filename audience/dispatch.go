package audience

import (
	"iter"
	"math"
	"slices"
	"sync/atomic"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
)

// dispatch finds the leaves that an event of one name matches. Each distinct
// filter runs at most once per event, and one with a conjunct
// `properties.k == constant` only if the event's k is that constant: ten
// thousand audiences on ten thousand products cost one look-up.
type dispatch struct {
	uses    map[useKey]*use
	plain   []*use // those no index finds
	indexes []*equalityIndex
}

// use is a distinct filter and what it feeds.
type use struct {
	filter      *celfilter.Filter // nil: every event
	readsTraits bool
	targets     []target
	misses      atomic.Uint64
	index       *equalityIndex // the one that finds it, if any
	value       profile.Value  // under this value
	before      uint64         // of index.missing, when the use was made
}

// target is a leaf that takes events; of a funnel one step, unless its filters
// read traits: then it takes them as a whole.
type target struct {
	node *node
	step int
}

const wholeLeaf = -1

// equalityIndex finds the filters that ask for one value of one property.
type equalityIndex struct {
	key     profile.Key
	text    map[string][]*use
	whole   map[int64][]*use
	frac    map[float64][]*use
	truth   [2][]*use
	missing atomic.Uint64 // events without the property: misses of every filter in the index
}

func newDispatch() *dispatch { return &dispatch{uses: map[useKey]*use{}} }

// useKey tells filters apart: those that read traits also by what counts of
// the traits.
type useKey struct {
	source string
	since  uint64
	traits bool
}

// useKey returns that of one of the leaf's filters.
func (n *node) useKey(filter *celfilter.Filter) useKey {
	if n.readsTraits {
		return useKey{source(filter), n.since, true}
	}
	return useKey{source: source(filter)}
}

// takes yields how a leaf takes events of a name: the filters that they pass,
// and what each feeds.
func (n *node) takes(name string) iter.Seq2[target, *celfilter.Filter] {
	return func(yield func(target, *celfilter.Filter) bool) {
		if n.funnel == nil || n.readsTraits {
			yield(target{n, wholeLeaf}, n.filter)
			return
		}
		for _, step := range n.funnel.StepsOf(name) {
			if !yield(target{n, step}, n.funnel.Static(step)) {
				return
			}
		}
	}
}

// add makes events of the dispatch's name reach a leaf.
func (d *dispatch) add(name string, n *node) {
	for t, filter := range n.takes(name) {
		key := n.useKey(filter)
		u := d.uses[key]
		if u == nil {
			u = &use{filter: filter, readsTraits: n.readsTraits}
			d.uses[key] = u
			d.place(u)
		}
		u.targets = append(u.targets, t)
	}
}

// place puts a use where an event finds it.
func (d *dispatch) place(u *use) {
	if u.filter == nil {
		d.plain = append(d.plain, u)
		return
	}
	equalities := u.filter.Equality()
	if len(equalities) == 0 {
		d.plain = append(d.plain, u)
		return
	}
	// Any of the conjuncts serves; prefer a property that is indexed already.
	eq := equalities[0]
	for _, other := range equalities {
		if d.indexOf(other.Key) != nil {
			eq = other
			break
		}
	}
	ix := d.indexOf(eq.Key)
	if ix == nil {
		ix = &equalityIndex{
			key:   eq.Key,
			text:  map[string][]*use{},
			whole: map[int64][]*use{},
			frac:  map[float64][]*use{},
		}
		d.indexes = append(d.indexes, ix)
	}
	u.index, u.value, u.before = ix, eq.Value, ix.missing.Load()
	ix.change(eq.Value, func(uses []*use) []*use { return append(uses, u) })
}

func (d *dispatch) indexOf(k profile.Key) *equalityIndex {
	for _, ix := range d.indexes {
		if ix.key.String() == k.String() {
			return ix
		}
	}
	return nil
}

// remove takes n out and reports whether nothing is left.
func (d *dispatch) remove(name string, n *node) bool {
	for t, filter := range n.takes(name) {
		key := n.useKey(filter)
		u := d.uses[key]
		u.targets = slices.DeleteFunc(u.targets, func(o target) bool { return o == t })
		if len(u.targets) == 0 {
			delete(d.uses, key)
			d.displace(u)
		}
	}
	return len(d.uses) == 0
}

// displace is the opposite of place.
func (d *dispatch) displace(u *use) {
	without := func(uses []*use) []*use {
		return slices.DeleteFunc(uses, func(v *use) bool { return v == u })
	}
	if u.index == nil {
		d.plain = without(d.plain)
	} else if u.index.change(u.value, without); u.index.empty() {
		d.indexes = slices.DeleteFunc(d.indexes, func(ix *equalityIndex) bool { return ix == u.index })
	}
}

// find returns the filters that ask for v; numbers are found across int and
// float.
func (ix *equalityIndex) find(v profile.Value) []*use {
	switch v.Kind() {
	case profile.String:
		text, _ := v.Bytes()
		return ix.text[string(text)]
	case profile.Int:
		n, _ := v.Int()
		return ix.whole[n]
	case profile.Float:
		f, _ := v.Float()
		if n, ok := wholeNumber(f); ok {
			return ix.whole[n]
		}
		return ix.frac[f]
	case profile.False:
		return ix.truth[0]
	case profile.True:
		return ix.truth[1]
	}
	return nil
}

func (ix *equalityIndex) change(v profile.Value, edit func([]*use) []*use) {
	uses := edit(ix.find(v))
	switch v.Kind() {
	case profile.String:
		text, _ := v.Text()
		put(ix.text, text, uses)
	case profile.Int:
		n, _ := v.Int()
		put(ix.whole, n, uses)
	case profile.Float:
		f, _ := v.Float()
		if n, ok := wholeNumber(f); ok {
			put(ix.whole, n, uses)
		} else {
			put(ix.frac, f, uses)
		}
	case profile.False:
		ix.truth[0] = uses
	case profile.True:
		ix.truth[1] = uses
	}
}

func put[K comparable](m map[K][]*use, key K, uses []*use) {
	if len(uses) == 0 {
		delete(m, key)
	} else {
		m[key] = uses
	}
}

func (ix *equalityIndex) empty() bool {
	return len(ix.text)+len(ix.whole)+len(ix.frac)+len(ix.truth[0])+len(ix.truth[1]) == 0
}

func wholeNumber(f float64) (int64, bool) {
	if f >= -1<<63 && f < 1<<63 && f == math.Trunc(f) {
		return int64(f), true
	}
	return 0, false
}

// missed returns how many events the filter could not be applied to.
func (u *use) missed() uint64 {
	n := u.misses.Load()
	if u.index != nil {
		n += u.index.missing.Load() - u.before
	}
	return n
}
