package trait

import (
	"time"

	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/profile"
)

// Trait is a trait of a profile, as an Operand, with the conditions on dates.
// These are no CEL: some of them change with time.
type Trait struct{ Operand }

// Key is the value of a key in the map that t is.
func (t Trait) Key(name string) Trait { return Trait{t.Operand.Key(name)} }

// Before holds if the date is earlier than t.
func (t Trait) Before(at time.Time) Date { return t.date(Before(at)) }

// After holds if the date is later than t.
func (t Trait) After(at time.Time) Date { return t.date(After(at)) }

// During holds if the date lies in [from, before).
func (t Trait) During(from, before time.Time) Date { return t.date(During(from, before)) }

// WithinLast holds if the date lies in (now-d, now].
func (t Trait) WithinLast(d time.Duration) Date { return t.date(WithinLast(d)) }

// WithinNext holds if the date lies in (now, now+d].
func (t Trait) WithinNext(d time.Duration) Date { return t.date(WithinNext(d)) }

// AgeBetween holds if the age of the date lies in [min, max).
func (t Trait) AgeBetween(min, max time.Duration) Date { return t.date(Between(min, max)) }

// In holds if the date lies in a window: trait.Value("renewal").In(profile.This(profile.UnitMonth,
// "Europe/Berlin")).
func (t Trait) In(w profile.Window) Date { return t.date(In(w)) }

// InPast holds from the date on.
func (t Trait) InPast() Date { return t.date(DateWindow{}) }

func (t Trait) date(w DateWindow) Date { return Date{Name: property.FormatPath(t.path...), Window: w} }
