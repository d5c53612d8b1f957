package sequence_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/profile"
)

var runs = flag.Int("funnels", 1000, "random funnels to compare with the model")

// TestFunnelsAgreeWithEveryChoiceOfEvents plays random histories, in random
// order of arrival, to random funnels: at every arrival and at every instant
// until the verdict's end the answer is that of the model, the evidence is a
// choice that the model accepts, and none begins later.
func TestFunnelsAgreeWithEveryChoiceOfEvents(t *testing.T) {
	env, err := celfilter.NewEnv(nil)
	require.NoError(t, err)
	seed := uint64(time.Now().UnixNano())
	held, bounded := 0, 0
	for i := range *runs {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(i)))}
		m := g.model()
		text, err := json.Marshal(m.Funnel)
		require.NoError(t, err)
		about := fmt.Sprintf("seed %d, run %d: %s", seed, i, text)
		matcher, err := sequence.Compile(m.Funnel, env)
		require.NoError(t, err, about)
		if i%2 == 0 {
			matcher.GoThrough(g.IntN(4)) // else of all
		}
		if matcher.Bounded() {
			bounded++
		}
		if compare(t, g, m, matcher, about) {
			held++
		}
		if t.Failed() {
			return
		}
	}
	require.Greater(t, held, *runs/5, "too few funnels ever held for the comparison to say much")
	require.Greater(t, bounded, *runs/10)
	require.Greater(t, *runs-bounded, *runs/10)
}

// compare plays one history, and reports whether the funnel ever held.
func compare(t *testing.T, g *generator, m *model, matcher *sequence.Matcher, about string) (held bool) {
	traits, err := profile.NewObject(map[string]any{"least": 1})
	require.NoError(t, err)
	by := sequence.Traits{User: &traits}
	state := matcher.NewState()
	var facts []fact
	now := g.IntN(8)
	for n := range 3 + g.IntN(13) {
		f := g.fact(uint64(n+1), now)
		facts = append(facts, f)
		e := f.event()
		if g.IntN(2) == 0 {
			state.Add(&e, by, second(now).UnixNano())
		} else {
			addSteps(matcher, state, &e, by, second(now).UnixNano())
		}
		about := fmt.Sprintf("%s\n%v at %d", about, facts, now)

		held = agrees(t, m, state, facts, now, about) || held

		events := slices.Clone(facts)
		g.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		verdict, matched := matcher.Match(func(yield func(profile.Event) bool) {
			for _, f := range events {
				if !yield(f.event()) {
					return
				}
			}
		}, by, second(now))
		require.Equal(t, state.At(second(now).UnixNano()), verdict, about)
		require.Equal(t, verdict.True, matched != nil, about)

		if g.IntN(3) > 0 {
			now += g.IntN(4)
			held = agrees(t, m, state, facts, now, about) || held
		}
	}
	return held
}

// addSteps is State.Add for a caller that applies the filters it can.
func addSteps(m *sequence.Matcher, s *sequence.State, e *profile.Event, by sequence.Traits, now int64) {
	in := celfilter.Input{
		Name: e.Name, Time: e.Time.UnixNano(), Properties: e.Properties, Context: e.Context,
		Traits: by.User, Account: by.Account,
	}
	for _, i := range m.StepsOf(e.Name) {
		if f := m.Static(i); f == nil || f.Eval(&in) == celfilter.True {
			s.AddStep(i, e, by, now)
		}
	}
}

// agrees checks a state at now, and what it says of the time after.
func agrees(t *testing.T, m *model, state *sequence.State, facts []fact, now int, about string) (held bool) {
	verdict := state.At(second(now).UnixNano())
	want := m.best(facts, now)
	require.Equal(t, want != nil, verdict.True, about)
	evidence := state.Evidence()
	if want == nil {
		require.Empty(t, evidence, about)
	} else {
		choice := make([]fact, len(evidence))
		for pos, matched := range evidence {
			choice[pos] = facts[matched.Seq-1]
			require.Equal(t, second(choice[pos].at), matched.Time, about)
		}
		require.Len(t, choice, m.follow(), about)
		require.True(t, m.holds(facts, choice, now), "%s\nevidence %v", about, choice)
		if !m.permanent() {
			require.Equal(t, want[0].at, choice[0].at, "%s\nevidence %v, a later one is %v", about, choice, want)
		}
	}
	const last = 60 // by then everything is settled
	until := last
	if verdict.Until != horizon.Never {
		require.Zero(t, verdict.Until%int64(time.Second), about)
		until = int(verdict.Until / int64(time.Second))
		require.Greater(t, until, now, about)
		require.Contains(t, m.instants(facts), until, about)
	}
	for at := now + 1; at < until; at++ {
		require.Equal(t, verdict.True, m.best(facts, at) != nil, "%s\nat %d, before the end %d", about, at, until)
	}
	return want != nil
}

// permanent reports whether nothing undoes the funnel once it holds.
func (m *model) permanent() bool {
	return m.Window.IsZero() && m.follow() == len(m.Steps) && !slices.ContainsFunc(m.Steps, func(s funnel.Step) bool { return s.Next })
}

type generator struct {
	*rand.Rand
	style style
	names int // of events
}

// style is what filters a funnel has.
type style int

const (
	anyFilters style = iota
	noReferences
	oneKey // every step is of the same k as an earlier one
)

