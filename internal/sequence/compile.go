package sequence

import (
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/selector"
	"github.com/muster-go/muster/profile"
)

// Matcher is a compiled funnel. It is immutable and safe for concurrent use.
type Matcher struct {
	funnel    funnel.Funnel // filters in canonical text
	steps     []step
	follow    []position       // the steps that are to follow, in order
	byName    map[string][]int // the steps that an event may be of
	prefixed  bool             // more than those: a step takes events by the beginning of their names
	exact     bool             // see partition
	absences  bool             // whether any step is not to follow
	window    *horizon.Window
	permanent bool // nothing undoes a choice
	few       int  // of how many events a State goes through all
}

// step is a compiled funnel.Step.
type step struct {
	funnel.Step
	events   selector.Selector // which it may be
	filter   *celfilter.Filter // nil: every event
	refs     celfilter.StepReads
	position int                  // of a step to follow: its own; else of the step before it
	parts    []int                // the positions before which an event of it does not come: see position.between
	earlier  int                  // how many steps to follow are before it
	key      []profile.Key        // the properties that make its events' key
	twin     int                  // the first step with this filter, if it reads no earlier step; else this one
	implied  bool                 // in an exact plan an event of that name and a key passes the filter
	echoes   []echo               // by earlier step; for exact plans
	keeps    celfilter.EventReads // what is kept of its events; for other plans
}

// position is a step that is to follow, with what hangs on it.
type position struct {
	step    int
	gap     int64 // it comes less than this after the one before it; 0: any time
	delay   int64 // it counts from this after its time on
	absent  []int // the steps that are not to follow it
	between []int // the steps that are not to come between the one before it and it
	// alone says that no later filter reads an earlier step, so whether the
	// rest can be found does not depend on how this one was reached.
	alone bool
}

// Compile checks f and its filters, which are compiled in env. The error is a
// *funnel.Error.
func Compile(f funnel.Funnel, env *celfilter.Env) (*Matcher, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	m := &Matcher{
		funnel: funnel.Funnel{Window: f.Window, Steps: slices.Clone(f.Steps)},
		byName: map[string][]int{},
		window: horizon.NewWindow(f.Window),
		few:    fewEntries,
	}
	if !m.window.Ordered() {
		m.few = math.MaxInt // each entry ends by itself
	}
	var earlier []string
	var between []int // the steps that are not to come before the next one that is to follow
	for i, s := range m.funnel.Steps {
		compiled := step{Step: s, events: selector.Of(s.Event, s.Names, s.Prefix, s.Any), earlier: len(earlier), position: len(earlier)}
		if s.Filter != "" {
			filter, err := env.Step(s.Filter, earlier)
			if err != nil {
				return nil, &funnel.Error{Path: fmt.Sprintf("steps[%d].where", i), Err: err}
			}
			compiled.filter = filter
			m.funnel.Steps[i].Filter = filter.Source()
			compiled.refs = filter.StepReads(earlier)
		} else {
			compiled.refs = noReads(len(earlier))
		}
		names, listed := compiled.events.Names()
		for _, name := range names {
			m.byName[name] = append(m.byName[name], i)
		}
		m.prefixed = m.prefixed || !listed
		if s.Not {
			compiled.position--
			m.absences = true
			at := &m.follow[compiled.position]
			switch {
			case s.UntilNext:
				compiled.parts = []int{len(m.follow)}
				between = append(between, i)
			case s.Pending:
				at.absent = append(at.absent, i)
			default:
				at.absent = append(at.absent, i)
				at.delay = max(at.delay, int64(s.Within))
			}
		} else {
			earlier = append(earlier, s.Name)
			m.follow = append(m.follow, position{step: i, gap: int64(s.Within), between: between})
			between = nil
		}
		m.steps = append(m.steps, compiled)
	}
	m.setNext(len(earlier))
	m.permanent = !m.window.Ends() && !m.absences
	m.arrange()
	return m, nil
}

