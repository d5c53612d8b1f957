package trait

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/internal/celtext"
	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/internal/selector"
	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
)

// Computed defines a trait that the engine keeps up to date from events or, a formula, from
// other traits. It is a plain value: built by Count, Sum and so on, or read from its JSON form.
// The engine checks it.
type Computed struct {
	Key         string          // the trait's name: [a-z][a-z0-9_]*, as an audience's key
	Name        string          // for people
	Description string          // for people
	Of          profile.Subject // whose trait it is
	Type        Type
	// Formula is the CEL expression of a TypeFormula, which has nothing of what follows but
	// NoBackfill: its value is what it makes of traits, and of id and ids. It may read other
	// computed traits and memberships, as traits; a circle is refused. One of users reads no
	// account.traits, of which a user has as many as accounts.
	Formula string
	// Exactly one of Event, Names, Prefix and Any says which events count: those of a name, of
	// any of some names, whose name begins so, or all.
	Event  string
	Names  []string
	Prefix string
	Any    bool
	// Property is what is read from them, empty for a count, a time and days: a chain of keys with
	// dots between them, as "total" and "address.city"; a key that itself has a dot or a
	// bracket is written `["order.total"]`. Behind a key [] goes on with each element of the
	// list that is there, so that "products[].price" is as many values as there are products
	// with a price, all of the event's time. For a trait of accounts "user.traits.plan" is the
	// trait plan of the user whose event it is; for one of users, whose own traits
	// say nothing about an event, that is an error.
	Property     string
	Filter       string // CEL over an event; empty: every event
	Window       profile.Window
	Zone         string // of TypeUniqueDays: whose clock says which day it is; empty: UTC
	MinFrequency int    // of TypeMostFrequent: how often a value is seen at least; 0 is DefaultFrequency
	NoBackfill   bool   // only data that arrives after the creation counts
}

const (
	// DefaultFrequency is how often a most frequent value is seen at least,
	// where the definition does not say.
	DefaultFrequency = 2
	maxFrequency     = 1_000_000
)

// Limits on what a unique list reports: the first values in sort order, so many
// and of so many bytes. All values are remembered: when one leaves, the next
// moves up. TypeUniqueListCount counts all.
const (
	MaxUnique      = 1000
	MaxUniqueBytes = 64 << 10
)

// MaxValue is the largest value that counts for the most frequent, first, last
// and unique values, in bytes. A larger one is as good as missing.
const MaxValue = 64 << 10

// Count is the number of events.
func Count(key, event string) Computed {
	return Computed{Key: key, Type: TypeCount, Event: event}
}

// Sum is the sum of a property.
func Sum(key, event, property string) Computed { return of(TypeSum, key, event, property) }

// Min is the smallest number in a property.
func Min(key, event, property string) Computed { return of(TypeMin, key, event, property) }

// Max is the largest number in a property.
func Max(key, event, property string) Computed { return of(TypeMax, key, event, property) }

// Average is the mean of a property.
func Average(key, event, property string) Computed { return of(TypeAverage, key, event, property) }

// MostFrequent is the value that a property had most often.
func MostFrequent(key, event, property string) Computed {
	return of(TypeMostFrequent, key, event, property)
}

// First is the value of a property in the oldest event.
func First(key, event, property string) Computed { return of(TypeFirst, key, event, property) }

// Last is the value of a property in the newest event.
func Last(key, event, property string) Computed { return of(TypeLast, key, event, property) }

// UniqueList is the distinct values of a property, in sort order.
func UniqueList(key, event, property string) Computed {
	return of(TypeUniqueList, key, event, property)
}

// UniqueListCount is the number of distinct values of a property.
func UniqueListCount(key, event, property string) Computed {
	return of(TypeUniqueListCount, key, event, property)
}

// FirstTime is the time of the oldest event, a date that conditions compare with now.
func FirstTime(key, event string) Computed {
	return Computed{Key: key, Type: TypeFirstTime, Event: event}
}

// LastTime is the time of the newest event, a date that conditions compare with now.
func LastTime(key, event string) Computed {
	return Computed{Key: key, Type: TypeLastTime, Event: event}
}

// UniqueDays is the number of days with an event, as clocks in a zone show them:
// "Europe/Berlin", "-05:00"; empty is UTC.
func UniqueDays(key, event, zone string) Computed {
	return Computed{Key: key, Type: TypeUniqueDays, Event: event, Zone: zone}
}

// Formula is what a CEL expression makes of other traits: a score, a ratio. It is computed
// anew when one that it reads changes, and at no other time.
//
//	trait.Formula("score", `traits.orders * 10 + (traits.plan == "pro" ? 5 : 0)`)
//	trait.Formula("average_order", `double(traits.revenue) / double(traits.orders)`)
//
// The arithmetic is CEL's: that of ints drops fractions, and an int and a double make none;
// double(x) makes either one of doubles. Where a trait that it needs is missing, or of a type that
// it cannot be made of, and where the result is no value that a trait can be, as after a division
// by zero, the trait is absent; Engine.Misses counts that. A count of nothing is 0, and
// has(traits.x) asks first.
func Formula(key, cel string) Computed {
	return Computed{Key: key, Type: TypeFormula, Formula: cel}
}

func of(t Type, key, event, property string) Computed {
	return Computed{Key: key, Type: t, Event: event, Property: property}
}

