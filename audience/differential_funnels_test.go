package audience_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
)

// accepted reports whether the engine takes a condition of users.
func accepted(c audience.Condition) bool {
	return audience.Check(audience.Define("a").Members(c)) == nil
}

// funnel returns one of two to four steps. Its filters refer to earlier steps in
// one of several ways, each of which the engine searches in another.
func (g *generator) funnel() funnel.Funnel {
	defer func(was bool) { g.strict = was }(g.strict)
	g.strict = true
	steps := 2 + g.IntN(3)
	if g.dense {
		steps = 2 // the oracle tries every choice
	}
	filter := pick(g, []func(earlier []string) string{
		g.stepFilter,                        // anything
		func([]string) string { return "" }, // nothing but order
		g.keyed, g.keyed, g.keyed,           // by one property of all
		func(earlier []string) string { // by one, and something else
			return conjunction(g.keyed(earlier), g.stepFilter(earlier))
		},
	})
	f := funnel.Start("s0", pick(g, g.names)).Where(g.stepFilter(nil))
	g.choose(&f.Steps[0])
	earlier := []string{"s0"}
	for i := 1; i < steps; i++ {
		name := fmt.Sprintf("s%d", i)
		within := time.Duration(1+g.IntN(g.windows)) * grid
		if g.IntN(5) < 2 {
			f = f.NotFollowed(name, pick(g, g.names)).Within(within)
			switch {
			case g.IntN(3) == 0:
				f = f.Pending()
			case g.IntN(3) == 0 && i < steps-1:
				f.Steps[i].Within, f.Steps[i].UntilNext = 0, true
			}
		} else if f = f.Followed(name, pick(g, g.names)); g.IntN(2) == 0 {
			f = f.Within(within)
		}
		if !f.Steps[i].Not && g.IntN(6) == 0 {
			f = f.Next()
		}
		f = f.Where(filter(earlier))
		g.choose(&f.Steps[i])
		if !f.Steps[i].Not {
			earlier = append(earlier, name)
		}
	}
	for i := range f.Steps { // where nothing follows there is no next
		if s := &f.Steps[i]; s.UntilNext && !slices.ContainsFunc(f.Steps[i:], func(t funnel.Step) bool { return !t.Not }) {
			s.UntilNext, s.Within = false, grid
		}
	}
	if in := f.WithWindow(g.window()); g.IntN(2) == 0 && in.Validate() == nil { // not so short that it never holds
		return in
	}
	return f
}

// choose gives a step events of more names, now and then.
func (g *generator) choose(s *funnel.Step) {
	if g.IntN(4) == 0 {
		e := g.which()
		s.Event, s.Names, s.Prefix, s.Any = e.Name, e.Names, e.Prefix, e.Any
	}
}

// keyed returns a filter that makes an earlier step's property equal.
func (g *generator) keyed(earlier []string) string {
	same := strings.ReplaceAll(pick(g, []string{
		`properties.id == steps.STEP.properties.id`,
		`steps.STEP.properties.id == properties.id`,
	}), "STEP", pick(g, earlier))
	if g.IntN(3) > 0 {
		return same
	}
	return conjunction(same, g.stepFilter(nil))
}

// stepFilter returns a filter, or none, that may read earlier steps.
func (g *generator) stepFilter(earlier []string) string {
	switch n := g.IntN(4); {
	case n < 2 && len(earlier) > 0:
		return strings.ReplaceAll(pick(g, stepFilters), "STEP", pick(g, earlier))
	case n < 3:
		return ""
	}
	return g.eventFilter()
}

func conjunction(a, b string) string {
	if b == "" {
		return a
	}
	return fmt.Sprintf("(%s) && (%s)", a, b)
}

// In these STEP stands for the name of an earlier step.
var stepFilters = []string{
	`properties.id == steps.STEP.properties.id`,
	`properties.k == steps.STEP.properties.k`,
	`properties.k == steps.STEP.properties.id`,
	`properties["in"].k == steps.STEP.properties.id`,
	`properties.id != steps.STEP.properties.id`,
	`properties.id == steps.STEP.properties.id || properties.k == "x"`,
	`properties.price > steps.STEP.properties.price`,
	`properties.price - steps.STEP.properties.price == 1`,
	`timestamp - steps.STEP.timestamp >= duration("2h")`,
	`steps.STEP.timestamp < timestamp("2024-03-01T05:00:00Z")`,
	`steps.STEP.name == name`,
	`steps.STEP.context.lang == "de"`,
	`steps.STEP.properties.k == traits.plan`,
	`has(steps.STEP.properties.k) && !has(properties.k)`,
	`!(properties.k == steps.STEP.properties.k)`,
	`properties.k in steps.STEP.properties.tags`,
}

// smallerFunnels returns funnels simpler than f.
func smallerFunnels(f funnel.Funnel) []funnel.Funnel {
	var all []funnel.Funnel
	add := func(f funnel.Funnel) {
		if accepted(audience.Funnel(f)) {
			all = append(all, f)
		}
	}
	if !f.Window.IsZero() {
		whole := f
		whole.Window = profile.Window{}
		add(whole)
	}
	for i, s := range f.Steps {
		change := func(edit func(*funnel.Step)) {
			steps := slices.Clone(f.Steps)
			edit(&steps[i])
			add(funnel.Funnel{Window: f.Window, Steps: steps})
		}
		add(funnel.Funnel{Window: f.Window, Steps: slices.Delete(slices.Clone(f.Steps), i, i+1)})
		if s.Filter != "" {
			change(func(s *funnel.Step) { s.Filter = "" })
		}
		if s.Within != 0 && !s.Not {
			change(func(s *funnel.Step) { s.Within = 0 })
		}
		if s.Pending {
			change(func(s *funnel.Step) { s.Pending = false })
		}
	}
	return all
}
