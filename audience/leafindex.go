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

	// Of accounts: the leaves of users that read a trait of their accounts, and
	// those that read them as a whole.
	readers     map[string][]*node
	allReaders  []*node
	readersMade uint32 // so many there ever were
}

func newLeafIndex() leafIndex {
	return leafIndex{events: map[string]*dispatch{}, traits: map[string][]*node{}, readers: map[string][]*node{}}
}

// readsTraits reports whether any leaf reads the trait.
func (ix *leafIndex) readsTrait(name string) bool {
	return len(ix.allTrait)+len(ix.allReaders) > 0 || len(ix.traits[name])+len(ix.readers[name]) > 0
}

// addReader notes a leaf of users that reads traits of their accounts.
func (ix *leafIndex) addReader(n *node) {
	ix.readersMade++
	names, all := n.filter.AccountTraits()
	if all {
		ix.allReaders = append(ix.allReaders, n)
		return
	}
	for _, name := range names {
		ix.readers[name] = append(ix.readers[name], n)
	}
}

// removeReader is the opposite of addReader.
func (ix *leafIndex) removeReader(n *node) {
	is := func(m *node) bool { return m == n }
	ix.allReaders = slices.DeleteFunc(ix.allReaders, is)
	for name, readers := range ix.readers {
		if readers = slices.DeleteFunc(readers, is); len(readers) > 0 {
			ix.readers[name] = readers
		} else {
			delete(ix.readers, name)
		}
	}
}

// readsOfActor reports whether a leaf of accounts reads that trait of the user
// whose event it is.
func (ix *leafIndex) readsOfActor(name string) bool {
	return slices.ContainsFunc(ix.actor, func(n *node) bool {
		return n.source.OfUser && n.source.Keys[0].String() == name ||
			slices.ContainsFunc(n.filters(), func(f *celfilter.Filter) bool {
				names, _ := f.Traits()
				return slices.Contains(names, name)
			})
	})
}

// filters returns those of a leaf.
func (n *node) filters() []*celfilter.Filter {
	switch {
	case n.filter != nil:
		return []*celfilter.Filter{n.filter}
	case n.funnel != nil:
		var all []*celfilter.Filter
		for _, f := range n.funnel.Filters() {
			all = append(all, f)
		}
		return all
	}
	return nil
}

// add makes a leaf reachable from the data that it reads; other nodes read
// none.
func (ix *leafIndex) add(n *node) {
	for _, name := range n.events {
		d := ix.events[name]
		if d == nil {
			d = newDispatch()
			ix.events[name] = d
		}
		d.add(name, n)
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
	for _, name := range n.events {
		if ix.events[name].remove(name, n) {
			delete(ix.events, name)
		}
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
	if n.kind == kindDate {
		names = []string{n.date.Name}
	}
	for _, f := range n.filters() {
		read, whole := f.Traits()
		if n.of == profile.Account {
			own, ownWhole := read, whole
			read, whole = f.AccountTraits()
			if n.kind == kindTrait { // of the account, by either name
				read, whole = slices.Concat(read, own), whole || ownWhole
			}
		}
		if whole {
			return nil, true
		}
		names = append(names, read...)
	}
	isKey := func(name string) bool {
		return slices.ContainsFunc(n.reads, func(r reading) bool { return r.name == name })
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), isKey), false
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
