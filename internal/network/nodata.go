package network

import (
	"iter"

	"github.com/muster-go/muster/profile"
)

// noData are the traits of a profile without any data, as a leaf sees them: it has no custom
// ones, and the audiences and computed traits that it reads are idle.
type noData []Reading

// Lookup returns the value of a trait.
func (u noData) Lookup(k profile.Key) (profile.Value, bool) {
	for _, r := range u {
		switch {
		case r.Name != k.String():
		case !r.Node.HasValue():
			return profile.BoolValue(r.Node.Idle), true
		case !r.Node.Initial.IsNull():
			return r.Node.Initial, true
		case r.Node.CountsSomething():
			return profile.IntValue(0), true
		}
	}
	return profile.Value{}, false
}

// All iterates over the custom traits.
func (noData) All() iter.Seq2[string, profile.Value] {
	return func(func(string, profile.Value) bool) {}
}

// CountsSomething reports whether a node is a computed trait of which a profile
// without a value has 0.
func (n *Node) CountsSomething() bool {
	return n.HasValue() && n.Computed.Type.Counts()
}

// HasValue reports whether a node is a computed trait.
func (n *Node) HasValue() bool { return n.Computed != nil }
