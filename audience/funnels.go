package audience

import (
	"cmp"
	"slices"

	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/internal/traitset"
)

// attempts are what one profile has of one funnel.
type attempts struct {
	sequence.State
	node uint32
	sees *seen // nil: its filters read no traits
}

// seen are the traits as they were when a funnel's state was made: where one
// changes that its filters read, the state is made anew.
type seen struct {
	set    traitset.Set
	fields fields
}

func compareAttempts(a *attempts, node uint32) int { return cmp.Compare(a.node, node) }

// attemptsOf returns those at a funnel, nil if there are none.
func (p *state) attemptsOf(n *node) *attempts {
	if i, ok := slices.BinarySearchFunc(p.funnels, n.id, compareAttempts); ok {
		return p.funnels[i]
	}
	return nil
}