// OfEvents returns c counting events of any of some names instead.
func (c Computed) OfEvents(names ...string) Computed {
	c.Event, c.Names, c.Prefix, c.Any = "", slices.Clone(names), "", false
	return c
}

// OfPrefix returns c counting events whose name begins with a prefix instead.
func (c Computed) OfPrefix(prefix string) Computed {
	c.Event, c.Names, c.Prefix, c.Any = "", nil, prefix, false
	return c
}

// OfAnyEvent returns c counting events of all names instead.
func (c Computed) OfAnyEvent() Computed {
	c.Event, c.Names, c.Prefix, c.Any = "", nil, "", true
	return c
}

// WithName returns c with a name for people.
func (c Computed) WithName(name string) Computed {
	c.Name = name
	return c
}

// WithDescription returns c with a text about it for people.
func (c Computed) WithDescription(text string) Computed {
	c.Description = text
	return c
}

// OfAccounts returns c as a trait of accounts: the events of all users of an
// account count together.
func (c Computed) OfAccounts() Computed {
	c.Of = profile.Account
	return c
}

// Where returns c counting only events that pass the CEL filter, and those given
// before.
func (c Computed) Where(cel string) Computed {
	c.Filter = celtext.And(c.Filter, cel)
	return c
}

// Within returns c counting events of the last d. Of several windows it is what
// they have in common.
func (c Computed) Within(d time.Duration) Computed {
	c.Window = c.Window.And(profile.Within(d))
	return c
}

// During returns c counting events in a window: of calendar months, of units of the calendar,
// between fixed instants. See Within.
func (c Computed) During(w profile.Window) Computed {
	c.Window = c.Window.And(w)
	return c
}

// Between returns c counting events of age in [min, max); see Within.
func (c Computed) Between(min, max time.Duration) Computed {
	c.Window = c.Window.And(profile.Between(min, max))
	return c
}

// WithMinFrequency returns c, a most frequent value, asking for a value that was
// seen at least n times.
func (c Computed) WithMinFrequency(n int) Computed {
	c.MinFrequency = n
	return c
}

// WithNoBackfill returns c such that only data that arrives after its
// creation counts.
func (c Computed) WithNoBackfill() Computed {
	c.NoBackfill = true
	return c
}

// Validate returns an error wrapping profile.ErrInvalid (or ErrTooLarge) for a
// definition that cannot be. It checks all but the key and the filter, for
// which it takes the engine.
func (c Computed) Validate() error {
	switch {
	case !c.Type.valid():
		return fmt.Errorf("%w: type: computed trait of no type", profile.ErrInvalid)
	case c.Of > profile.Account:
		return fmt.Errorf("%w: of: neither users nor accounts", profile.ErrInvalid)
	case c.MinFrequency != 0 && c.Type != TypeMostFrequent:
		return fmt.Errorf("%w: min_frequency: not for a %s", profile.ErrInvalid, c.Type)
	case c.MinFrequency < 0 || c.MinFrequency > maxFrequency:
		return fmt.Errorf("%w: min_frequency: %d, want 1 to %d", profile.ErrInvalid, c.MinFrequency, maxFrequency)
	}
	if !c.Type.TakesEvents() {
		return c.validateFormula()
	}
	if c.Formula != "" {
		return strictjson.At("formula", fmt.Errorf("%w: not for a %s", profile.ErrInvalid, c.Type))
	}
	if err := selector.Validate("event", c.Event, c.Names, c.Prefix, c.Any); err != nil {
		return err
	}
	if c.Zone != "" && c.Type != TypeUniqueDays {
		return fmt.Errorf("%w: zone: not for a %s", profile.ErrInvalid, c.Type)
	}
	if _, err := profile.LoadZone(c.Zone); err != nil {
		return strictjson.At("zone", err)
	}
	if err := c.validateProperty(); err != nil {
		return err
	}
	return c.Window.Validate()
}

// validateFormula finds what a formula cannot have. The expression itself is for the engine to
// compile.
func (c Computed) validateFormula() error {
	for _, f := range []struct {
		field string
		is    bool
	}{
		{"event", c.Event != ""}, {"names", len(c.Names) > 0}, {"prefix", c.Prefix != ""}, {"any", c.Any},
		{"property", c.Property != ""}, {"where", c.Filter != ""}, {"window", !c.Window.IsZero()}, {"zone", c.Zone != ""},
	} {
		if f.is {
			return strictjson.At(f.field, fmt.Errorf("%w: a formula reads traits, not events: it has none", profile.ErrInvalid))
		}
	}
	if strings.TrimSpace(c.Formula) == "" {
		return strictjson.At("formula", fmt.Errorf("%w: a formula without an expression", profile.ErrInvalid))
	}
	return nil
}

func (c Computed) validateProperty() error {
	if !c.Type.ReadsProperty() {
		if c.Property != "" {
			return fmt.Errorf("%w: property: a %s has none", profile.ErrInvalid, c.Type)
		}
		return nil
	}
	if err := profile.CheckID("property", c.Property); err != nil {
		return err
	}
	source, err := property.Parse(c.Property)
	if err != nil {
		return err
	}
	if source.OfUser && c.Of != profile.Account {
		return fmt.Errorf("%w: property: %q is only for traits of accounts", profile.ErrInvalid, c.Property)
	}
	return nil
}
