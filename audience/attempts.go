package audience

import (
	"cmp"
	"slices"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// attempts are what one profile has of one funnel. Filters that read traits see
// them as they were when the state was made: where one changes, it is made anew.
type attempts struct {
	*funnel.State
	node uint32
	sees fields
	set  trait.Set // what sees has of custom traits
}

func compareAttempts(a *attempts, node uint32) int { return cmp.Compare(a.node, node) }

// attemptsOf returns those at a funnel, nil if there are none.
func (p *state) attemptsOf(n *node) *attempts {
	if i, ok := slices.BinarySearchFunc(p.funnels, n.id, compareAttempts); ok {
		return p.funnels[i]
	}
	return nil
}

// attempt adds the event at hand to a funnel.
func (s *step) attempt(n *node) {
	i, ok := slices.BinarySearchFunc(s.p.funnels, n.id, compareAttempts)
	if !ok {
		a := &attempts{State: n.funnel.NewState(), node: n.id}
		s.p.funnels = slices.Insert(s.p.funnels, i, a)
	}
	a := s.p.funnels[i]
	var by funnel.Traits
	if n.readsTraits {
		a.set = *s.p.traits(n.since, s.t)
		a.sees = fields{set: &a.set, p: s.p, reads: n.reads}
		by.User = &a.sees
		if n.of == profile.Account {
			by.User, by.Account = nil, &a.sees
			if n.readsActor {
				actor := *s.actorTraits(n) // that of the next event is another's
				by.User = &actor
			}
		}
	}
	missed := a.Add(s.taking, by, s.t)
	for step := 0; missed != 0 && !s.quiet; step, missed = step+1, missed>>1 {
		n.stepMisses[step].Add(missed & 1)
	}
}

// computeFunnel answers a funnel.
func (s *step) computeFunnel(n *node) horizon.Verdict {
	until := s.refill(n)
	a := s.p.attemptsOf(n)
	if a == nil {
		return horizon.Verdict{Until: until}
	}
	v := a.At(s.t)
	v.Until = min(v.Until, until)
	return v
}
