package network

import (
	"iter"

	"github.com/muster-go/muster/internal/near"
	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/profile"
)

// NoteMissing notes what an event has that may be meant by the property that it does
// not have.
func (n *Node) NoteMissing(from property.Fields) {
	fields, ok := from.(interface {
		All() iter.Seq2[string, profile.Value]
	})
	if !ok {
		return
	}
	names := func(yield func(string) bool) {
		for name := range fields.All() {
			if !yield(name) {
				return
			}
		}
	}
	if meant, ok := near.Name(n.Source.Keys[0].String(), names); ok {
		n.Missing.Store(&meant)
	}
}
