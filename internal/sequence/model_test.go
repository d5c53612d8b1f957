package sequence_test

import (
	"cmp"
	"slices"
	"time"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
)

// The model is the definition of a funnel, written down: it tries every choice
// of events. It shares nothing with the package but the Funnel itself; what the
// filters mean it is told in Go.

// fact is an event of the model. Times are in seconds.
type fact struct {
	name string
	at   int
	k, j any // properties; nil: there is none
	v    int
	seq  uint64
}

func (f fact) event() profile.Event {
	properties := map[string]any{"v": f.v}
	if f.k != nil {
		properties["k"] = f.k
	}
	if f.j != nil {
		properties["j"] = f.j
	}
	o, err := profile.NewObject(properties)
	if err != nil {
		panic(err)
	}
	return profile.Event{Profile: "u", Name: f.name, Time: second(f.at), Properties: o, Seq: f.seq}
}

func second(n int) time.Time { return time.Unix(int64(n), 0).UTC() }

// test says whether an event passes, given those chosen for earlier steps.
type test func(f fact, chosen []fact) bool

type model struct {
	funnel.Funnel
	tests []test // by step; nil passes
}

func (m *model) passes(step int, f fact, chosen []fact) bool {
	return f.name == m.Steps[step].Event && (m.tests[step] == nil || m.tests[step](f, chosen))
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// holds reports whether a choice, one event for each step to follow, makes the
// funnel true at t.
func (m *model) holds(facts, choice []fact, t int) bool {
	pos := -1
	var apart []int
	for i, s := range m.Steps {
		if s.UntilNext {
			apart = append(apart, i)
			continue
		}
		within := seconds(s.Within)
		if s.Not {
			from := choice[pos]
			if !s.Pending && t < from.at+within {
				return false
			}
			for _, f := range facts {
				if from.at < f.at && f.at < from.at+within && f.at <= t && m.passes(i, f, choice[:pos+1]) {
					return false
				}
			}
			continue
		}
		pos++
		f := choice[pos]
		if pos > 0 {
			before := choice[pos-1].at
			if f.at <= before || within > 0 && f.at >= before+within {
				return false
			}
			for _, x := range facts {
				if before < x.at && x.at < f.at && (s.Next || slices.ContainsFunc(apart, func(i int) bool { return m.passes(i, x, choice[:pos]) })) {
					return false
				}
			}
			apart = nil
		}
		if !m.passes(i, f, choice[:pos]) {
			return false
		}
		age := t - f.at
		if w := m.Window; w.IsZero() && age < 0 || !w.IsZero() && (age < seconds(w.Min) || age >= seconds(w.Max)) {
			return false
		}
	}
	return true
}

func (m *model) follow() int {
	n := 0
	for _, s := range m.Steps {
		if !s.Not {
			n++
		}
	}
	return n
}

// best returns a choice that makes the funnel true at t, of the latest first
// event; nil if there is none.
func (m *model) best(facts []fact, t int) []fact {
	var best []fact
	choice := make([]fact, 0, m.follow())
	var choose func()
	choose = func() {
		if len(choice) == cap(choice) {
			if m.holds(facts, choice, t) && (best == nil || choice[0].at > best[0].at) {
				best = slices.Clone(choice)
			}
			return
		}
		for _, f := range facts {
			if len(choice) > 0 && f.at <= choice[len(choice)-1].at {
				continue // holds would say so, later
			}
			choice = append(choice, f)
			choose()
			choice = choice[:len(choice)-1]
		}
	}
	choose()
	return best
}

// instants are those at which the answer may change.
func (m *model) instants(facts []fact) []int {
	var all []int
	for _, f := range facts {
		all = append(all, f.at, f.at+seconds(m.Window.Min), f.at+seconds(m.Window.Max))
		for _, s := range m.Steps {
			all = append(all, f.at+seconds(s.Within))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func numberOf(k any) (float64, bool) {
	switch k := k.(type) {
	case int:
		return float64(k), true
	case float64:
		return k, true
	}
	return 0, false
}

// sameKey is CEL's equality of two properties that are there.
func sameKey(a, b any) bool {
	x, xok := numberOf(a)
	y, yok := numberOf(b)
	if xok && yok {
		return cmp.Compare(x, y) == 0
	}
	return a != nil && b != nil && a == b
}
