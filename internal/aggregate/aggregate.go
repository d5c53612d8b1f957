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
	typ      trait.Type
	from, to int64 // the ages that count; to is 0 where the window is all time
	coming   queue[arrival]
	tally    tally
}

// tally is what a type keeps of the events that count.
type tally interface {
	// add counts an event from now on.
	add(at int64, v profile.Value)
	// expire stops to count the events of time up to last.
	expire(last int64)
	// value returns the trait's value, null where it is absent.
	value() profile.Value
	// oldest returns the time of the oldest event whose end can change the
	// value, or horizon.Never.
	oldest() int64
	// size returns about how much memory it takes.
	size() int
}

// arrival is an event that is known but does not count yet.
type arrival struct {
	at    int64
	value profile.Value // shares nothing with the event's packed bytes
}

func (a arrival) time() int64 { return a.at }

// New returns the state of c, which must be valid, for a profile without events.
func New(c trait.Computed) *State {
	return &State{
		typ:   c.Type,
		from:  int64(c.Window.Min),
		to:    int64(c.Window.Max),
		tally: newTally(c),
	}
}

// Add counts a matching event: its time, and its value as property.Source returns
// it, of which a copy is kept.
func (a *State) Add(at int64, v profile.Value, now int64) {
	if a.to > 0 && at+a.to <= now || !counts(a.typ, v) {
		return
	}
	if at+a.from > now {
		a.coming.push(arrival{at, detached(a.typ, v)})
		return
	}
	a.tally.add(at, v)
}

// At returns the value that holds at now, null where the trait is absent, and
// the instant until which it holds if nothing is added: one at which an event
// begins or stops to count, or horizon.Never.
func (a *State) At(now int64) (value profile.Value, until int64) {
	until = horizon.Never
	for {
		next, ok := a.coming.peek()
		if !ok {
			break
		}
		if next.at+a.from > now {
			until = next.at + a.from
			break
		}
		a.coming.pop()
		a.tally.add(next.at, next.value) // it may be over already: expire follows
	}
	if a.to > 0 {
		a.tally.expire(now - a.to)
		if at := a.tally.oldest(); at != horizon.Never {
			until = min(until, at+a.to)
		}
	}
	return a.tally.value(), until
}

// Spent reports whether the state is as a new one, given what At has just returned:
// all events have left the window, and none is to come.
func (a *State) Spent(value profile.Value, until int64) bool {
	// What most_frequent has seen too seldom has no value, and still counts.
	return a.to > 0 && a.typ != trait.TypeMostFrequent && value.IsNull() && until == horizon.Never
}
