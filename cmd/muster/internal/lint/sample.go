package lint

import (
	"fmt"
	"iter"
	"maps"
	"strings"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/near"
	"github.com/muster-go/muster/internal/selector"
	"github.com/muster-go/muster/profile"
)

// Sample is the names that some messages have, or a catalog.
type Sample struct {
	what     string                     // it is
	events   map[string]map[string]bool // properties, by the name of an event
	traits   [2]map[string]bool         // by subject
	messages int
}

// NewSample returns one of no messages.
func NewSample() *Sample {
	return &Sample{
		what:   "sample",
		events: map[string]map[string]bool{},
		traits: [2]map[string]bool{{}, {}},
	}
}

// FromCatalog returns the names of a catalog.
func FromCatalog(c audience.Catalog) *Sample {
	s := NewSample()
	s.what = "catalog"
	for _, e := range c.Events {
		s.events[e.Name] = namesOf(e.Properties)
	}
	s.traits = [2]map[string]bool{profile.User: namesOf(c.Traits), profile.Account: namesOf(c.AccountTraits)}
	return s
}

func namesOf(fields []audience.CatalogField) map[string]bool {
	names := make(map[string]bool, len(fields))
	for _, f := range fields {
		if !f.Nested {
			names[f.Name] = true
		}
	}
	return names
}

// Messages returns how many messages the sample is of.
func (s *Sample) Messages() int { return s.messages }

// Add adds a message.
func (s *Sample) Add(m profile.Message) {
	s.messages++
	switch {
	case m.IsEvent():
		if s.events[m.Name] == nil {
			s.events[m.Name] = map[string]bool{}
		}
		for name := range m.Properties.All() {
			s.events[m.Name][name] = true
		}
	case m.Type == profile.Identify:
		for name := range m.Traits.All() {
			s.traits[profile.User][name] = true
		}
	case m.Type == profile.Group:
		for name := range m.Traits.All() {
			s.traits[profile.Account][name] = true
		}
	}
}

// meant returns what is said of a name that is none of names, and empty where none is
// near.
func meant(name string, names iter.Seq[string]) string {
	if nearest, ok := near.Name(name, names); ok {
		return ", did you mean \"" + nearest + "\"?"
	}
	return ""
}

// meantPrefix is meant for what names begin with.
func meantPrefix(prefix string, names iter.Seq[string]) string {
	if nearest, ok := near.Prefix(prefix, names); ok {
		return ", did you mean \"" + nearest + "\"?"
	}
	return ""
}

// events finds names that no event of the sample has, below a path: in a field where there is
// one name.
func (l *linter) events(of *selector.Selector, path, field string) {
	if l.Sample == nil {
		return
	}
	names, listed := of.Names()
	for i, name := range names {
		at := path + field
		if len(names) > 1 {
			at = fmt.Sprintf("%snames[%d]", path, i)
		}
		if l.Sample.events[name] == nil {
			l.find(UnknownEvent, at, "no event of the %s is called %q%s", l.Sample.what, name, meant(name, maps.Keys(l.Sample.events)))
		}
	}
	if prefix, _ := of.Prefix(); !listed && prefix != "" {
		for range of.EachOf(maps.Keys(l.Sample.events)) {
			return
		}
		l.find(UnknownEvent, path+"prefix", "no event of the %s begins with %q%s", l.Sample.what, prefix, meantPrefix(prefix, maps.Keys(l.Sample.events)))
	}
}

// properties finds names that none of some events has.
func (l *linter) properties(of *selector.Selector, path string, names []string) {
	if l.Sample == nil {
		return
	}
	var has map[string]bool
	for event := range of.EachOf(maps.Keys(l.Sample.events)) {
		if has == nil {
			has = map[string]bool{}
		}
		maps.Copy(has, l.Sample.events[event])
	}
	if has == nil {
		return
	}
	for _, name := range names {
		if !has[name] {
			l.find(UnknownProperty, path, "no %s of the %s has the property %q%s", strings.TrimPrefix(strings.TrimPrefix(of.String(), "an "), "any "), l.Sample.what, name, meant(name, maps.Keys(has)))
		}
	}
}

// traits finds names that no call sets and no definition computes.
func (l *linter) traits(of profile.Subject, path string, names []string) {
	if l.Sample == nil {
		return
	}
	for _, name := range names {
		if has := l.Sample.traits[of]; !has[name] && !l.defined.is(name, of) {
			l.find(UnknownTrait, path, "no message of the %s sets the trait %q of %ss%s", l.Sample.what, name, of, meant(name, maps.Keys(has)))
		}
	}
}
