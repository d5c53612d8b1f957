package destination

import (
	"cmp"
	"fmt"

	"github.com/muster-go/muster/profile"
)

// The names of the events that Track sends, unless Names has others.
const (
	AudienceEntered = "Audience Entered"
	AudienceExited  = "Audience Exited"
	TraitComputed   = "Trait Computed" // a computed trait has another value, or none
)

// Names are those of events, properties and traits in messages, where a receiver
// wants others than Segment's. What is empty or nil is Segment's.
type Names struct {
	Entered  string // an event: AudienceEntered
	Exited   string // an event: AudienceExited
	Computed string // an event: TraitComputed

	AudienceKey string // a property of Entered and Exited, the audience's key: "audience_key"
	TraitKey    string // a property of Computed, the trait's key: "trait_key"

	// Property returns, for the key of an audience or a computed trait, the name
	// of the trait, and of the property, whose value is true, false, or that of
	// the computed trait: the key itself.
	Property func(key string) string
}

func (n *Names) event(t *call) string {
	switch {
	case t.key.trait:
		return cmp.Or(n.Computed, TraitComputed)
	case t.to.in:
		return cmp.Or(n.Entered, AudienceEntered)
	}
	return cmp.Or(n.Exited, AudienceExited)
}

func (n *Names) keyProperty(k key) string {
	if k.trait {
		return cmp.Or(n.TraitKey, "trait_key")
	}
	return cmp.Or(n.AudienceKey, "audience_key")
}

func (n *Names) property(k key) string {
	if n.Property == nil {
		return k.name
	}
	return n.Property(k.name)
}

// checkEvents returns an error unless the names of events and properties can be
// such.
func (n *Names) checkEvents() error {
	for what, name := range map[string]string{
		"event of an entry":      cmp.Or(n.Entered, AudienceEntered),
		"event of an exit":       cmp.Or(n.Exited, AudienceExited),
		"event of a value":       cmp.Or(n.Computed, TraitComputed),
		"property of audiences'": n.keyProperty(key{}),
		"property of traits'":    n.keyProperty(key{trait: true}),
	} {
		if err := profile.CheckID(what, name); err != nil {
			return err
		}
	}
	return nil
}

// checkNames returns an error if what is sent of a key has no name, or one that
// two properties of an event would share.
func (c *Config) checkNames(k key) error {
	if c.Mode == Lists {
		return nil
	}
	name := c.Names.property(k)
	if err := profile.CheckID("name of its property", name); err != nil {
		return err
	}
	if c.Mode&Track != 0 && name == c.Names.keyProperty(k) {
		return fmt.Errorf("%w: two properties would have the name %q: set Config.Names", profile.ErrInvalid, name)
	}
	return nil
}
