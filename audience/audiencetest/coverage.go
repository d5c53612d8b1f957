package audiencetest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Coverage collects what scripts do to definitions: which conditions they have
// made true and which false, for anybody, after any call of the engine or at any
// transition; and which properties their events have. The scripts of one
// Coverage are run one after the other.
//
// What is under a condition on the users of an account is looked at for the users
// that Engine.Explain shows: for each account one who decides, if there is one.
type Coverage struct {
	audiences map[string]*covered       // by definition
	live      map[string]*covered       // of those in the script at hand, by key
	traits    map[string]trait.Computed // by definition
	events    map[string]map[string]bool
	err       error
}

// covered is one definition of an audience.
type covered struct {
	definition audience.Definition
	member     seen
	leaves     []*leaf
	byPath     map[string]*leaf
}

// seen says what a condition was.
type seen struct{ true, false bool }

func (s *seen) add(holds bool) {
	s.true = s.true || holds
	s.false = s.false || !holds
}

// NewCoverage returns one that has seen nothing.
func NewCoverage() *Coverage {
	return &Coverage{
		audiences: map[string]*covered{},
		live:      map[string]*covered{},
		traits:    map[string]trait.Computed{},
		events:    map[string]map[string]bool{},
	}
}

// did looks at all definitions for all profiles.
func (c *Coverage) did(ctx context.Context, p *player, d deed, err error) {
	if m, is := d.(message); is && err == nil {
		event := profile.Message(m)
		if event.IsEvent() {
			c.addEvent(event.Name, event.Properties)
		}
	}
	for _, t := range p.engine.ListTraits() {
		text, err := json.Marshal(t)
		c.err = cmp.Or(c.err, err)
		c.traits[string(text)] = t
	}
	clear(c.live)
	for _, d := range p.engine.List() {
		c.err = cmp.Or(c.err, c.look(ctx, p, d))
	}
}

func (c *Coverage) addEvent(name string, properties profile.Object) {
	if c.events[name] == nil {
		c.events[name] = map[string]bool{}
	}
	for key := range properties.All() {
		c.events[name][key] = true
	}
}

// heard has the truth at the very instant of a transition, amid a command too.
func (c *Coverage) heard(t audience.Transition) {
	if a := c.live[t.Audience]; a != nil && t.Evidence != nil && a.definition.Of == t.Subject {
		a.member.add(t.Type == audience.Entered)
		a.add(t.Evidence)
	}
}

func (c *Coverage) heardChange(audience.TraitChange) {}

// played takes note of events that callbacks send.
func (c *Coverage) played(_ context.Context, _ *player, played command) {
	if r, is := played.(*react); is && r.does == "track" {
		c.addEvent(r.text, r.fields)
	}
}

// look explains an audience for everybody.
func (c *Coverage) look(ctx context.Context, p *player, d audience.Definition) error {
	a, err := c.of(d)
	if err != nil {
		return err
	}
	c.live[d.Key] = a
	for id, err := range p.store.Profiles(ctx, d.Of, "") {
		if err != nil {
			return err
		}
		x, err := p.engine.Explain(ctx, d.Key, profile.Ref{Subject: d.Of, ID: id})
		if err != nil {
			return err
		}
		a.member.add(x.Member)
		a.add(&x.Tree)
	}
	return nil
}

// of returns what is known of a definition.
func (c *Coverage) of(d audience.Definition) (*covered, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	a := c.audiences[string(text)]
	if a == nil {
		a = &covered{definition: d, leaves: leavesOf(&d), byPath: map[string]*leaf{}}
		for _, l := range a.leaves {
			a.byPath[l.path] = l
		}
		c.audiences[string(text)] = a
	}
	return a, nil
}

// add notes what holds in a tree. Below a condition that another profile is
// explained for, everything is of that one.
func (a *covered) add(n *audience.Explained) {
	for i := range n.Children {
		a.add(&n.Children[i])
	}
	if l := a.byPath[n.Path]; l != nil {
		l.condition = n.Condition
		l.seen.add(n.Holds)
	}
}

// Finding is something that the scripts leave untested, or a likely mistake.
type Finding struct {
	Audience  string // the key of an audience
	Trait     string // or of a computed trait
	Path      string // of the condition in the definition; empty: the whole
	Condition string // the condition, for people
	Message   string // "is never true in any script"
}

// String returns, say,
//
//	audience "cart": where.all[1].event: performed "Order Completed" at least once: is never true in any script
func (f Finding) String() string {
	text := fmt.Sprintf("audience %q", f.Audience)
	if f.Trait != "" {
		text = fmt.Sprintf("trait %q", f.Trait)
	}
	for _, part := range []string{f.Path, f.Condition, f.Message} {
		if part != "" {
			text += ": " + part
		}
	}
	return text
}

// Findings returns what is to be said of the definitions that the scripts had,
// by key: audiences nobody was ever in, or nobody ever out of; conditions that
// were never true, or never false; filters on properties that no event of that
// name had.
func (c *Coverage) Findings() ([]Finding, error) {
	var found []Finding
	for _, text := range slices.Sorted(maps.Keys(c.audiences)) {
		found = append(found, c.audiences[text].findings()...)
	}
	unknown, err := c.unknownProperties()
	found = append(found, unknown...)
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Audience, b.Audience), cmp.Compare(a.Trait, b.Trait))
	})
	return found, errors.Join(c.err, err)
}

func (a *covered) findings() []Finding {
	var found []Finding
	note := func(path, condition string, s seen) {
		f := Finding{Audience: a.definition.Key, Path: path, Condition: condition}
		switch {
		case !s.true && !s.false:
			f.Message = "is never looked at: there is nobody in any script"
		case !s.true:
			f.Message = "is never true in any script"
		case !s.false:
			f.Message = "is never false in any script"
		default:
			return
		}
		found = append(found, f)
	}
	note("", "", a.member)
	for _, l := range a.leaves {
		if len(a.leaves) > 1 || a.member != l.seen {
			note(l.path, l.condition, l.seen)
		}
	}
	return found
}

// Leaves returns how many conditions without conditions in them the scripts had,
// and how many of them were both true and false.
func (c *Coverage) Leaves() (covered, all int) {
	for _, a := range c.audiences {
		for _, l := range a.leaves {
			all++
			if l.seen.true && l.seen.false {
				covered++
			}
		}
	}
	return covered, all
}
