package lint

import (
	"iter"
	"maps"

	"github.com/muster-go/muster/internal/near"
	"github.com/muster-go/muster/profile"
)

// Sample is the names that some messages have.
type Sample struct {
	events   map[string]map[string]bool // properties, by the name of an event
	traits   [2]map[string]bool         // by subject
	messages int
}

// NewSample returns one of no messages.
func NewSample() *Sample {
	return &Sample{
		events: map[string]map[string]bool{},
		traits: [2]map[string]bool{{}, {}},
	}
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

// event finds a name that no event of the sample has.
func (l *linter) event(name, path string) {
	if l.Sample == nil || l.Sample.events[name] != nil {
		return
	}
	l.find(UnknownEvent, path, "no event of the sample is called %q%s", name, meant(name, maps.Keys(l.Sample.events)))
}

// properties finds names that no event of a name has.
func (l *linter) properties(event, path string, names []string) {
	if l.Sample == nil || l.Sample.events[event] == nil {
		return
	}
	for _, name := range names {
		if has := l.Sample.events[event]; !has[name] {
			l.find(UnknownProperty, path, "no %q of the sample has the property %q%s", event, name, meant(name, maps.Keys(has)))
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
			l.find(UnknownTrait, path, "no message of the sample sets the trait %q of %ss%s", name, of, meant(name, maps.Keys(has)))
		}
	}
}
