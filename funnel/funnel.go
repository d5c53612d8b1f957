package funnel

import (
	"slices"
	"time"

	"github.com/muster-go/muster/internal/celtext"
	"github.com/muster-go/muster/profile"
)

// Funnel is steps in strict order of event time. It is a plain value: built by
// Start and its methods, or read from its JSON form. The engine checks it.
type Funnel struct {
	// Window is of the whole: every chosen event's age is in it. The zero
	// Window is all time up to now.
	Window profile.Window
	Steps  []Step
}

// Step is one step of a funnel: an event that is to follow, or not.
type Step struct {
	Name string // an identifier, by which later steps refer to this one
	// Exactly one of Event, Names, Prefix and Any says which event: of a name, of any of some
	// names, one whose name begins so, or any.
	Event  string
	Names  []string
	Prefix string
	Any    bool
	Filter string // CEL; empty: every such event

	// Within is how long after the step before at most, half-open: a step of
	// time t is followed in (t, t+Within). 0 is any time later. The step before
	// is the nearest earlier one without Not.
	Within time.Duration

	Not     bool // the event does not follow within Within
	Pending bool // with Not: holds at once and until contradicted, not only once Within has passed

	// UntilNext, with Not and instead of Within: the event does not come between the step before
	// and the next one that is to follow.
	UntilNext bool
	// Next says that the event is the very next one of the profile, of any name, after that of
	// the step before. It is for a step that is to follow.
	Next bool
}

// Start begins a funnel with its first step. Mistakes are reported when it is
// validated, never by the builder.
func Start(name, event string) Funnel { return Funnel{}.with(Step{Name: name, Event: event}) }

// Followed returns f with one more step: the event follows the step before.
func (f Funnel) Followed(name, event string) Funnel { return f.with(Step{Name: name, Event: event}) }

// NotFollowed returns f with one more step: the event does not follow the step
// before within a duration, which Within has to give, or UntilNext.
func (f Funnel) NotFollowed(name, event string) Funnel {
	return f.with(Step{Name: name, Event: event, Not: true})
}

// OfEvents returns f with a last step that is of any of some names instead.
func (f Funnel) OfEvents(names ...string) Funnel {
	return f.change(func(s *Step) { s.Event, s.Names, s.Prefix, s.Any = "", slices.Clone(names), "", false })
}

// OfPrefix returns f with a last step whose name begins with a prefix instead.
func (f Funnel) OfPrefix(prefix string) Funnel {
	return f.change(func(s *Step) { s.Event, s.Names, s.Prefix, s.Any = "", nil, prefix, false })
}

// OfAnyEvent returns f with a last step of any name instead.
func (f Funnel) OfAnyEvent() Funnel {
	return f.change(func(s *Step) { s.Event, s.Names, s.Prefix, s.Any = "", nil, "", true })
}

// UntilNext returns f with its last step, one that is not to follow, not coming before the next
// one that is, instead of within a duration.
func (f Funnel) UntilNext() Funnel {
	return f.change(func(s *Step) { s.UntilNext = true })
}

// Next returns f with its last step being the very next event after that of the step before,
// of whatever name.
func (f Funnel) Next() Funnel {
	return f.change(func(s *Step) { s.Next = true })
}

// Where returns f with a CEL filter on its last step, beside those given before.
func (f Funnel) Where(cel string) Funnel {
	return f.change(func(s *Step) { s.Filter = celtext.And(s.Filter, cel) })
}

// Within returns f with a duration on its last step; see Step.Within. Of several
// the shortest counts. One of nothing is not valid.
func (f Funnel) Within(d time.Duration) Funnel {
	if d == 0 {
		d = -1 // 0 would be any time later
	}
	return f.change(func(s *Step) {
		if s.Within == 0 || d < s.Within {
			s.Within = d
		}
	})
}

// Pending returns f with its last step, one that is not to follow, counted as
// true at once and until contradicted.
func (f Funnel) Pending() Funnel {
	return f.change(func(s *Step) { s.Pending = true })
}

// WithWindow returns f with a window on the whole:
// WithWindow(profile.Within(30*profile.Day)). Of several it is what they have in
// common.
func (f Funnel) WithWindow(w profile.Window) Funnel {
	f.Window = f.Window.And(w)
	return f
}

func (f Funnel) with(s Step) Funnel {
	f.Steps = append(slices.Clip(f.Steps), s)
	return f
}

// change edits the last step of a copy; without steps there is nothing to edit,
// which Validate reports.
func (f Funnel) change(edit func(*Step)) Funnel {
	if n := len(f.Steps); n > 0 {
		f.Steps = slices.Clone(f.Steps)
		edit(&f.Steps[n-1])
	}
	return f
}
