package audience

import (
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// syncDefinition is a definition of either kind.
type syncDefinition struct {
	audience *Definition     // one is set
	computed *trait.Computed // or the other
	tree     map[string]any
	reads    []syncRead
}

// syncRead is something of a name that a definition reads: the audience of a key, or
// the trait of a name of a subject, which may be a computed one or a custom one.
type syncRead struct {
	name     string
	audience bool
	of       profile.Subject // of a trait
}

func (d *syncDefinition) key() string {
	if d.audience != nil {
		return d.audience.Key
	}
	return d.computed.Key
}

func (d *syncDefinition) subject() profile.Subject {
	if d.audience != nil {
		return d.audience.Of
	}
	return d.computed.Of
}

// step returns a step of a plan that is about the definition.
func (d *syncDefinition) step(a PlanAction) PlanStep {
	if d.audience != nil {
		return PlanStep{Action: a, Audience: d.audience.Key}
	}
	return PlanStep{Action: a, Trait: d.computed.Key}
}

// fail returns an error of the definition.
func (d *syncDefinition) fail(path string, err error) error {
	s := d.step(PlanCreate)
	return &DefinitionError{Audience: s.Audience, Trait: s.Trait, Path: path, Err: err}
}

// is reports whether what is read is a definition: that of its key, and where it is read
// as a trait of its subject as well.
func (r syncRead) is(d *syncDefinition) bool {
	return r.name == d.key() && (r.audience || r.of == d.subject())
}

// syncReader finds what definitions read.
type syncReader struct {
	env  *celfilter.Env
	of   profile.Subject // of the conditions at hand
	into []syncRead
}

// read notes what a definition reads. It is one that compiles.
func (r *syncReader) read(d *syncDefinition) error {
	r.of, r.into = d.subject(), nil
	var err error
	switch {
	case d.computed == nil:
		err = r.node(&d.audience.Where)
	case d.computed.Type == trait.TypeFormula:
		err = r.formula(d.computed.Formula)
	default:
		err = r.filter(d.computed.Filter)
	}
	d.reads = r.into
	return err
}

func (r *syncReader) node(n *Node) error {
	for _, list := range [][]Node{n.All, n.Any} {
		for i := range list {
			if err := r.node(&list[i]); err != nil {
				return err
			}
		}
	}
	switch {
	case n.Not != nil:
		return r.node(n.Not)
	case n.Event != nil:
		return r.filter(n.Event.Filter)
	case n.Trait != "":
		f, err := r.env.Trait(n.Trait)
		if err != nil {
			return err
		}
		r.ofTraits(f)
	case n.TraitDate != nil:
		if path, err := n.TraitDate.Path(); err == nil {
			r.traits(r.of, path[:1])
		}
	case n.Audience != "":
		r.into = append(r.into, syncRead{name: n.Audience, audience: true})
	case n.Funnel != nil:
		var earlier []string
		for _, step := range n.Funnel.Steps {
			if step.Filter != "" {
				f, err := r.env.Step(step.Filter, earlier)
				if err != nil {
					return err
				}
				r.ofEvents(f)
			}
			if !step.Not {
				earlier = append(earlier, step.Name)
			}
		}
	case n.Users != nil:
		return r.users(n.Users)
	}
	return nil
}

// users reads a condition on the users of an account.
func (r *syncReader) users(u *Users) error {
	was := r.of
	defer func() { r.of = was }()
	r.of = profile.User
	n, _ := u.Condition()
	return r.node(n)
}

// formula reads the formula of a computed trait.
func (r *syncReader) formula(cel string) error {
	f, err := r.env.Formula(cel)
	if err == nil {
		r.ofTraits(f)
	}
	return err
}

// ofTraits notes what an expression on traits reads.
func (r *syncReader) ofTraits(f *celfilter.Filter) {
	names, _ := f.Traits()
	r.traits(r.of, names)
	names, _ = f.AccountTraits()
	r.traits(profile.Account, names)
}

// filter reads the filter of events; empty reads nothing.
func (r *syncReader) filter(cel string) error {
	if cel == "" {
		return nil
	}
	f, err := r.env.Event(cel)
	if err != nil {
		return err
	}
	r.ofEvents(f)
	return nil
}

// ofEvents notes what a filter of events reads. In a definition of accounts its traits
// are the custom ones of the acting user, which no definition makes.
func (r *syncReader) ofEvents(f *celfilter.Filter) {
	if r.of == profile.User {
		names, _ := f.Traits()
		r.traits(profile.User, names)
	}
	names, _ := f.AccountTraits()
	r.traits(profile.Account, names)
}

func (r *syncReader) traits(of profile.Subject, names []string) {
	for _, name := range names {
		r.into = append(r.into, syncRead{name: name, of: of})
	}
}
