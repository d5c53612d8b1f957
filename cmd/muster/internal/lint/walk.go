package lint

import (
	"fmt"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/internal/selector"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// computed looks at the definition of a computed trait.
func (l *linter) computed(c *trait.Computed) {
	l.at, l.of = Finding{Trait: c.Key}, c.Of
	if !c.Type.TakesEvents() {
		l.formula(c.Formula, "formula")
		return
	}
	of := selector.Of(c.Event, c.Names, c.Prefix, c.Any)
	l.events(&of, "", "event")
	l.window(c.Window, "window")
	l.source(c.Property, &of, "property")
	l.filter(c.Filter, &of, "where")
	l.judge(l.truthOfFilter(c.Filter), "where", "the filter")
}

// audience looks at the definition of an audience.
func (l *linter) audience(d *audience.Definition) {
	l.at, l.of = Finding{Audience: d.Key}, d.Of
	l.node(&d.Where, "where")
	l.judgeTree(&d.Where, "where")
}

// node looks at a condition and those in it.
func (l *linter) node(n *audience.Node, path string) {
	for i := range n.All {
		l.node(&n.All[i], fmt.Sprintf("%s.all[%d]", path, i))
	}
	for i := range n.Any {
		l.node(&n.Any[i], fmt.Sprintf("%s.any[%d]", path, i))
	}
	switch {
	case n.Not != nil:
		l.node(n.Not, path+".not")
	case n.Event != nil:
		of := selectorOf(n.Event)
		l.events(&of, path+".event.", "name")
		l.window(n.Event.Reach(), path+".event.window")
		l.filter(n.Event.Filter, &of, path+".event.where")
		l.source(n.Event.Distinct.Source(), &of, path+".event.distinct.by")
	case n.Trait != "":
		l.trait(n.Trait, path+".trait")
	case n.TraitDate != nil:
		if keys, err := n.TraitDate.Path(); err == nil {
			l.traits(l.of, path+".trait_date.name", keys[:1])
		}
	case n.Funnel != nil:
		l.funnel(n.Funnel, path+".funnel")
	case n.Users != nil:
		of, name := n.Users.Condition()
		l.ofUsers(func() { l.node(of, path+".users."+name) })
	}
}

// ofUsers calls do with the traits at hand being those of users: in conditions on the
// users of an account, and in filters of events, whosever they are.
func (l *linter) ofUsers(do func()) {
	was := l.of
	l.of = profile.User
	do()
	l.of = was
}

// window finds one that is longer than the retention; none is all time.
func (l *linter) window(w profile.Window, path string) {
	if longest, ends := w.Longest(); l.Retention > 0 && (!ends || longest > l.Retention) {
		l.find(Retention, path, "it counts events %s, the store keeps them for %s", windowText(w), profile.FormatDuration(l.Retention))
	}
}

func windowText(w profile.Window) string {
	if w.IsZero() {
		return "of all time"
	}
	return w.String()
}

// source looks at what is read of some events: a property, or a trait of who did them; nothing if
// it is empty.
func (l *linter) source(text string, of *selector.Selector, path string) {
	if text == "" {
		return
	}
	source, err := property.Parse(text)
	l.fails(err)
	if err == nil && source.OfUser {
		l.traits(profile.User, path, []string{source.Keys[0].String()})
	} else if err == nil {
		l.properties(of, path, []string{source.Keys[0].String()})
	}
}

// selectorOf says which events a condition counts.
func selectorOf(e *audience.Event) selector.Selector {
	return selector.Of(e.Name, e.Names, e.Prefix, e.Any)
}

// filter looks at the filter of some events.
func (l *linter) filter(cel string, of *selector.Selector, path string) {
	if cel == "" {
		return
	}
	f, err := l.env.Event(cel)
	if err != nil {
		l.fails(err)
		return
	}
	names, _ := f.Properties()
	l.properties(of, path, names)
	l.traitsOfEvents(f, path)
	l.ofUsers(func() { l.negations(cel, path) })
}

// traitsOfEvents looks at the traits that a filter of events reads: in a definition of
// accounts they are those of the acting user.
func (l *linter) traitsOfEvents(f *celfilter.Filter, path string) {
	names, _ := f.Traits()
	l.traits(profile.User, path, names)
	names, _ = f.AccountTraits()
	l.traits(profile.Account, path, names)
}

// trait looks at a condition on traits.
func (l *linter) trait(cel, path string) {
	f, err := l.env.Trait(cel)
	if err != nil {
		l.fails(err)
		return
	}
	l.traitsOf(f, path)
	l.negations(cel, path)
}

// formula looks at a formula. What it negates may be missing: so is it then, as in all else.
func (l *linter) formula(cel, path string) {
	f, err := l.env.Formula(cel)
	if err != nil {
		l.fails(err)
		return
	}
	l.traitsOf(f, path)
}

// traitsOf looks at the traits that an expression on traits reads.
func (l *linter) traitsOf(f *celfilter.Filter, path string) {
	names, _ := f.Traits()
	l.traits(l.of, path, names)
	names, _ = f.AccountTraits()
	l.traits(profile.Account, path, names)
}

// funnel looks at a funnel and its steps.
func (l *linter) funnel(f *funnel.Funnel, path string) {
	l.window(f.Window, path+".window")
	m, err := sequence.Compile(*f, l.env)
	if err != nil {
		l.fails(err)
		return
	}
	if m.Bounded() {
		l.find(BoundedFunnel, path, "its steps are not linked by equal properties alone, so it is searched among the %d newest events a step: link every step to one before by properties.x == steps.NAME.properties.y", sequence.MaxCandidates)
	}
	var earlier []string
	var events []*selector.Selector
	for i, s := range f.Steps {
		at := fmt.Sprintf("%s.steps[%d]", path, i)
		of := m.EventsOf(i)
		l.events(of, at+".", "event")
		if s.Filter != "" {
			l.step(s, of, at+".where", earlier, events)
		}
		if !s.Not {
			earlier, events = append(earlier, s.Name), append(events, of)
		}
	}
}

// step looks at the filter of a step, which may read the events of earlier ones.
func (l *linter) step(s funnel.Step, of *selector.Selector, path string, earlier []string, events []*selector.Selector) {
	f, err := l.env.Step(s.Filter, earlier)
	if err != nil {
		l.fails(err)
		return
	}
	reads := f.StepReads(earlier)
	l.properties(of, path, reads.Self.Properties.Names)
	for i, read := range reads.Steps {
		l.properties(events[i], path, read.Properties.Names)
	}
	l.traitsOfEvents(f, path)
	l.ofUsers(func() { l.negations(s.Filter, path) })
}
