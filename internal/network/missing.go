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
	if meant, ok := near.Field(n.Source.Keys[0].String(), fields.All()); ok {
		n.Missing.Store(&meant)
	}
}
