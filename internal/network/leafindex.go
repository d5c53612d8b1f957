package network

import (
	"slices"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
)

// Leaves finds the leaves that a piece of data can change: all of the
// network's, or those that a new audience brings.
type Leaves struct {
	named    map[string]*Dispatch // by event name
	prefixes prefixes             // by the beginning of it
	Traits   map[string][]*Node   // by the name of a trait that they read
	AllTrait []*Node              // those that read the traits as a whole
	Identity []*Node              // those that read who the profile is: see ReadsIdentity
	Initial  []*Node              // formulas that a profile has a value of without any data
	Actor    []*Node              // of accounts: those that read traits of the acting user

	// Of accounts: the leaves of users that read a trait of their accounts, and
	// those that read them as a whole.
	Readers     map[string][]*Node
	AllReaders  []*Node
	ReadersMade uint32 // so many there ever were
}

// NewLeaves returns an index without a leaf.
func NewLeaves() Leaves {
	return Leaves{named: map[string]*Dispatch{}, Traits: map[string][]*Node{}, Readers: map[string][]*Node{}}
}

// ReadsTrait reports whether any leaf reads the trait.
func (ix *Leaves) ReadsTrait(name string) bool {
	return len(ix.AllTrait)+len(ix.AllReaders) > 0 || len(ix.Traits[name])+len(ix.Readers[name]) > 0
}

// addReader notes a leaf of users that reads traits of their accounts.
func (ix *Leaves) addReader(n *Node) {
	ix.ReadersMade++
	names, all := n.Filter.AccountTraits()
	if all {
		ix.AllReaders = append(ix.AllReaders, n)
		return
	}
	for _, name := range names {
		ix.Readers[name] = append(ix.Readers[name], n)
	}
}

// removeReader is the opposite of addReader.
func (ix *Leaves) removeReader(n *Node) {
	is := func(m *Node) bool { return m == n }
	ix.AllReaders = slices.DeleteFunc(ix.AllReaders, is)
	for name, readers := range ix.Readers {
		if readers = slices.DeleteFunc(readers, is); len(readers) > 0 {
			ix.Readers[name] = readers
		} else {
			delete(ix.Readers, name)
		}
	}
}

// ReadsOfActor reports whether a leaf of accounts reads that trait of the user
// whose event it is.
func (ix *Leaves) ReadsOfActor(name string) bool {
	return slices.ContainsFunc(ix.Actor, func(n *Node) bool {
		return n.Source.OfUser && n.Source.Keys[0].String() == name ||
			slices.ContainsFunc(n.filters(), func(f *celfilter.Filter) bool {
				names, _ := f.Traits()
				return slices.Contains(names, name)
			})
	})
}

// ReadsIDsOfActor reports whether a leaf of accounts reads the ids of the user whose event
// it is.
func (ix *Leaves) ReadsIDsOfActor() bool { return slices.ContainsFunc(ix.Actor, (*Node).ReadsIDs) }

// filters returns those of a leaf.
func (n *Node) filters() []*celfilter.Filter {
	switch {
	case n.Filter != nil:
		return []*celfilter.Filter{n.Filter}
	case n.Funnel != nil:
		var all []*celfilter.Filter
		for _, f := range n.Funnel.Filters() {
			all = append(all, f)
		}
		return all
	}
	return nil
}

// Add makes a leaf reachable from the data that it reads; other nodes read
// none.
func (ix *Leaves) Add(n *Node) {
	for _, k := range n.keys() {
		ix.open(k).add(k, n)
	}
	if n.ReadsIdentity() {
		ix.Identity = append(ix.Identity, n)
	}
	if !n.Initial.IsNull() {
		ix.Initial = append(ix.Initial, n)
	}
	if n.ReadsActor {
		ix.Actor = append(ix.Actor, n)
	}
	names, all := n.TraitNames()
	if all {
		ix.AllTrait = append(ix.AllTrait, n)
	}
	for _, name := range names {
		ix.Traits[name] = append(ix.Traits[name], n)
	}
}

// remove is the opposite of add.
func (ix *Leaves) remove(n *Node) {
	for _, k := range n.keys() {
		if ix.at(k).remove(k, n) {
			ix.shut(k)
		}
	}
	is := func(m *Node) bool { return m == n }
	ix.Identity = slices.DeleteFunc(ix.Identity, is)
	ix.Initial = slices.DeleteFunc(ix.Initial, is)
	ix.Actor = slices.DeleteFunc(ix.Actor, is)
	names, all := n.TraitNames()
	if all {
		ix.AllTrait = slices.DeleteFunc(ix.AllTrait, is)
	}
	for _, name := range names {
		if left := slices.DeleteFunc(ix.Traits[name], is); len(left) > 0 {
			ix.Traits[name] = left
		} else {
			delete(ix.Traits, name)
		}
	}
}

// ReadsIdentity reports whether a leaf reads who the profile is, or since when it is a member of
// what it is in without any data, so that it cannot be idle alike for all profiles.
func (n *Node) ReadsIdentity() bool {
	return n.Kind == KindSample || n.Kind == KindTenure && n.Children[0].Idle || slices.ContainsFunc(n.filters(), readsIDs) &&
		(n.Of == profile.User || n.ReadsTraitsAlone()) // else they are those of the acting user
}

// ReadsTraitsAlone reports whether a leaf is an expression on traits, which are those of the profile
// itself, and not on events.
func (n *Node) ReadsTraitsAlone() bool { return n.Kind == KindTrait || n.Kind == KindFormula }

// ReadsIDs reports whether a leaf reads external ids, of its profile or of acting users.
func (n *Node) ReadsIDs() bool {
	return slices.ContainsFunc(n.filters(), func(f *celfilter.Filter) bool {
		_, ids := f.IDs()
		return ids
	})
}

// readsIDs reports whether a filter reads an id of any kind.
func readsIDs(f *celfilter.Filter) bool {
	id, ids := f.IDs()
	return id || ids
}

// TraitNames returns the custom traits of the profile that a leaf reads, or that
// it reads them all.
func (n *Node) TraitNames() (names []string, all bool) {
	if n.Kind == KindDate {
		names = []string{n.Date.Trait()}
	}
	for _, f := range n.filters() {
		read, whole := f.Traits()
		if n.Of == profile.Account {
			own, ownWhole := read, whole
			read, whole = f.AccountTraits()
			if n.ReadsTraitsAlone() { // of the account, by either name
				read, whole = slices.Concat(read, own), whole || ownWhole
			}
		}
		if whole {
			return nil, true
		}
		names = append(names, read...)
	}
	isKey := func(name string) bool {
		return slices.ContainsFunc(n.Reads, func(r Reading) bool { return r.Name == name })
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

// readsActor reports whether a filter reads traits or ids of the user whose event it
// is.
func readsActor(f *celfilter.Filter) bool {
	if f == nil {
		return false
	}
	names, all := f.Traits()
	return all || len(names) > 0 || readsIDs(f)
}
