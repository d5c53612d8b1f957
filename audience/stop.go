package audience

import (
	"fmt"
	"strings"
	"time"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/selector"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/profile"
)

// Stop says why a funnel goes no further than to the events that are chosen for its first
// steps: those of the longest part of it, from the beginning, that holds.
type Stop struct {
	Step  string `json:"step"`            // the name of the step that is missing; empty: the funnel holds
	Event string `json:"event,omitempty"` // the name of its events; empty: it takes several
	Not   bool   `json:"not,omitempty"`   // it is not to follow
	// Until is the end of the step's time, where it has one that is to come: the step may
	// follow before it or, if it is not to follow, it is sure then that it does not.
	Until time.Time `json:"until,omitzero"`
	// Followed is, of a step that is not to follow, the first event that follows.
	Followed Seen `json:"followed,omitzero"`
	// Near are, of a step that is to follow, the events of its name that are no such step
	// behind the events chosen. Excluded are how many would be one, but for what came between.
	Near     Near `json:"near,omitzero"`
	Excluded int  `json:"excluded,omitempty"`
}

// IsZero reports whether s is of a funnel that holds.
func (s Stop) IsZero() bool { return s.Step == "" }

// followFunnel follows a funnel that does not hold as far as it goes: with the same evaluation of
// ever longer parts of it, from the beginning.
func (s *txn) followFunnel(x *Explained, n *network.Node) {
	saved, event, quiet := s.Input, s.Taking, s.Quiet
	s.Quiet = true
	defer func() { s.Input, s.Taking, s.Quiet = saved, event, quiet }()
	f := n.Funnel.Funnel()
	parts := s.partsOf(f)
	x.Partial = s.eachOf(n, func(ev *profile.Event) {
		for _, p := range parts {
			p.state.Add(ev, s.FunnelTraits(n), s.At)
		}
	})
	reached := 0
	for _, p := range parts {
		if !p.state.At(s.At).True {
			break
		}
		x.Funnel = x.Funnel[:0]
		for _, m := range p.state.Evidence() {
			x.Funnel = append(x.Funnel, Matched(m))
		}
		reached = p.steps
	}
	if reached < len(f.Steps) { // else it is more than was read
		s.stopped(x, n, &f, reached)
	}
}

// prefix is the first steps of a funnel, as a funnel.
type prefix struct {
	steps int
	state *sequence.State
}

// partsOf returns the parts of a funnel from its beginning, the shortest first, with
// nothing in them. One that ends before a step that it cannot be without is left out.
func (s *txn) partsOf(f funnel.Funnel) (parts []prefix) {
	for k := 1; k <= len(f.Steps); k++ {
		if m, err := sequence.Compile(funnel.Funnel{Window: f.Window, Steps: f.Steps[:k]}, s.e.env); err == nil {
			parts = append(parts, prefix{k, m.NewState()})
		}
	}
	return parts
}

// eachOf calls do with each event that a funnel may take, as the one at hand. partial says
// that there are more: of an account MaxExamined are read.
func (s *txn) eachOf(n *network.Node, do func(*profile.Event)) (partial bool) {
	examined := 0
	for ev, err := range s.History(n, time.Time{}) {
		if err != nil {
			s.Err = err
			return false
		}
		if examined++; n.Of == profile.Account && examined > MaxExamined {
			return true
		}
		if s.Take(&ev); s.Counts(n) {
			do(&ev)
		}
	}
	return false
}

