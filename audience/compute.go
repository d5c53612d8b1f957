package audience

import (
	"sync/atomic"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// passes applies a filter to the event at hand, and to the traits that the leaf
// n sees if it reads any.
func (s *step) passes(u *use, n *node) bool {
	if u.filter == nil {
		return true
	}
	if u.readsTraits {
		s.view = fields{set: s.p.traits(n.since, s.t), p: s.p, reads: n.reads}
		s.input.Traits, s.input.Account = &s.view, nil
		if n.of == profile.Account {
			s.input.Traits, s.input.Account = nil, &s.view
			if n.readsActor {
				s.input.Traits = s.actorTraits(n)
			}
		}
	}
	return s.eval(u.filter, n, &s.input, &u.misses)
}

// eval applies a filter. One of users that reads traits of accounts is true if it
// is for any of the user's accounts.
func (s *step) eval(f *celfilter.Filter, n *node, in *celfilter.Input, misses *atomic.Uint64) bool {
	r := celfilter.False
	if n == nil || !n.accounts {
		r = f.Eval(in)
	} else {
		for _, account := range s.accounts() {
			s.account = fields{set: account.traits(n.since, s.t), p: account, reads: n.ofAccount}
			in.Account = &s.account
			if of := f.Eval(in); of != celfilter.False {
				r = of
			}
			if r == celfilter.True {
				break
			}
		}
	}
	if r == celfilter.Miss && !s.quiet {
		misses.Add(1)
	}
	return r == celfilter.True
}

// compute answers a node at t from its children, or from the data. moved says
// that it is a computed trait whose value changed.
func (s *step) compute(n *node) (v horizon.Verdict, moved bool) {
	switch n.kind {
	case kindAll:
		v = horizon.Always(true)
		for _, c := range n.children {
			v = horizon.All(v, s.ask(c))
		}
	case kindAny:
		v = horizon.Always(false)
		for _, c := range n.children {
			v = horizon.Any(v, s.ask(c))
		}
	case kindNot:
		v = s.ask(n.children[0]).Not()
	case kindEvent:
		v = s.computeCount(n)
	case kindFunnel:
		v = s.computeFunnel(n)
	case kindBatch:
		v = s.computeBatch(n)
	case kindUsers:
		v = s.computeUsers(n)
	case kindInAccount:
		v = s.computeInAccount(n)
	case kindComputed:
		return s.computeValue(n)
	default:
		v = s.computeTrait(n)
	}
	return v, false
}

func (s *step) computeCount(n *node) horizon.Verdict {
	until := s.refill(n)
	v := horizon.Always(n.idle)
	if i, ok := s.p.find(n.id); ok {
		v = s.p.cells[i].at(&n.count, s.t)
	}
	v.Until = min(v.Until, until)
	return v
}

func (s *step) computeValue(n *node) (v horizon.Verdict, moved bool) {
	v = horizon.Verdict{Until: s.refill(n)}
	a := s.p.aggregateOf(n)
	if a == nil {
		return v, false
	}
	value, until := a.At(s.t)
	v.Until = min(v.Until, until)
	if moved = !same(value, a.value); moved {
		s.moves = append(s.moves, move{s.p, n, a.value, value})
		a.value = value
		if len(n.across) > 0 {
			s.spread(n)
		}
	}
	if a.Spent(value, until) {
		s.p.letGo(n)
	}
	return v, moved
}

// same reports whether two values of a computed trait are no change: they are
// equal, and of one kind.
func same(v, w profile.Value) bool { return v.Kind() == w.Kind() && v.Equal(w) }

func (s *step) computeTrait(n *node) horizon.Verdict {
	set, until := s.sees(n)
	s.view = fields{set: set, p: s.p, reads: n.reads}
	var v horizon.Verdict
	if n.kind == kindDate {
		value, _ := s.view.Lookup(n.dateKey)
		if _, readable := profile.ParseTime(value); !readable && !value.IsNull() && !s.quiet {
			n.misses.Add(1)
		}
		v = traitset.Date(n.date.Window, value, s.t)
	} else {
		in := celfilter.Input{Traits: &s.view}
		if n.of == profile.Account {
			in.Account = &s.view
		}
		v = horizon.Always(s.eval(n.filter, n, &in, &n.misses))
	}
	v.Until = min(v.Until, until)
	return v
}

// sees brings what a leaf reads up to date, and returns the custom traits that
// count for it and until when all that it reads is as it is.
func (s *step) sees(n *node) (*traitset.Set, int64) {
	set := s.p.traits(n.since, s.t)
	until := set.Until()
	for _, child := range n.children {
		until = min(until, s.ask(child).Until)
	}
	if n.accounts {
		for _, account := range s.accounts() {
			until = min(until, account.traits(n.since, s.t).Until())
		}
	}
	return set, until
}
