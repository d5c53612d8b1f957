package audience

import (
	"slices"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
)

// leafIndex finds the leaves that a piece of data can change: all of the
// network's, or those that a new audience brings.
type leafIndex struct {
	events   map[string]*dispatch // by event name
	traits   map[string][]*node   // by the name of a trait that they read
	allTrait []*node              // those that read the traits as a whole
	actor    []*node              // of accounts: those that read traits of the acting user
}

func newLeafIndex() leafIndex {
	return leafIndex{events: map[string]*dispatch{}, traits: map[string][]*node{}}
}

// readsTraits reports whether any leaf reads the trait.
func (ix *leafIndex) readsTrait(name string) bool {
	return len(ix.allTrait) > 0 || len(ix.traits[name]) > 0
}

// readsOfActor reports whether a leaf of accounts reads that trait of the user
// whose event it is.
func (ix *leafIndex) readsOfActor(name string) bool {
	return slices.ContainsFunc(ix.actor, func(n *node) bool {
		if n.source.OfUser && n.source.Keys[0].String() == name {
			return true
		}
		if n.filter == nil {
			return false
		}
		names, _ := n.filter.Traits()
		return slices.Contains(names, name)
	})
}

// add makes a leaf reachable from the data that it reads; other nodes read
// none.
func (ix *leafIndex) add(n *node) {
	if n.event != "" {
		d := ix.events[n.event]
		if d == nil {
			d = newDispatch()
			ix.events[n.event] = d
		}
		d.add(n)
	}
	if n.readsActor {
		ix.actor = append(ix.actor, n)
	}
	names, all := n.traitNames()
	if all {
		ix.allTrait = append(ix.allTrait, n)
	}
	for _, name := range names {
		ix.traits[name] = append(ix.traits[name], n)
	}
}

// remove is the opposite of add.
func (ix *leafIndex) remove(n *node) {
	if n.event != "" && ix.events[n.event].remove(n) {
		delete(ix.events, n.event)
	}
	is := func(m *node) bool { return m == n }
	ix.actor = slices.DeleteFunc(ix.actor, is)
	names, all := n.traitNames()
	if all {
		ix.allTrait = slices.DeleteFunc(ix.allTrait, is)
	}
	for _, name := range names {
		if left := slices.DeleteFunc(ix.traits[name], is); len(left) > 0 {
			ix.traits[name] = left
		} else {
			delete(ix.traits, name)
		}
	}
}

// traitNames returns the custom traits of the profile that a leaf reads, or that
// it reads them all.
func (n *node) traitNames() (names []string, all bool) {
	switch {
	case n.kind == kindDate:
		names = []string{n.date.Name}
	case n.filter != nil && n.of == profile.Account:
		names, all = n.filter.AccountTraits()
	case n.filter != nil:
		names, all = n.filter.Traits()
	}
	if all {
		return nil, true
	}
	isKey := func(name string) bool {
		return slices.ContainsFunc(n.reads, func(r reading) bool { return r.name == name })
	}
	return slices.DeleteFunc(slices.Clone(names), isKey), false
}

func source(f *celfilter.Filter) string {
	if f == nil {
		return ""
	}
	return f.Source()
}

func readsTraits(f *celfilter.Filter) bool {
	if f == nil {
		return false
	}
	ofAccount, all := f.AccountTraits()
	return readsActor(f) || all || len(ofAccount) > 0
}

// readsActor reports whether a filter reads traits of the user whose event it
// is.
func readsActor(f *celfilter.Filter) bool {
	if f == nil {
		return false
	}
	names, all := f.Traits()
	return all || len(names) > 0
}
