package aggregate

import (
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/trait"
)

// Of returns the state of c for a profile without events.
func Of(c trait.Computed) *State { return New(c, horizon.NewWindow(c.Window)) }
