package state

import (
	"iter"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// Fields are the traits that a leaf sees: the custom ones that count for it, and
// in place of the keys that it reads the values of computed traits, 0 for a count of
// nothing, and the memberships of audiences, as booleans. Read as a whole they are the custom
// traits alone.
type Fields struct {
	Set   *traitset.Set
	P     *State
	Reads []network.Reading
}

// Lookup returns the value of a trait.
func (f *Fields) Lookup(k profile.Key) (profile.Value, bool) {
	for i := range f.Reads {
		if r := &f.Reads[i]; r.Name == k.String() {
			if v, ok := f.P.Read(r.Node); ok || !r.Node.CountsSomething() {
				return v, ok
			}
			return profile.IntValue(0), true
		}
	}
	if f.Set == nil {
		return profile.Value{}, false
	}
	return f.Set.Lookup(k)
}

// All iterates over the custom traits.
func (f *Fields) All() iter.Seq2[string, profile.Value] {
	if f.Set == nil {
		return func(func(string, profile.Value) bool) {}
	}
	return f.Set.All()
}

// Read returns what a node is as a trait: the value of a computed one, or
// whether the profile is a member.
func (p *State) Read(n *network.Node) (profile.Value, bool) {
	if !n.HasValue() {
		return profile.BoolValue(p.Truth(n)), true
	}
	a := p.AggregateOf(n)
	if a == nil || a.Value.IsNull() {
		return profile.Value{}, false
	}
	return a.Value, true
}