// setNext adds to the steps one of any event, which does not come before the positions whose
// step is to be the next: one for all of them.
func (m *Matcher) setNext(earlier int) {
	last := len(m.steps)
	s := step{Step: funnel.Step{Not: true, UntilNext: true}, events: selector.Of("", nil, "", true), earlier: earlier, refs: noReads(earlier)}
	for pos := range m.follow {
		if at := &m.follow[pos]; m.steps[at.step].Next {
			at.between = append(at.between, last)
			s.parts = append(s.parts, pos)
		}
	}
	if s.parts != nil {
		m.steps = append(m.steps, s)
		m.absences, m.prefixed = true, true
	}
}

// noReads are the reads of a step without a filter.
func noReads(earlier int) celfilter.StepReads {
	return celfilter.StepReads{Steps: make([]celfilter.EventReads, earlier), Beyond: make([]bool, earlier)}
}

// arrange finds by what events are kept apart, and what is kept of them.
func (m *Matcher) arrange() {
	p := partitionOf(m)
	m.exact = p.exact
	var none *profile.Dict // the keys serve objects of any dictionary
	for i := range m.steps {
		s := &m.steps[i]
		s.twin = i
		if s.filter != nil && !s.refs.Dynamic() {
			s.twin = slices.IndexFunc(m.steps[:i+1], func(t step) bool {
				return t.filter != nil && t.filter.Source() == s.filter.Source()
			})
		}
		for _, name := range p.columns[i] {
			s.key = append(s.key, none.Key(name))
		}
		s.echoes = echoesOf(m, i, p.columns)
		s.implied = p.implies(m, i)
		if s.refs.Dynamic() {
			s.keeps.Add(s.refs.Self)
		}
		for pos, read := range s.refs.Steps {
			m.steps[m.follow[pos].step].keeps.Add(read)
		}
	}
	for pos := range m.follow {
		m.follow[pos].alone = !slices.ContainsFunc(m.steps[m.follow[pos].step+1:], func(s step) bool {
			return slices.ContainsFunc(span(pos), s.refs.Reads)
		})
	}
}

// span returns 0 to n-1.
func span(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// Funnel returns the funnel with its filters in canonical text: funnels that
// are the same have the same JSON form.
func (m *Matcher) Funnel() funnel.Funnel {
	return funnel.Funnel{Window: m.funnel.Window, Steps: slices.Clone(m.funnel.Steps)}
}

// Takes reports whether events of a name can be of any step.
func (m *Matcher) Takes(event string) bool { return len(m.StepsOf(event)) > 0 }

// Events returns which events it takes, each distinct selector of its steps once.
func (m *Matcher) Events() []selector.Selector {
	var all []selector.Selector
	for i := range m.steps {
		if is := m.steps[i].events.Equal; !slices.ContainsFunc(all, func(s selector.Selector) bool { return is(&s) }) {
			all = append(all, m.steps[i].events)
		}
	}
	return all
}

// Filters iterates over the filters, with the place among Steps of the step that
// has it.
func (m *Matcher) Filters() iter.Seq2[int, *celfilter.Filter] {
	return func(yield func(int, *celfilter.Filter) bool) {
		for i := range m.steps {
			if f := m.steps[i].filter; f != nil && !yield(i, f) {
				return
			}
		}
	}
}

// StepsOf returns the steps that an event of a name may be of, ascending.
func (m *Matcher) StepsOf(event string) []int {
	if !m.prefixed {
		return m.byName[event]
	}
	var steps []int
	for i := range m.steps {
		if m.steps[i].events.Takes(event) {
			steps = append(steps, i)
		}
	}
	return steps
}

// StepsBy returns the steps whose events a key finds, ascending.
func (m *Matcher) StepsBy(k selector.Key) []int {
	if !k.Prefix {
		return m.byName[k.Text]
	}
	var steps []int
	for i := range m.steps {
		if m.steps[i].events.Has(k) {
			steps = append(steps, i)
		}
	}
	return steps
}

// EventsOf returns which events may be of a step.
func (m *Matcher) EventsOf(step int) *selector.Selector { return &m.steps[step].events }

// Static returns the filter of a step, if it has one that reads no earlier step:
// it can be applied without a State, once for any number of funnels.
func (m *Matcher) Static(step int) *celfilter.Filter {
	if s := &m.steps[step]; !s.refs.Dynamic() {
		return s.filter
	}
	return nil
}

// Bounded reports whether the search is bounded: see "Cost" in the comment of
// package funnel.
func (m *Matcher) Bounded() bool { return !m.exact }
