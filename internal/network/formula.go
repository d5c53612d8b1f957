package network

import (
	"github.com/muster-go/muster/internal/canonical"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Formula returns what a formula makes of traits, null where it is absent. ok is false where a
// value cannot be made, or is too large.
func (n *Node) Formula(in *celfilter.Input) (v profile.Value, ok bool) {
	v, ok = n.Filter.Value(in)
	if !ok || !canonical.Fits(v, trait.MaxValue) {
		return profile.Value{}, false
	}
	return v, true
}

// noInput is what an expression on traits sees of a profile without any data.
func (n *Node) noInput() *celfilter.Input {
	nothing := noData(n.Reads)
	in := celfilter.Input{Traits: nothing}
	if n.Of == profile.Account {
		in.Account = nothing
	}
	return &in
}
