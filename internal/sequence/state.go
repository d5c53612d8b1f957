package sequence

import (
	"time"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// Traits are what filters read beside events: those of the one whose event it
// is, and of its account. Either may be nil: there are none.
type Traits struct {
	User, Account celfilter.Fields
	Self          *celfilter.Self // whose event it is
}

// State is the running state of one funnel for one profile.
//
// Every event is added once, in any order; At answers for an instant. The
// answer is a function of the events added, the traits given with them and the
// instant, never of the order of arrival. Where a trait changes that a filter
// reads, the state has to be made anew, from the history.
//
// Instants are Unix nanoseconds in the bounds of profile.CheckTime. They must
// not go back from call to call. A State is not safe for concurrent use.
//
// A State can be dropped at any time, to be made anew by adding the history, in
// any order; where it is Empty nothing need be added.
type State struct {
	chains
	search *search // instead, for a plan that is not exact
}

// running finds choices among the events that were added.
type running interface {
	// add takes an event that may be of a step.
	add(step int, e event, now int64)
	// advance does what is due up to now.
	advance(now int64)
	// best returns the choice of the latest first event, after advance.
	best() (whole, bool)
	// next returns the next instant after advance at which an event that is
	// known happens or begins to count, nextComing that at which one happens.
	next() int64
	nextComing() int64
	// evidence returns that choice, if there is one: an event for each step to
	// follow.
	evidence() []instance
	empty() bool
	limited() bool
}

// event is one that may be of a step.
type event struct {
	*profile.Event
	at  int64
	key key
	by  Traits
}

// instance is an event chosen for a step.
type instance struct {
	at  int64
	seq uint64
}

// Matched is the event chosen for one step that is to follow.
type Matched struct {
	Step string    // its name
	Time time.Time // of the event, in UTC
	Seq  uint64    // of the event
}

// NewState returns the state for a profile without events. It is false until
// never. State{} is none, but *m.NewState() may be part of another struct.
func (m *Matcher) NewState() *State {
	s := &State{chains: chains{m: m}}
	if !m.exact {
		s.search = newSearch(m)
	}
	return s
}

func (s *State) running() running {
	if s.search != nil {
		return s.search
	}
	return &s.chains
}

// Add takes an event at instant now. An event of another name, or that no step
// takes, changes nothing. What later steps read of it is copied, and traits are
// kept where a filter that is applied later may read them.
//
// missed has bit i set if the filter of step i was a miss, as of a property
// that is not there; that of a filter whose answer depends on which events are
// chosen is not told.
func (s *State) Add(e *profile.Event, by Traits, now int64) (missed uint64) {
	steps := s.m.StepsOf(e.Name)
	if len(steps) == 0 {
		return 0
	}
	s.running().advance(now)
	ev := event{Event: e, at: e.Time.UnixNano(), by: by}
	var results [funnel.MaxSteps]celfilter.Result
	applied := uint64(0)
	for _, i := range steps {
		if !s.m.takes(i, ev.at, now) {
			continue
		}
		k, ok := s.m.keyOf(i, e)
		if !ok {
			missed |= 1 << i
			continue
		}
		twin := s.m.steps[i].twin
		if applied&(1<<twin) == 0 {
			applied |= 1 << twin
			results[twin] = s.m.admits(i, ev)
		}
		switch results[twin] {
		case celfilter.True:
			ev.key = k
			s.running().add(i, ev, now)
		case celfilter.Miss:
			missed |= 1 << i
		}
	}
	return missed
}

// AddStep is Add for one step alone: for a caller that has applied its filter, if
// Matcher.Static returns one. The event is of the step's name.
func (s *State) AddStep(i int, e *profile.Event, by Traits, now int64) (missed bool) {
	s.running().advance(now)
	ev := event{Event: e, at: e.Time.UnixNano(), by: by}
	if !s.m.takes(i, ev.at, now) {
		return false // it is over before it was known
	}
	k, ok := s.m.keyOf(i, e)
	if !ok {
		return s.m.steps[i].refs.Dynamic()
	}
	if s.m.steps[i].refs.Dynamic() {
		if r := s.m.admits(i, ev); r != celfilter.True {
			return r == celfilter.Miss
		}
	}
	ev.key = k
	s.running().add(i, ev, now)
	return false
}

// At answers at now. While the funnel holds, Until is when the choice of the
// latest first step leaves the window, or the earliest instant at which an
// event that is known but dated after now may contradict one. While it does not
// hold, Until is the next instant at which an event that is known begins to
// count: dated after now, or followed or not for long enough.
func (s *State) At(now int64) horizon.Verdict {
	r := s.running()
	r.advance(now)
	best, ok := r.best()
	if !ok {
		return horizon.Verdict{True: false, Until: r.next()}
	}
	until := horizon.Never
	if s.m.absences {
		until = r.nextComing()
	}
	if s.m.window.Ordered() {
		until = min(until, s.m.over(best.first))
	} else {
		for _, chosen := range r.evidence() {
			until = min(until, s.m.over(chosen.at))
		}
	}
	return horizon.Verdict{True: true, Until: until}
}

// Evidence returns the choice that made the last verdict true, an event for
// each step that is to follow; nil if it was false. Among all choices it is one
// whose first event is the latest.
func (s *State) Evidence() []Matched {
	chosen := s.running().evidence()
	if chosen == nil {
		return nil
	}
	all := make([]Matched, len(chosen))
	for pos, c := range chosen {
		all[pos] = Matched{
			Step: s.m.steps[s.m.follow[pos].step].Name,
			Time: time.Unix(0, c.at).UTC(),
			Seq:  c.seq,
		}
	}
	return all
}

// Empty reports whether nothing is known after the last Add or At that could
// count, now or later: a new state is the same. One that is true for ever is
// never empty.
func (s *State) Empty() bool { return s.running().empty() }

// Limited reports whether a bound of the search was met since the state was
// made: see "Cost" in the comment of package funnel. It never is unless Matcher.Bounded.
func (s *State) Limited() bool { return s.running().limited() }
