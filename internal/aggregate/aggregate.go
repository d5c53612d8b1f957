package aggregate

import (
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// State is the running state of one computed trait of one profile.
//
// Every matching event is added once, in any order; At answers for an instant.
// The answer is a function of the events added and the instant, never of their
// order of arrival. An event counts while its age is in the window, half-open,
// and with no window from its own time on. Where no event counts the trait is
// absent, for every type: a count is never 0.
//
// Instants are Unix nanoseconds in the bounds of profile.CheckTime. They must
// not go back from call to call. A State is not safe for concurrent use.
type State struct {
	typ    trait.Type
	window *horizon.Window
	coming queue[arrival]
	tally  tally

	distinct *distinct // instead of these, of a condition: see NewDistinct
}

// tally is what a type keeps of the events that count.
type tally interface {
	// add counts an event of a time from now on, until its end.
	add(at, end int64, v profile.Value)
	// expire stops to count the events that end up to now.
	expire(now int64)
	// value returns the trait's value, null where it is absent.
	value() profile.Value
	// ends returns the first end of an event that can change the value, or
	// horizon.Never.
	ends() int64
	// size returns about how much memory it takes.
	size() int
}

// arrival is an event that is known but does not count yet.
type arrival struct {
	start, at int64
	value     profile.Value // shares nothing with the event's packed bytes
}

func (a arrival) time() int64 { return a.start }

// New returns the state of c, which must be valid and has the window, for a profile without
// events.
func New(c trait.Computed, window *horizon.Window) *State {
	return &State{typ: c.Type, window: window, tally: newTally(c, window.Ends())}
}

// Add counts a matching event: its time, and its value as property.Source returns
// it, of which a copy is kept.
func (a *State) Add(at int64, v profile.Value, now int64) {
	start, end := a.window.Span(at)
	if end <= now || end <= start || !counts(a.typ, v) {
		return
	}
	if a.distinct != nil {
		a.distinct.add(start, end, v, now)
		return
	}
	if start > now {
		a.coming.push(arrival{start, at, detached(a.typ, v)})
		return
	}
	a.tally.add(at, end, v)
}

// At returns the value that holds at now, null where the trait is absent, and
// the instant until which it holds if nothing is added: one at which an event
// begins or stops to count, or horizon.Never.
func (a *State) At(now int64) (value profile.Value, until int64) {
	until = horizon.Never
	if a.distinct != nil {
		a.distinct.advance(now)
		return profile.Value{}, until
	}
	for {
		next, ok := a.coming.peek()
		if !ok {
			break
		}
		if next.start > now {
			until = next.start
			break
		}
		a.coming.pop()
		_, end := a.window.Span(next.at)
		a.tally.add(next.at, end, next.value) // it may be over already: expire follows
	}
	if a.window.Ends() {
		a.tally.expire(now)
		until = min(until, a.tally.ends())
	}
	return a.tally.value(), until
}

// Spent reports whether the state is as a new one, given what At has just returned:
// all events have left the window, and none is to come.
func (a *State) Spent(value profile.Value, until int64) bool {
	if a.distinct != nil {
		return a.distinct.empty()
	}
	// What most_frequent has seen too seldom has no value, and still counts.
	return a.window.Ends() && a.typ != trait.TypeMostFrequent && value.IsNull() && until == horizon.Never
}
