package trait

import (
	"fmt"
	"strings"

	"github.com/muster-go/muster/profile"
)

// userTraits begins a Property that is a trait of the acting user.
const userTraits = "user.traits."

// Source is where a computed trait reads its value: Computed.Property in parsed
// form. The zero Source is that of a count, which reads nothing.
//
// A property is a chain of keys with dots between them: "total",
// "address.city". A key that itself has a dot cannot be written. For a trait of
// accounts "user.traits.plan" is the trait plan of the user whose event it is;
// for one of users, whose own traits say nothing about an event, that is an
// error.
type Source struct {
	// OfUser says that keys are looked up in the traits of the acting user
	// rather than in the properties of the event. Keys[0] names the trait.
	OfUser bool
	Keys   []profile.Key // from the outermost in
}

// Fields is where keys are looked up. *profile.Object and *Set are.
type Fields interface {
	Lookup(profile.Key) (profile.Value, bool)
}

// Source parses the property, its keys prepared for objects of dict, which may
// be nil. The error wraps profile.ErrInvalid, or ErrTooLarge.
func (c Computed) Source(dict *profile.Dict) (Source, error) {
	if c.Type == TypeCount {
		if c.Property != "" {
			return Source{}, fmt.Errorf("%w: property: a count has none", profile.ErrInvalid)
		}
		return Source{}, nil
	}
	if err := profile.CheckID("property", c.Property); err != nil {
		return Source{}, err
	}
	var s Source
	path := c.Property
	if rest, ok := strings.CutPrefix(path, userTraits); ok {
		if c.Of != profile.Account {
			return Source{}, fmt.Errorf("%w: property: %q is only for traits of accounts", profile.ErrInvalid, path)
		}
		s.OfUser, path = true, rest
	}
	for name := range strings.SplitSeq(path, ".") {
		if name == "" {
			return Source{}, fmt.Errorf("%w: property: empty key in %q", profile.ErrInvalid, c.Property)
		}
		s.Keys = append(s.Keys, dict.Key(name))
	}
	return s, nil
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