func (g *generator) model() *model {
	m := &model{}
	if g.IntN(4) > 0 {
		m.Window = profile.Between(0, time.Duration(6+g.IntN(10))*time.Second)
		if g.IntN(4) == 0 {
			m.Window.Min = time.Duration(1+g.IntN(3)) * time.Second
		}
	}
	var names []string
	g.style = style(g.IntN(3))
	g.names = 1 + g.IntN(4)
	steps := []int{1, 2, 3, 3, 4, 4}[g.IntN(6)]
	between := steps > 2 && g.IntN(2) == 0 // an absence in between, and each step an event of its own
	if between {
		g.names = steps
	}
	for i := range steps {
		s := funnel.Step{Name: fmt.Sprintf("s%d", i), Event: g.event()}
		if between {
			s.Event = string(rune('A' + i))
		}
		if i > 0 {
			s.Not = between && i == 1 || !between && g.IntN(3) == 0
			s.Pending = s.Not && g.IntN(2) == 0
			if s.Not || g.IntN(2) == 0 {
				s.Within = time.Duration(1+g.IntN(5)) * time.Second
			}
		}
		switch {
		case s.Not && g.IntN(3) == 0:
			s.Within, s.Pending, s.UntilNext = 0, false, true
		case i > 0 && !s.Not && g.IntN(6) == 0:
			s.Next = true
		}
		var test test
		s.Filter, test = g.filter(names)
		m.Steps, m.tests = append(m.Steps, s), append(m.tests, test)
		if !s.Not {
			names = append(names, s.Name)
		}
	}
	for i := range m.Steps { // where nothing follows there is no next
		if s := &m.Steps[i]; s.UntilNext && !slices.ContainsFunc(m.Steps[i:], func(t funnel.Step) bool { return !t.Not }) {
			s.UntilNext, s.Within = false, time.Second
		}
	}
	return m
}

func (g *generator) event() string { return string(rune('A' + g.IntN(g.names))) }

// filter returns a filter of a step in CEL and in Go.
func (g *generator) filter(earlier []string) (string, test) {
	keyed := g.style == oneKey && len(earlier) > 0
	if g.IntN(4) == 0 && !keyed || g.style == noReferences && g.IntN(2) == 0 {
		return "", nil
	}
	if len(earlier) == 0 || g.style == noReferences || g.IntN(8) == 0 && !keyed {
		if g.IntN(2) == 0 {
			return "properties.v >= traits.least", func(f fact, _ []fact) bool { return f.v >= 1 }
		}
		return "properties.v != 1", func(f fact, _ []fact) bool { return f.v != 1 }
	}
	i := g.IntN(len(earlier))
	j := g.IntN(len(earlier))
	name := func(cel string) string {
		return strings.NewReplacer("$i", "steps."+earlier[i], "$j", "steps."+earlier[j]).Replace(cel)
	}
	same := func(f fact, chosen []fact) bool { return sameKey(f.k, chosen[i].k) }
	choice := g.IntN(14)
	if keyed {
		choice = []int{3, 4, 5, 10, 11, 12}[g.IntN(6)]
	}
	switch choice {
	case 0:
		return name("properties.v > $i.properties.v"), func(f fact, chosen []fact) bool { return f.v > chosen[i].v }
	case 1:
		return name("properties.v != $i.properties.v && properties.v != $j.properties.v"), func(f fact, chosen []fact) bool {
			return f.v != chosen[i].v && f.v != chosen[j].v
		}
	case 2:
		return name(`timestamp - $i.timestamp > duration("1s")`), func(f fact, chosen []fact) bool { return f.at-chosen[i].at > 1 }
	case 3:
		return name("$i.properties.j == properties.k"), func(f fact, chosen []fact) bool { return sameKey(f.k, chosen[i].j) }
	case 4:
		return name(`properties["k"] == $i.properties.k && properties.v >= traits.least`), func(f fact, chosen []fact) bool {
			return same(f, chosen) && f.v >= 1
		}
	case 5:
		return name("properties.k == $i.properties.k && properties.k == $j.properties.j"), func(f fact, chosen []fact) bool {
			return same(f, chosen) && sameKey(f.k, chosen[j].j)
		}
	case 6:
		return name("properties.k == $i.properties.k && properties.v == $j.properties.v"), func(f fact, chosen []fact) bool {
			return same(f, chosen) && f.v == chosen[j].v
		}
	case 7:
		return name("properties.k == $i.properties.k && properties.v < $j.properties.v"), func(f fact, chosen []fact) bool {
			return same(f, chosen) && f.v < chosen[j].v
		}
	case 8:
		return name("!has($i.properties.k) || properties.v == $i.properties.v"), func(f fact, chosen []fact) bool {
			return chosen[i].k == nil || f.v == chosen[i].v
		}
	case 9:
		return name("properties.v == $i.properties.v"), func(f fact, chosen []fact) bool { return f.v == chosen[i].v }
	}
	if g.IntN(5) == 0 {
		return name("properties.k == $i.properties.k && properties.j == $i.properties.k"), func(f fact, chosen []fact) bool {
			return same(f, chosen) && sameKey(f.j, chosen[i].k)
		}
	}
	return name("properties.k == $i.properties.k"), same
}

var keys = []any{nil, "a", "a", "a", "a", 1, 1.0, "a longer name than fits in a key"}

func (g *generator) fact(seq uint64, now int) fact {
	at := now
	switch g.IntN(8) {
	case 0:
		at += g.IntN(4) // in the future
	case 1, 2, 3, 4:
		at = max(0, now-g.IntN(10)) // late
	}
	f := fact{name: g.event(), at: at, k: keys[g.IntN(len(keys))], v: g.IntN(3), seq: seq}
	if f.j = f.k; g.IntN(4) == 0 {
		f.j = keys[g.IntN(len(keys))]
	}
	return f
}
