package audience

import (
	"fmt"
	"time"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Definition is an audience: a key and the condition its members meet. It is a
// plain value; Compile and Engine.Create check it.
type Definition struct {
	Key         string          // [a-z][a-z0-9_]*, never used twice
	Name        string          // for people
	Description string          // for people
	Tags        []string        // for people, to find it by; each once
	Owner       string          // for people: whom to ask about it
	Of          profile.Subject // whether its members are users or accounts
	PerUser     bool            // of an audience of accounts: each user of a member account is a member as well
	NoBackfill  bool            // count only data that arrives after the creation
	Batch       time.Duration   // how often its members are computed, or OnRequest; 0: in real time
	Paused      bool            // its members stay as they are: see Engine.Pause
	Where       Node
}

// OnRequest is the Batch of an audience whose members are computed when
// Engine.Recompute asks for it, and not otherwise.
const OnRequest time.Duration = -1

// Node is one node of a condition tree: exactly one of its fields is set, For and ForLess aside.
type Node struct {
	All       []Node         `json:"all,omitempty"`        // every one holds
	Any       []Node         `json:"any,omitempty"`        // at least one holds
	Not       *Node          `json:"not,omitempty"`        // it does not hold
	Event     *Event         `json:"event,omitempty"`      // events happened so many times
	Trait     string         `json:"trait,omitempty"`      // CEL over traits
	TraitDate *trait.Date    `json:"trait_date,omitempty"` // a date in a trait, relative to now
	Audience  string         `json:"audience,omitempty"`   // member of the audience of that key
	Funnel    *funnel.Funnel `json:"funnel,omitempty"`     // ordered steps
	Users     *Users         `json:"users,omitempty"`      // in an audience of accounts: what their users meet
	Sample    *Sample        `json:"sample,omitempty"`     // in a share of all profiles

	// With Audience: in it without a break for at least For, and for less than ForLess, both
	// where both are set; see InAudienceFor.
	For     Tenure `json:"for,omitzero"`
	ForLess Tenure `json:"for_less,omitzero"`
}

// Node returns n: a Node is a Condition.
func (n Node) Node() Node { return n }

// Event is a condition on the events of a user: how many events of a name, that
// pass the filter and lie in the window, there are. Exactly one of Name, Names, Prefix and
// Any says which events.
type Event struct {
	Name   string         `json:"name,omitempty"`
	Names  []string       `json:"names,omitempty"`  // of any of them; each once
	Prefix string         `json:"prefix,omitempty"` // those whose name begins so
	Any    bool           `json:"any,omitempty"`    // all, pages and screens too
	Filter string         `json:"where,omitempty"`  // CEL; empty: every event
	Count  Count          `json:"count,omitzero"`
	Window profile.Window `json:"window,omitzero"`
	Scope  Scope          `json:"scope,omitzero"`

	Distinct  Distinct  `json:"distinct,omitzero"`  // what Count is of, instead of events
	Regularly Regularly `json:"regularly,omitzero"` // instead of Count and Window
}

// Node returns the condition as a node.
func (e Event) Node() Node { return Node{Event: &e} }

// Scope says which events count for an account.
type Scope uint8

// The scopes.
const (
	OfUsers Scope = iota // those of its users, and those sent with its id
	OfGroup              // those sent with its id alone
)

// IsZero reports whether s is OfUsers.
func (s Scope) IsZero() bool { return s == OfUsers }

// Comparison says how a count is compared.
type Comparison uint8

// The comparisons.
const (
	AtLeast Comparison = iota
	AtMost
	Exactly
	Range // at least N and at most Max
)

// Count is a comparison with a number. The zero Count is at least 1.
type Count struct {
	Comparison Comparison
	N          int
	Max        int // of a Range
}

// IsZero reports whether c is the zero Count.
func (c Count) IsZero() bool { return c == Count{} }

// bounds returns the counts for which c holds: [min, max].
func (c Count) bounds() (min, max int) {
	switch {
	case c.IsZero():
		return 1, network.MaxCount
	case c.Comparison == AtMost:
		return 0, c.N
	case c.Comparison == Exactly:
		return c.N, c.N
	case c.Comparison == Range:
		return c.N, c.Max
	}
	return c.N, network.MaxCount
}

// and returns the count for which c holds and that lies in [min, max].
func (c Count) and(min, max int) Count {
	if !c.IsZero() {
		low, high := c.bounds()
		if low > min {
			min = low
		}
		if high < max {
			max = high
		}
	}
	switch {
	case min == max && c.Comparison != AtMost:
		return Count{Comparison: Exactly, N: min}
	case min == 0 && max < network.MaxCount:
		return Count{Comparison: AtMost, N: max}
	case max == network.MaxCount && min != 0:
		return Count{Comparison: AtLeast, N: min}
	}
	return Count{Comparison: Range, N: min, Max: max} // it may never hold, or always
}

// validate returns an error for a count that cannot be, or that says nothing.
func (c Count) validate() error {
	low, high := c.bounds()
	switch {
	case c.Comparison > Range || min(low, high) < 0 || max(low, high) > network.MaxCount:
		return fmt.Errorf("%w: a count is a number from 0 to %d", profile.ErrInvalid, network.MaxCount)
	case low > high:
		return fmt.Errorf("%w: at least %d and at most %d: it never holds", profile.ErrInvalid, low, high)
	case low == 0 && high == network.MaxCount:
		return fmt.Errorf("%w: at least 0: it always holds", profile.ErrInvalid)
	}
	return nil
}
