package eval

import (
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/profile"
)

// attempt adds the event at hand to a funnel.
func (r *Run) attempt(to network.Target) {
	n := to.Node
	i, ok := slices.BinarySearchFunc(r.Profile.Funnels, n.ID, state.CompareAttempts)
	if !ok {
		r.Profile.Funnels = slices.Insert(r.Profile.Funnels, i, &state.Attempts{State: *n.Funnel.NewState(), Node: n.ID})
	}
	a := r.Profile.Funnels[i]
	if to.Step != network.WholeLeaf {
		if a.AddStep(to.Step, r.Taking, sequence.Traits{}, r.At) && !r.Quiet {
			n.StepMisses[to.Step].Add(1)
		}
		return
	}
	missed := a.Add(r.Taking, r.traitsFor(a, n), r.At)
	for step := 0; missed != 0 && !r.Quiet; step, missed = step+1, missed>>1 {
		n.StepMisses[step].Add(missed & 1)
	}
}

// FunnelTraits returns the traits that a funnel's filters see, for the event at hand.
func (r *Run) FunnelTraits(n *network.Node) sequence.Traits {
	return r.traitsFor(new(state.Attempts), n)
}

// traitsFor returns the traits that a funnel's filters see.
func (r *Run) traitsFor(a *state.Attempts, n *network.Node) (by sequence.Traits) {
	if a.Sees == nil {
		a.Sees = new(state.Seen)
	}
	a.Sees.Set = *r.Profile.Traits(n.Since, r.At)
	a.Sees.Fields = state.Fields{Set: &a.Sees.Set, P: r.Profile, Reads: n.Reads}
	for _, f := range n.Funnel.Filters() {
		if readsAnyID(f) {
			by.Self = r.sender(n)
			break
		}
	}
	if n.Of == profile.User {
		by.User = &a.Sees.Fields
		return by
	}
	by.Account = &a.Sees.Fields
	if n.ReadsActor {
		actor := *r.actorTraits(n) // that of the next event is another's
		by.User = &actor
	}
	return by
}

// computeFunnel answers a funnel.
func (r *Run) computeFunnel(n *network.Node) horizon.Verdict {
	if r.Profile.Lent {
		// It would move on, and what is due at this very instant waits for the data of
		// the instant.
		return horizon.Verdict{True: r.Profile.Truth(n), Until: r.At}
	}
	until := r.refill(n)
	a := r.Profile.AttemptsOf(n)
	if a == nil {
		return horizon.Verdict{Until: until}
	}
	v := a.At(r.At)
	v.Until = min(v.Until, until)
	if a.Empty() && !v.True {
		r.Profile.LetGo(n)
	}
	return v
}
