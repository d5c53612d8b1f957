package audience

import (
	"iter"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// noData are the traits of a profile without any data, as a leaf sees them: it has no custom
// ones, and the audiences and computed traits that it reads are idle.
type noData []reading

// Lookup returns the value of a trait.
func (u noData) Lookup(k profile.Key) (profile.Value, bool) {
	for _, r := range u {
		switch {
		case r.name != k.String():
		case r.node.kind != kindComputed:
			return profile.BoolValue(r.node.idle), true
		case r.node.countsSomething():
			return profile.IntValue(0), true
		}
	}
	return profile.Value{}, false
}

// All iterates over the custom traits.
func (noData) All() iter.Seq2[string, profile.Value] {
	return func(func(string, profile.Value) bool) {}
}

// countsSomething reports whether a node is a computed trait of which a profile
// without a value has 0.
func (n *node) countsSomething() bool {
	return n.kind == kindComputed && (n.computed.Type == trait.TypeCount || n.computed.Type == trait.TypeUniqueListCount)
}
