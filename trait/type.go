package trait

import (
	"fmt"
	"slices"

	"github.com/muster-go/muster/profile"
)

// Type says what a computed trait makes of its events.
type Type uint8

// The types of computed trait. The zero Type is none.
const (
	_ Type = iota
	TypeCount
	TypeSum
	TypeMin
	TypeMax
	TypeAverage
	TypeMostFrequent
	TypeFirst
	TypeLast
	TypeUniqueList
	TypeUniqueListCount
	TypeFirstTime
	TypeLastTime
	TypeUniqueDays
	TypeFormula
)

var typeNames = [...]string{
	TypeCount:           "count",
	TypeSum:             "sum",
	TypeMin:             "min",
	TypeMax:             "max",
	TypeAverage:         "average",
	TypeMostFrequent:    "most_frequent",
	TypeFirst:           "first",
	TypeLast:            "last",
	TypeUniqueList:      "unique_list",
	TypeUniqueListCount: "unique_list_count",
	TypeFirstTime:       "first_time",
	TypeLastTime:        "last_time",
	TypeUniqueDays:      "unique_days",
	TypeFormula:         "formula",
}

// valid reports whether t is one of the types.
func (t Type) valid() bool { return t > 0 && int(t) < len(typeNames) }

// Counts reports whether the type counts something: where there is nothing, a condition or an
// expression reads 0.
func (t Type) Counts() bool {
	return t == TypeCount || t == TypeUniqueListCount || t == TypeUniqueDays
}

// ReadsProperty reports whether the type is about the values of a property.
func (t Type) ReadsProperty() bool {
	return t.TakesEvents() && t != TypeCount && t != TypeFirstTime && t != TypeLastTime && t != TypeUniqueDays
}

// TakesEvents reports whether the type makes something of events: all do but a formula, which
// does of other traits.
func (t Type) TakesEvents() bool { return t != TypeFormula }

// String returns the type's name in the JSON form.
func (t Type) String() string {
	if !t.valid() {
		return fmt.Sprintf("Type(%d)", uint8(t))
	}
	return typeNames[t]
}

// MarshalText writes the type's name.
func (t Type) MarshalText() ([]byte, error) {
	if !t.valid() {
		return nil, fmt.Errorf("%w: computed trait of no type", profile.ErrInvalid)
	}
	return []byte(typeNames[t]), nil
}

// UnmarshalText reads what MarshalText writes.
func (t *Type) UnmarshalText(text []byte) error {
	i := slices.Index(typeNames[1:], string(text))
	if i < 0 {
		return fmt.Errorf("%w: no computed trait of type %q", profile.ErrInvalid, text)
	}
	*t = Type(i + 1)
	return nil
}
