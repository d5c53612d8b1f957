// Package property reads the property of a computed trait: a chain of keys with
// dots between them, in the properties of an event or in the traits of the user
// whose event it is. Behind a key [] goes on with each element of the list that is there.
package property

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/muster-go/muster/profile"
)

// userTraits begins a property that is a trait of the acting user: a dot and a key, or a
// bracket, comes then.
const userTraits = "user.traits"

// Source is where a computed trait reads its value. The zero Source is that of a
// count, which reads nothing.
type Source struct {
	// OfUser says that keys are looked up in the traits of the acting user
	// rather than in the properties of the event. Keys[0] names the trait.
	OfUser bool
	Keys   []profile.Key // from the outermost in
	lists  []bool        // by key: go on with each element of what is there; nil: with none
}

// Lists reports whether there may be several values.
func (s *Source) Lists() bool { return s.lists != nil }

// Parse parses a property. The error wraps profile.ErrInvalid.
func Parse(text string) (Source, error) {
	var s Source
	path := text
	if rest, ok := strings.CutPrefix(text, userTraits); ok && (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, `["`)) {
		s.OfUser, path = true, strings.TrimPrefix(rest, ".")
	}
	names, lists, err := parsePath(path)
	if err != nil {
		return Source{}, fmt.Errorf("property: %w", err)
	}
	var none *profile.Dict // the keys serve objects of any dictionary
	for _, name := range names {
		s.Keys = append(s.Keys, none.Key(name))
	}
	if slices.Contains(lists, true) {
		s.lists = lists
	}
	return s, nil
}

// Fields is where keys are looked up.
type Fields interface {
	Lookup(profile.Key) (profile.Value, bool)
}

// Value returns what the source names in the fields of an event's properties or
// of a user's traits. It is null where there is nothing, and for the source of
// a count. Where Lists, see All.
func (s Source) Value(of Fields) profile.Value {
	if len(s.Keys) == 0 {
		return profile.Value{}
	}
	v, _ := of.Lookup(s.Keys[0])
	for _, key := range s.Keys[1:] {
		o, _ := v.Object() // of another kind: the empty object
		v, _ = o.Lookup(key)
	}
	return v
}

// All iterates over the values that the source names: of lists each, in their order, and of
// what is no list where one is asked for none. Those that are null are left out.
func (s Source) All(of Fields) iter.Seq[profile.Value] {
	return func(yield func(profile.Value) bool) {
		if len(s.Keys) > 0 {
			s.from(0, of, yield)
		}
	}
}

// from yields what the keys from the i-th on name, and reports whether to go on.
func (s Source) from(i int, of Fields, yield func(profile.Value) bool) bool {
	v, _ := of.Lookup(s.Keys[i])
	if s.lists == nil || !s.lists[i] {
		return s.after(i, v, yield)
	}
	for item := range v.Items() {
		if !s.after(i, item, yield) {
			return false
		}
	}
	return true
}

// after yields what the keys after the i-th name in a value.
func (s Source) after(i int, v profile.Value, yield func(profile.Value) bool) bool {
	if i+1 == len(s.Keys) {
		return v.IsNull() || yield(v)
	}
	o, _ := v.Object() // of another kind: the empty object
	return s.from(i+1, &o, yield)
}
