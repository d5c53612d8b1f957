// Package property reads the property of a computed trait: a chain of keys with
// dots between them, in the properties of an event or in the traits of the user
// whose event it is.
package property

import (
	"fmt"
	"strings"

	"github.com/muster-go/muster/profile"
)

// userTraits begins a property that is a trait of the acting user.
const userTraits = "user.traits."

// Source is where a computed trait reads its value. The zero Source is that of a
// count, which reads nothing.
type Source struct {
	// OfUser says that keys are looked up in the traits of the acting user
	// rather than in the properties of the event. Keys[0] names the trait.
	OfUser bool
	Keys   []profile.Key // from the outermost in
}

// Parse parses a property. The error wraps profile.ErrInvalid.
func Parse(text string) (Source, error) {
	var s Source
	path, ofUser := strings.CutPrefix(text, userTraits)
	s.OfUser = ofUser
	var none *profile.Dict // the keys serve objects of any dictionary
	for name := range strings.SplitSeq(path, ".") {
		if name == "" {
			return Source{}, fmt.Errorf("%w: property: empty key in %q", profile.ErrInvalid, text)
		}
		s.Keys = append(s.Keys, none.Key(name))
	}
	return s, nil
}

// Fields is where keys are looked up.
type Fields interface {
	Lookup(profile.Key) (profile.Value, bool)
}

// Value returns what the source names in the fields of an event's properties or
// of a user's traits. It is null where there is nothing, and for the source of
// a count.
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
