package state

import (
	"cmp"
	"slices"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/internal/traitset"
)

// Attempts are what one profile has of one funnel.
type Attempts struct {
	sequence.State
	Node uint32
	Sees *Seen // nil: its filters read no traits
}

// Seen are the traits as they were when a funnel's state was made: where one
// changes that its filters read, the state is made anew.
type Seen struct {
	Set    traitset.Set
	Fields Fields
}

// CompareAttempts is the order of what a profile has of funnels.
func CompareAttempts(a *Attempts, node uint32) int { return cmp.Compare(a.Node, node) }

// AttemptsOf returns those at a funnel, nil if there are none.
func (p *State) AttemptsOf(n *network.Node) *Attempts {
	if i, ok := slices.BinarySearchFunc(p.Funnels, n.ID, CompareAttempts); ok {
		return p.Funnels[i]
	}
	return nil
}
