package audience

import (
	"iter"

	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// fields are the traits that a leaf sees: the custom ones that count for it, and
// in place of the keys that it reads the values of computed traits, 0 for a count of
// nothing, and the memberships of audiences, as booleans. Read as a whole they are the custom
// traits alone.
type fields struct {
	set   *traitset.Set
	p     *state
	reads []reading
}

// Lookup returns the value of a trait.
func (f *fields) Lookup(k profile.Key) (profile.Value, bool) {
	for i := range f.reads {
		if r := &f.reads[i]; r.name == k.String() {
			if v, ok := f.p.read(r.node); ok || !r.node.countsSomething() {
				return v, ok
			}
			return profile.IntValue(0), true
		}
	}
	if f.set == nil {
		return profile.Value{}, false
	}
	return f.set.Lookup(k)
}

// All iterates over the custom traits.
func (f *fields) All() iter.Seq2[string, profile.Value] {
	if f.set == nil {
		return func(func(string, profile.Value) bool) {}
	}
	return f.set.All()
}

// read returns what a node is as a trait: the value of a computed one, or
// whether the profile is a member.
func (p *state) read(n *node) (profile.Value, bool) {
	if n.kind != kindComputed {
		return profile.BoolValue(p.truth(n)), true
	}
	a := p.aggregateOf(n)
	if a == nil || a.value.IsNull() {
		return profile.Value{}, false
	}
	return a.value, true
}
