package audience

import (
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/profile"
)

// attempt adds the event at hand to a funnel.
func (s *step) attempt(to target) {
	n := to.node
	i, ok := slices.BinarySearchFunc(s.p.funnels, n.id, compareAttempts)
	if !ok {
		s.p.funnels = slices.Insert(s.p.funnels, i, &attempts{State: *n.funnel.NewState(), node: n.id})
	}
	a := s.p.funnels[i]
	if to.step != wholeLeaf {
		if a.AddStep(to.step, s.taking, sequence.Traits{}, s.t) && !s.quiet {
			n.stepMisses[to.step].Add(1)
		}
		return
	}
	missed := a.Add(s.taking, s.traitsFor(a, n), s.t)
	for step := 0; missed != 0 && !s.quiet; step, missed = step+1, missed>>1 {
		n.stepMisses[step].Add(missed & 1)
	}
}

// traitsFor returns the traits that a funnel's filters see.
func (s *step) traitsFor(a *attempts, n *node) (by sequence.Traits) {
	if a.sees == nil {
		a.sees = new(seen)
	}
	a.sees.set = *s.p.traits(n.since, s.t)
	a.sees.fields = fields{set: &a.sees.set, p: s.p, reads: n.reads}
	if n.of == profile.User {
		by.User = &a.sees.fields
		return by
	}
	by.Account = &a.sees.fields
	if n.readsActor {
		actor := *s.actorTraits(n) // that of the next event is another's
		by.User = &actor
	}
	return by
}

// computeFunnel answers a funnel.
func (s *step) computeFunnel(n *node) horizon.Verdict {
	if s.p.lent {
		// It would move on, and what is due at this very instant waits for the data of
		// the instant.
		return horizon.Verdict{True: s.p.truth(n), Until: s.t}
	}
	until := s.refill(n)
	a := s.p.attemptsOf(n)
	if a == nil {
		return horizon.Verdict{Until: until}
	}
	v := a.At(s.t)
	v.Until = min(v.Until, until)
	if a.Empty() && !v.True {
		s.p.letGo(n)
	}
	return v
}
