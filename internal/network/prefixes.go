package network

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/selector"
)

// prefixes finds those of some texts that a name begins with: one search among them, and a
// step for each that it does begin with. What it costs does not depend on how many others
// there are.
type prefixes []*prefix // ascending by text

// prefix is the leaves that take events whose name begins so.
type prefix struct {
	text  string
	above *prefix // the longest other that text begins with
	d     *Dispatch
}

func (ps prefixes) search(text string) (int, bool) {
	return slices.BinarySearchFunc(ps, text, func(p *prefix, text string) int { return cmp.Compare(p.text, text) })
}

// longest returns the longest that a name begins with, nil if there is none. All that come
// between it and the name in their order begin with it.
func (ps prefixes) longest(name string) *prefix {
	if len(ps) == 0 {
		return nil
	}
	i, found := ps.search(name)
	if !found {
		i--
	}
	if i < 0 {
		return nil
	}
	p := ps[i]
	for p != nil && !strings.HasPrefix(name, p.text) {
		p = p.above
	}
	return p
}

func (ps prefixes) get(text string) *Dispatch {
	if i, ok := ps.search(text); ok {
		return ps[i].d
	}
	return nil
}

// add returns ps with a text that it does not have.
func (ps prefixes) add(text string) prefixes {
	p := &prefix{text: text, above: ps.longest(text), d: newDispatch()}
	i, _ := ps.search(text)
	for _, q := range ps[i:] {
		if !strings.HasPrefix(q.text, text) {
			break
		}
		if q.above == p.above {
			q.above = p
		}
	}
	return slices.Insert(ps, i, p)
}

// remove returns ps without a text that it has.
func (ps prefixes) remove(text string) prefixes {
	i, _ := ps.search(text)
	p := ps[i]
	for _, q := range ps[i+1:] {
		if !strings.HasPrefix(q.text, text) {
			break
		}
		if q.above == p {
			q.above = p.above
		}
	}
	return slices.Delete(ps, i, i+1)
}

// Dispatches yields those that an event of a name goes to.
func (ix *Leaves) Dispatches(name string) iter.Seq[*Dispatch] {
	return func(yield func(*Dispatch) bool) {
		if d := ix.named[name]; d != nil && !yield(d) {
			return
		}
		for p := ix.prefixes.longest(name); p != nil; p = p.above {
			if !yield(p.d) {
				return
			}
		}
	}
}

// Takes reports whether an event of a name can change any leaf.
func (ix *Leaves) Takes(name string) bool {
	return ix.named[name] != nil || ix.prefixes.longest(name) != nil
}

// TakesEvents reports whether any event can change a leaf.
func (ix *Leaves) TakesEvents() bool { return len(ix.named)+len(ix.prefixes) > 0 }

// Names returns the names of the events that leaves take; ok is false if they take others
// besides, which only Takes tells.
func (ix *Leaves) Names() (names iter.Seq[string], ok bool) {
	return func(yield func(string) bool) {
		for name := range ix.named {
			if !yield(name) {
				return
			}
		}
	}, len(ix.prefixes) == 0
}

// at returns the dispatch of a key, nil if there is none.
func (ix *Leaves) at(k selector.Key) *Dispatch {
	if k.Prefix {
		return ix.prefixes.get(k.Text)
	}
	return ix.named[k.Text]
}

// open returns the dispatch of a key, which is made if there is none.
func (ix *Leaves) open(k selector.Key) *Dispatch {
	d := ix.at(k)
	switch {
	case d != nil:
	case k.Prefix:
		ix.prefixes = ix.prefixes.add(k.Text)
		d = ix.prefixes.get(k.Text)
	default:
		d = newDispatch()
		ix.named[k.Text] = d
	}
	return d
}

// shut removes the dispatch of a key.
func (ix *Leaves) shut(k selector.Key) {
	if k.Prefix {
		ix.prefixes = ix.prefixes.remove(k.Text)
	} else {
		delete(ix.named, k.Text)
	}
}

// keys returns by what a leaf is found: each once.
func (n *Node) keys() []selector.Key {
	if len(n.Events) == 1 {
		return n.Events[0].Keys()
	}
	var all []selector.Key
	seen := map[selector.Key]bool{}
	for i := range n.Events {
		for _, k := range n.Events[i].Keys() {
			if !seen[k] {
				seen[k], all = true, append(all, k)
			}
		}
	}
	return all
}

// EventNames returns the names of the events that a leaf takes, each once; ok is false if it
// takes others besides.
func (n *Node) EventNames() (names []string, ok bool) {
	for _, k := range n.keys() {
		if k.Prefix {
			return nil, false
		}
		names = append(names, k.Text)
	}
	return names, true
}

// Several reports whether events of one name are as good as those of another for a leaf.
func (n *Node) Several() bool {
	return slices.ContainsFunc(n.Events, func(s selector.Selector) bool { return s.Name() == "" })
}

// TakesEvent reports whether a leaf takes events of a name.
func (n *Node) TakesEvent(name string) bool {
	for i := range n.Events {
		if n.Events[i].Takes(name) {
			return true
		}
	}
	return false
}

// UseOf returns that of a leaf's filter, for events of a name that it takes.
func (ix *Leaves) UseOf(n *Node, name string) *Use {
	for i := range n.Events {
		e := &n.Events[i]
		if !e.Takes(name) {
			continue
		}
		k := selector.Key{Text: name}
		if prefix, ok := e.Prefix(); ok {
			k = selector.Key{Text: prefix, Prefix: true}
		}
		return ix.at(k).Uses[n.UseKey(n.Filter)]
	}
	return nil
}

// Missed returns to how many events of some names a filter of a leaf could not be applied.
func (ix *Leaves) Missed(n *Node, of *selector.Selector, filter *celfilter.Filter) uint64 {
	missed := uint64(0)
	for _, k := range of.Keys() {
		missed += ix.at(k).Uses[n.UseKey(filter)].Missed()
	}
	return missed
}
