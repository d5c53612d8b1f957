// Package selector says which events something is about, by their names: those of one name,
// of any of several, all whose name begins in a way, or all.
package selector

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
)

// MaxNames is how many names there are at most.
const MaxNames = 1000

// Selector takes events. The zero Selector takes none.
type Selector struct {
	names    []string // ascending, each once
	prefix   string   // where prefixed: "" is that of every name
	prefixed bool
}

// Of returns that of a definition, whichever of its fields is set: any name that is one of
// several is as good as one that is alone.
func Of(name string, names []string, prefix string, all bool) Selector {
	if prefix != "" || all {
		return Selector{prefix: prefix, prefixed: true}
	}
	if name != "" {
		return Selector{names: []string{name}}
	}
	return Selector{names: slices.Compact(slices.Sorted(slices.Values(names)))}
}

// Validate returns an error for fields of a definition of which not exactly one is set. It is
// one at a field, of which that of one name is called so.
func Validate(field, name string, names []string, prefix string, all bool) error {
	var set []string
	for _, f := range []struct {
		field string
		is    bool
	}{{field, name != ""}, {"names", len(names) > 0}, {"prefix", prefix != ""}, {"any", all}} {
		if f.is {
			set = append(set, f.field)
		}
	}
	if len(set) > 1 {
		return strictjson.At(set[1], fmt.Errorf("%w: %s say which events, want one of them", profile.ErrInvalid, strings.Join(set, " and ")))
	}
	at := func(path string, err error) error {
		if err != nil {
			return strictjson.At(path, err)
		}
		return nil
	}
	switch {
	case all:
		return nil
	case prefix != "":
		return at("prefix", profile.CheckID("prefix", prefix))
	case len(names) == 0:
		return at(field, profile.CheckID("event name", name))
	case len(names) > MaxNames:
		return at("names", fmt.Errorf("%w: %d names, at most %d", profile.ErrTooLarge, len(names), MaxNames))
	}
	for i, n := range names {
		path := fmt.Sprintf("names[%d]", i)
		if err := at(path, profile.CheckID("event name", n)); err != nil {
			return err
		}
		if slices.Contains(names[:i], n) {
			return at(path, fmt.Errorf("%w: %q is there twice", profile.ErrInvalid, n))
		}
	}
	return nil
}

// Takes reports whether it takes events of a name.
func (s *Selector) Takes(name string) bool {
	if s.prefixed {
		return strings.HasPrefix(name, s.prefix)
	}
	_, ok := slices.BinarySearch(s.names, name)
	return ok
}

// Names returns those that it takes, ascending; ok is false if they are not known.
func (s *Selector) Names() (names []string, ok bool) { return s.names, !s.prefixed }

// Name returns the only name that it takes, empty if there may be others.
func (s *Selector) Name() string {
	if len(s.names) == 1 {
		return s.names[0]
	}
	return ""
}

// Prefix returns what the names begin with that it takes; ok is false if they are listed.
func (s *Selector) Prefix() (prefix string, ok bool) { return s.prefix, s.prefixed }

// Key is by what an index finds a selector: each of its names, or its prefix.
type Key struct {
	Text   string
	Prefix bool
}

// EachOf yields those of some names that it takes.
func (s *Selector) EachOf(names iter.Seq[string]) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range names {
			if s.Takes(name) && !yield(name) {
				return
			}
		}
	}
}

// Keys returns those of a selector.
func (s *Selector) Keys() []Key {
	if s.prefixed {
		return []Key{{s.prefix, true}}
	}
	keys := make([]Key, len(s.names))
	for i, name := range s.names {
		keys[i] = Key{Text: name}
	}
	return keys
}

// Has reports whether a key is one of a selector.
func (s *Selector) Has(k Key) bool {
	if k.Prefix {
		return s.prefixed && s.prefix == k.Text
	}
	return !s.prefixed && s.Takes(k.Text)
}

// Equal reports whether both take the same events.
func (s *Selector) Equal(t *Selector) bool {
	return s.prefixed == t.prefixed && s.prefix == t.prefix && slices.Equal(s.names, t.names)
}

// Text is the same for selectors that are equal, and for no others.
func (s *Selector) Text() string {
	if s.prefixed {
		return strconv.Quote(s.prefix) + "…"
	}
	return fmt.Sprintf("%q", s.names)
}

// String returns, for people, "\"Login\"", "\"Login\" or \"Logout\"", "an event \"Order …\"",
// "any event".
func (s Selector) String() string {
	switch {
	case s.prefixed && s.prefix == "":
		return "any event"
	case s.prefixed:
		quoted := strconv.Quote(s.prefix)
		return "an event " + quoted[:len(quoted)-1] + `…"`
	}
	quoted := make([]string, len(s.names))
	for i, name := range s.names {
		quoted[i] = strconv.Quote(name)
	}
	return strings.Join(quoted, " or ")
}
