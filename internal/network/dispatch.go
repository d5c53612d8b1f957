package network

import (
	"iter"
	"math"
	"slices"
	"sync/atomic"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/selector"
	"github.com/muster-go/muster/profile"
)

// Dispatch finds the leaves that an event of one name, or of names of one beginning, matches. Each distinct
// filter runs at most once per event, and one with a conjunct
// `properties.k == constant` only if the event's k is that constant: ten
// thousand audiences on ten thousand products cost one look-up.
type Dispatch struct {
	Uses    map[useKey]*Use
	All     []*Use // the same, in a list
	Plain   []*Use // those no index finds
	Indexes []*equalityIndex
	several int  // how many targets take events of other names as well
	crosses bool // one of the targets does: see FindCrosses
}

// Several reports whether a leaf takes events of other names as well, one of which is as
// good as another: it is to get those of its history in the order of time, as what comes in
// order costs least.
func (d *Dispatch) Several() bool { return d.several > 0 }

// Use is a distinct filter and what it feeds.
type Use struct {
	Filter      *celfilter.Filter // nil: every event
	ReadsTraits bool
	Targets     []Target
	Misses      atomic.Uint64
	index       *equalityIndex // the one that finds it, if any
	value       profile.Value  // under this value
	before      uint64         // of index.missing, when the use was made
}

// Target is a leaf that takes events; of a funnel one step, unless its filters
// read traits: then it takes them as a whole.
type Target struct {
	Node *Node
	Step int
}

const WholeLeaf = -1

// equalityIndex finds the filters that ask for one value of one property.
type equalityIndex struct {
	Key     profile.Key
	text    map[string][]*Use
	whole   map[int64][]*Use
	frac    map[float64][]*Use
	truth   [2][]*Use
	Missing atomic.Uint64 // events without the property: misses of every filter in the index
}

func newDispatch() *Dispatch { return &Dispatch{Uses: map[useKey]*Use{}} }

// useKey tells filters apart: those that read traits also by what counts of
// the traits.
type useKey struct {
	source string
	since  uint64
	traits bool
}

// UseKey returns that of one of the leaf's filters.
func (n *Node) UseKey(filter *celfilter.Filter) useKey {
	if n.ReadsTraits {
		return useKey{source(filter), n.Since, true}
	}
	return useKey{source: source(filter)}
}

// takes yields how a leaf takes events that a key finds: the filters that they pass,
// and what each feeds.
func (n *Node) takes(k selector.Key) iter.Seq2[Target, *celfilter.Filter] {
	return func(yield func(Target, *celfilter.Filter) bool) {
		if n.Funnel == nil || n.ReadsTraits {
			yield(Target{n, WholeLeaf}, n.Filter)
			return
		}
		for _, step := range n.Funnel.StepsBy(k) {
			if !yield(Target{n, step}, n.Funnel.Static(step)) {
				return
			}
		}
	}
}

// add makes events of the dispatch's key reach a leaf.
func (d *Dispatch) add(k selector.Key, n *Node) {
	d.several += n.several(k)
	for t, filter := range n.takes(k) {
		key := n.UseKey(filter)
		u := d.Uses[key]
		if u == nil {
			u = &Use{Filter: filter, ReadsTraits: n.ReadsTraits}
			d.Uses[key] = u
			d.place(u)
		}
		u.Targets = append(u.Targets, t)
	}
}

// several counts the selectors of a leaf that a key finds and that take events of other names
// as well.
func (n *Node) several(k selector.Key) int {
	several := 0
	for i := range n.Events {
		if e := &n.Events[i]; e.Has(k) && e.Name() == "" {
			several++
		}
	}
	return several
}

// place puts a use where an event finds it.
func (d *Dispatch) place(u *Use) {
	d.All = append(d.All, u)
	if u.Filter == nil {
		d.Plain = append(d.Plain, u)
		return
	}
	equalities := u.Filter.Equality()
	if len(equalities) == 0 {
		d.Plain = append(d.Plain, u)
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
			Key:   eq.Key,
			text:  map[string][]*Use{},
			whole: map[int64][]*Use{},
			frac:  map[float64][]*Use{},
		}
		d.Indexes = append(d.Indexes, ix)
	}
	u.index, u.value, u.before = ix, eq.Value, ix.Missing.Load()
	ix.change(eq.Value, func(uses []*Use) []*Use { return append(uses, u) })
}

func (d *Dispatch) indexOf(k profile.Key) *equalityIndex {
	for _, ix := range d.Indexes {
		if ix.Key.String() == k.String() {
			return ix
		}
	}
	return nil
}

// remove takes n out and reports whether nothing is left.
func (d *Dispatch) remove(k selector.Key, n *Node) bool {
	d.several -= n.several(k)
	for t, filter := range n.takes(k) {
		key := n.UseKey(filter)
		u := d.Uses[key]
		u.Targets = slices.DeleteFunc(u.Targets, func(o Target) bool { return o == t })
		if len(u.Targets) == 0 {
			delete(d.Uses, key)
			d.displace(u)
		}
	}
	return len(d.Uses) == 0
}

// displace is the opposite of place.
func (d *Dispatch) displace(u *Use) {
	without := func(uses []*Use) []*Use {
		return slices.DeleteFunc(uses, func(v *Use) bool { return v == u })
	}
	d.All = without(d.All)
	if u.index == nil {
		d.Plain = without(d.Plain)
	} else if u.index.change(u.value, without); u.index.empty() {
		d.Indexes = slices.DeleteFunc(d.Indexes, func(ix *equalityIndex) bool { return ix == u.index })
	}
}

// Find returns the filters that ask for v; numbers are found across int and
// float.
func (ix *equalityIndex) Find(v profile.Value) []*Use {
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

func (ix *equalityIndex) change(v profile.Value, edit func([]*Use) []*Use) {
	uses := edit(ix.Find(v))
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

func put[K comparable](m map[K][]*Use, key K, uses []*Use) {
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

// Missed returns how many events the filter could not be applied to.
func (u *Use) Missed() uint64 {
	n := u.Misses.Load()
	if u.index != nil {
		n += u.index.Missing.Load() - u.before
	}
	return n
}

// Since returns the time, in Unix nanoseconds, before which no event can count at t or later.
func (d *Dispatch) Since(t int64) int64 {
	since := t
	for _, u := range d.All {
		for _, to := range u.Targets {
			from := to.Node.Count.From(t)
			if from.IsZero() {
				return math.MinInt64
			}
			since = min(since, from.UnixNano())
		}
	}
	return since
}