// stopped says why the step behind those that were reached is missing.
func (s *txn) stopped(x *Explained, n *network.Node, f *funnel.Funnel, reached int) {
	step := &f.Steps[reached]
	stop := &x.Stop
	look := stopLook{step: step, of: selector.Of(step.Event, step.Names, step.Prefix, step.Any), before: -1}
	stop.Step, stop.Event, stop.Not = step.Name, look.of.Name(), step.Not
	chosen := map[uint64]int{}
	for i, m := range x.Funnel {
		chosen[m.Seq] = i
		look.before = m.Time.UnixNano()
	}
	look.steps = make([]celfilter.Step, len(x.Funnel))
	if len(chosen) > 0 {
		s.eachOf(n, func(ev *profile.Event) {
			if i, ok := chosen[ev.Seq]; ok {
				look.steps[i] = celfilter.Step{Name: ev.Name, Time: ev.Time.UnixNano(), Properties: ev.Properties, Context: ev.Context}
			}
		})
		if step.Within > 0 {
			look.end = look.before + int64(step.Within)
			if look.end > s.At {
				stop.Until = instant(look.end)
			}
		}
	}
	if step.Filter != "" {
		var earlier []string
		for _, m := range x.Funnel {
			earlier = append(earlier, m.Step)
		}
		filter, err := s.e.env.Step(step.Filter, earlier)
		if err != nil {
			s.Err = err // it was compiled before
			return
		}
		look.filter = filter
	}
	s.lookAtStop(stop, n, &look, closeTo{missing: missingOf(look.filter)})
	if step.UntilNext && stop.Followed.Time.IsZero() { // then it is the one behind it that is missing
		*stop = Stop{}
		s.stopped(x, n, f, reached+1)
	}
}

// stopLook is what an event of the step that is missing is held against.
type stopLook struct {
	step   *funnel.Step
	of     selector.Selector // its events
	filter *celfilter.Filter // nil: every event
	steps  []celfilter.Step  // the events chosen for the steps before
	before int64             // the time of the last of them
	end    int64             // until when it has to follow; 0: any time
}

// lookAtStop looks at the events that the step takes which is missing.
func (s *txn) lookAtStop(stop *Stop, n *network.Node, look *stopLook, close closeTo) {
	any := false
	s.eachOf(n, func(ev *profile.Event) {
		if !look.of.Takes(ev.Name) {
			return
		}
		any = true
		t := ev.Time.UnixNano()
		start, end := n.Count.Span(t)
		inside := t <= s.At && (len(look.steps) == 0 || t > look.before && (look.end == 0 || t < look.end))
		passes := s.passesStop(n, look, t, ev)
		switch {
		case look.step.Not:
			if inside && passes && (stop.Followed.Time.IsZero() || ev.Time.Before(stop.Followed.Time)) {
				stop.Followed = s.seen(n, &look.of, ev)
			}
		case inside && passes && start <= s.At && s.At < end:
			stop.Excluded++
		default:
			close.add(ev, inside && start <= s.At && s.At < end, passes)
		}
	})
	if look.step.Not {
		return
	}
	stop.Near = close.near(s.e.fields)
	if !any && stop.Event != "" {
		stop.Near.Meant = s.e.fields.MeantEvent(stop.Event)
	}
}

// passesStop applies the filter of the step that is missing to the event at hand.
func (s *txn) passesStop(n *network.Node, look *stopLook, t int64, ev *profile.Event) bool {
	if look.filter == nil {
		return true
	}
	by := s.FunnelTraits(n)
	return look.filter.Eval(&celfilter.Input{
		Name: ev.Name, Time: t, Properties: ev.Properties, Context: ev.Context,
		Traits: by.User, Account: by.Account, Self: by.Self, Steps: look.steps,
	}) == celfilter.True
}

// write writes why there is no further step, for people.
func (s *Stop) write(b *strings.Builder, indent string) {
	if s.IsZero() {
		return
	}
	fmt.Fprintf(b, "%s%s: ", indent, s.Step)
	switch {
	case s.Followed.Time.IsZero() && s.Not:
		fmt.Fprintf(b, "may follow%s", untilText(s.Until))
	case s.Followed.Time.IsZero():
		fmt.Fprintf(b, "missing%s", untilText(s.Until))
	case s.Followed.User == "":
		fmt.Fprintf(b, "followed at %s", s.Followed.Time.UTC().Format(time.RFC3339Nano))
	default:
		fmt.Fprintf(b, "followed at %s %s", s.Followed.Time.UTC().Format(time.RFC3339Nano), s.Followed.User)
	}
	b.WriteByte('\n')
	if s.Excluded > 0 {
		fmt.Fprintf(b, "%s  %s, but for what came between\n", indent, plural(s.Excluded, "event"))
	}
	s.Near.write(b, indent+"  ")
}
