package audience

import (
	"slices"
	"time"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/celtext"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Condition is what the builder combines: a Node, or an Event under
// construction.
type Condition interface{ Node() Node }

// Define begins the definition of an audience. Mistakes are reported when it
// is compiled or created, never by the builder.
func Define(key string) Definition { return Definition{Key: key} }

// WithName returns d with a name for people.
func (d Definition) WithName(name string) Definition {
	d.Name = name
	return d
}

// WithDescription returns d with a text about it for people.
func (d Definition) WithDescription(text string) Definition {
	d.Description = text
	return d
}

// WithTags returns d with more tags for people.
func (d Definition) WithTags(tags ...string) Definition {
	d.Tags = append(slices.Clone(d.Tags), tags...)
	return d
}

// WithOwner returns d with whom to ask about it, for people.
func (d Definition) WithOwner(owner string) Definition {
	d.Owner = owner
	return d
}

// OfAccounts returns d as an audience of accounts.
func (d Definition) OfAccounts() Definition {
	d.Of = profile.Account
	return d
}

// WithPerUser returns d, an audience of accounts, such that each user of a member
// account is a member as well: there are transitions of users besides those of
// accounts. A user of two member accounts exits with the last.
func (d Definition) WithPerUser() Definition {
	d.PerUser = true
	return d
}

// WithNoBackfill returns d such that only data that arrives after its
// creation counts.
func (d Definition) WithNoBackfill() Definition {
	d.NoBackfill = true
	return d
}

// WithBatch returns d as a batch audience: its members are computed when it is made
// or edited, and then at each instant that is a multiple of the interval since
// 1970, in UTC: with an hour, on the hour.
func (d Definition) WithBatch(interval time.Duration) Definition {
	d.Batch = interval
	return d
}

// Members returns d with the condition that its members meet.
func (d Definition) Members(c Condition) Definition {
	d.Where = *nodeOf(c)
	return d
}

// All holds if every condition does.
func All(of ...Condition) Node { return Node{All: nodes(of)} }

// Any holds if at least one condition does.
func Any(of ...Condition) Node { return Node{Any: nodes(of)} }

// Not holds if c does not.
func Not(c Condition) Node { return Node{Not: nodeOf(c)} }

func nodes(of []Condition) []Node {
	ns := make([]Node, len(of))
	for i, c := range of {
		ns[i] = *nodeOf(c)
	}
	return ns
}

// Performed is the condition that the user did an event, of any of the names: at least
// once, ever, unless its methods say otherwise.
func Performed(event string, or ...string) Event {
	if len(or) == 0 {
		return Event{Name: event}
	}
	return Event{Names: append([]string{event}, or...)}
}

// PerformedPrefix is the condition that the user did an event whose name begins with a
// prefix: "Order ".
func PerformedPrefix(prefix string) Event { return Event{Prefix: prefix} }

// PerformedAny is the condition that the user did an event, whatever its name.
func PerformedAny() Event { return Event{Any: true} }

// NotPerformed is the condition that the user did not do an event, of none of the names.
func NotPerformed(event string, or ...string) Event { return Performed(event, or...).AtMost(0) }

// Where returns e counting only events that pass the CEL filter, and those given
// before.
func (e Event) Where(cel string) Event {
	e.Filter = celtext.And(e.Filter, cel)
	return e
}

// AtLeast returns e asking for at least n events, beside what it asks for:
// AtLeast(2).AtMost(5) is from 2 to 5. What can never hold is an error when the
// definition is compiled: NotPerformed("Login").AtLeast(3), say.
func (e Event) AtLeast(n int) Event {
	e.Count = e.Count.and(n, network.MaxCount)
	return e
}

// AtMost returns e asking for at most n events; see AtLeast.
func (e Event) AtMost(n int) Event {
	if e.Count.IsZero() {
		e.Count = Count{Comparison: AtMost, N: n}
		return e
	}
	e.Count = e.Count.and(0, n)
	return e
}

// Exactly returns e asking for exactly n events; see AtLeast.
func (e Event) Exactly(n int) Event {
	e.Count = e.Count.and(n, n)
	return e
}

// Within returns e counting events of the last d. Of several windows it is what
// they have in common; if that is nothing, an error when the definition is
// compiled.
func (e Event) Within(d time.Duration) Event {
	e.Window = e.Window.And(profile.Within(d))
	return e
}

// Between returns e counting events of age in [min, max); see Within.
func (e Event) Between(min, max time.Duration) Event {
	e.Window = e.Window.And(profile.Between(min, max))
	return e
}

// During returns e counting events in a window: of calendar months, of units of the calendar,
// between fixed instants. See Within.
func (e Event) During(w profile.Window) Event {
	e.Window = e.Window.And(w)
	return e
}

// InPeriods returns e asking for an event in at least n of the last periods of a length:
// Performed("Login").InPeriods(15, 30, profile.Day) is on 15 of the last 30 days, each of
// 24 hours up to now.
func (e Event) InPeriods(n, periods int, of time.Duration) Event {
	e.Regularly = Regularly{AtLeast: n, Periods: periods, Of: of}
	return e
}

// OfGroup returns e, in an audience of accounts, counting only events that were
// sent with the account's id.
func (e Event) OfGroup() Event {
	e.Scope = OfGroup
	return e
}

// Trait is the condition that a CEL expression over traits is true.
func Trait(cel string) Node { return Node{Trait: cel} }

// TraitIs is a condition of package trait: trait.Value("plan").Equals("pro").
func TraitIs(c trait.Condition) Node { return Trait(c.CEL()) }

// DateIs is a condition of package trait on a date:
// trait.Value("renewal_date").WithinNext(profile.Week).
func DateIs(d trait.Date) Node { return Node{TraitDate: &d} }

// TraitDate is the condition that the date in a trait lies in the window.
func TraitDate(name string, window trait.DateWindow) Node {
	return Node{TraitDate: &trait.Date{Name: name, Window: window}}
}

// InAudience is the condition of being a member of another audience.
func InAudience(key string) Node { return Node{Audience: key} }

// Funnel is the condition that a funnel holds.
func Funnel(f funnel.Funnel) Node { return Node{Funnel: &f} }

// AnyUser is the condition of an account that at least one of its users meets
// c.
func AnyUser(c Condition) Users { return Users{Any: nodeOf(c)} }

// AllUsers is the condition of an account that it has users and each of them
// meets c.
func AllUsers(c Condition) Users { return Users{All: nodeOf(c)} }

// NoUser is the condition of an account that none of its users meets c.
func NoUser(c Condition) Users { return Users{None: nodeOf(c)} }

// AtLeastUsers is the condition of an account that at least n of its users meet c.
func AtLeastUsers(n int, c Condition) Users { return Users{AtLeast: n, Where: nodeOf(c)} }

// AtLeastPercentOfUsers is the condition of an account that it has users and at least so many
// percent of them meet c.
func AtLeastPercentOfUsers(percent float64, c Condition) Users {
	return Users{AtLeastPercent: percent, Where: nodeOf(c)}
}

// nodeOf returns the node of a condition; that of none has nothing in it, which is
// an error when the definition is compiled.
func nodeOf(c Condition) *Node {
	if c == nil {
		return &Node{}
	}
	n := c.Node()
	return &n
}
