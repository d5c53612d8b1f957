package eval

import (
	"sync/atomic"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// Passes applies a filter to the event at hand, and to the traits that the leaf
// n sees if it reads any.
func (r *Run) Passes(u *network.Use, n *network.Node) bool {
	if u.Filter == nil {
		return true
	}
	if u.ReadsTraits {
		r.view = state.Fields{Set: r.Profile.Traits(n.Since, r.At), P: r.Profile, Reads: n.Reads}
		r.Input.Traits, r.Input.Account = &r.view, nil
		if n.Of == profile.Account {
			r.Input.Traits, r.Input.Account = nil, &r.view
			if n.ReadsActor {
				r.Input.Traits = r.actorTraits(n)
			}
		}
		r.Input.Self = nil
		if readsAnyID(u.Filter) {
			r.Input.Self = r.sender(n)
		}
	}
	return r.eval(u.Filter, n, &r.Input, &u.Misses)
}

// eval applies a filter. One of users that reads traits of accounts is true if it
// is for any of the user's accounts.
func (r *Run) eval(f *celfilter.Filter, n *network.Node, in *celfilter.Input, misses *atomic.Uint64) bool {
	result := celfilter.False
	if n == nil || !n.Accounts {
		result = f.Eval(in)
	} else {
		for _, account := range r.Accounts() {
			r.account = state.Fields{Set: account.Traits(n.Since, r.At), P: account, Reads: n.OfAccount}
			in.Account = &r.account
			if of := f.Eval(in); of != celfilter.False {
				result = of
			}
			if result == celfilter.True {
				break
			}
		}
	}
	if result == celfilter.Miss && !r.Quiet {
		misses.Add(1)
	}
	return result == celfilter.True
}

// compute answers a node at t from its children, or from the data. moved says
// that it is a computed trait whose value changed.
func (r *Run) compute(n *network.Node) (v horizon.Verdict, moved bool) {
	switch n.Kind {
	case network.KindAll:
		v = horizon.Always(true)
		for _, c := range n.Children {
			v = horizon.All(v, r.Ask(c))
		}
	case network.KindAny:
		v = horizon.Always(false)
		for _, c := range n.Children {
			v = horizon.Any(v, r.Ask(c))
		}
	case network.KindNot:
		v = r.Ask(n.Children[0]).Not()
	case network.KindEvent:
		v = r.computeCount(n)
	case network.KindFunnel:
		v = r.computeFunnel(n)
	case network.KindBatch:
		v = r.computeBatch(n)
	case network.KindUsers:
		v = r.computeUsers(n)
	case network.KindInAccount:
		v = r.computeInAccount(n)
	case network.KindSample:
		v = horizon.Always(n.Sample.Takes(r.Profile.Ref.ID))
	case network.KindTenure:
		v = r.computeTenure(n)
	case network.KindComputed:
		return r.computeValue(n)
	case network.KindFormula:
		return r.computeFormula(n)
	case network.KindDate:
		v = r.computeDate(n)
	default:
		v = r.computeTrait(n)
	}
	return v, false
}

func (r *Run) computeCount(n *network.Node) horizon.Verdict {
	until := r.refill(n)
	v := horizon.Always(n.Idle)
	if n.Distinct {
		if a := r.Profile.AggregateOf(n); a != nil {
			if v = a.Holds(r.At); a.Spent(profile.Value{}, horizon.Never) {
				r.Profile.LetGo(n)
			}
		}
	} else if i, ok := r.Profile.Find(n.ID); ok {
		v = r.Profile.Cells[i].At(&n.Count, r.At)
	}
	v.Until = min(v.Until, until)
	return v
}

func (r *Run) computeValue(n *network.Node) (v horizon.Verdict, moved bool) {
	v = horizon.Verdict{Until: r.refill(n)}
	a := r.Profile.AggregateOf(n)
	if a == nil {
		return v, false
	}
	value, until := a.At(r.At)
	v.Until = min(v.Until, until)
	moved = r.moveValue(n, a, value)
	if a.Spent(value, until) {
		r.Profile.LetGo(n)
	}
	return v, moved
}

// moveValue gives the profile at hand another value of a computed trait, if it is another.
func (r *Run) moveValue(n *network.Node, a *state.ComputedState, value profile.Value) (moved bool) {
	if Same(value, a.Value) {
		return false
	}
	r.Values = append(r.Values, ValueChange{r.Profile, n, a.Value, value})
	a.Value = value
	if len(n.Across) > 0 {
		r.PropagateAcross(n)
	}
	return true
}

// computeFormula answers a formula. Nothing is kept of it but the value.
func (r *Run) computeFormula(n *network.Node) (v horizon.Verdict, moved bool) {
	in, until := r.traitInput(n)
	value, ok := n.Formula(in)
	if !ok && !r.Quiet {
		n.Misses.Add(1)
	}
	v.Until = until
	a := r.Profile.AggregateOf(n)
	if a == nil {
		if value.IsNull() {
			return v, false
		}
		a = r.Profile.Aggregate(n)
	}
	if moved = r.moveValue(n, a, value); value.IsNull() {
		r.Profile.LetGo(n)
	}
	return v, moved
}

// traitInput brings what an expression on traits reads up to date, and returns it, and until when
// it is as it is.
func (r *Run) traitInput(n *network.Node) (*celfilter.Input, int64) {
	set, until := r.sees(n)
	r.view = state.Fields{Set: set, P: r.Profile, Reads: n.Reads}
	in := &celfilter.Input{Traits: &r.view}
	if readsAnyID(n.Filter) {
		in.Self = r.Self()
	}
	if n.Of == profile.Account {
		in.Account = &r.view
	}
	return in, until
}

// Same reports whether two values of a computed trait are no change: they are
// equal, and of one kind.
func Same(v, w profile.Value) bool { return v.Kind() == w.Kind() && v.Equal(w) }

func (r *Run) computeTrait(n *network.Node) (v horizon.Verdict) {
	in, until := r.traitInput(n)
	v = horizon.Always(r.eval(n.Filter, n, in, &n.Misses))
	v.Until = min(v.Until, until)
	return v
}

func (r *Run) computeDate(n *network.Node) horizon.Verdict {
	set, until := r.sees(n)
	r.view = state.Fields{Set: set, P: r.Profile, Reads: n.Reads}
	value := n.Date.Value(&r.view)
	if _, readable := profile.ParseTime(value); !readable && !value.IsNull() && !r.Quiet {
		n.Misses.Add(1)
	}
	v := n.Date.Holds(value, r.At)
	v.Until = min(v.Until, until)
	return v
}

// sees brings what a leaf reads up to date, and returns the custom traits that
// count for it and until when all that it reads is as it is.
func (r *Run) sees(n *network.Node) (*traitset.Set, int64) {
	set := r.Profile.Traits(n.Since, r.At)
	until := set.Until()
	for _, child := range n.Children {
		until = min(until, r.Ask(child).Until)
	}
	if n.Accounts {
		for _, account := range r.Accounts() {
			until = min(until, account.Traits(n.Since, r.At).Until())
		}
	}
	return set, until
}
