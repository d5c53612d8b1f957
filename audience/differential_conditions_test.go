package audience_test

import (
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// node returns a condition nested at most so deep.
func (g *generator) node(depth int) audience.Node {
	if depth == 0 || g.IntN(3) == 0 {
		return g.leaf()
	}
	switch g.IntN(5) {
	case 0:
		return audience.Not(g.node(depth - 1))
	case 1, 2:
		return audience.All(g.conditions(depth)...)
	}
	return audience.Any(g.conditions(depth)...)
}

func (g *generator) conditions(depth int) []audience.Condition {
	cs := make([]audience.Condition, 1+g.IntN(3))
	for i := range cs {
		cs[i] = g.node(depth - 1)
	}
	return cs
}

func (g *generator) leaf() audience.Node {
	switch n := g.IntN(10); {
	case n == 0:
		return audience.Trait(pick(g, traitFilters))
	case n == 1:
		return audience.TraitDate("due", g.dateWindow())
	case n == 2 && len(g.keys) > 0:
		return audience.In(pick(g, g.keys))
	}
	e := audience.Performed(pick(g, g.names))
	if g.IntN(3) == 0 {
		e = e.Where(pick(g, eventFilters))
	}
	n := g.IntN(4)
	if g.dense {
		n = g.IntN(8)
	}
	switch g.IntN(5) {
	case 0:
		e = e.AtLeast(1 + n)
	case 1:
		e = e.AtMost(n)
	case 2:
		e = e.Exactly(n)
	case 3:
		e = e.AtMost(0)
	}
	if w := g.window(); g.IntN(5) > 0 {
		e.Window = w
	}
	return e.Node()
}

func (g *generator) window() profile.Window {
	min := time.Duration(1+g.IntN(g.windows)) * grid
	if g.IntN(5) < 3 {
		return profile.Within(min)
	}
	return profile.Between(min-grid, min+time.Duration(g.IntN(3))*grid)
}

func (g *generator) dateWindow() trait.DateWindow {
	switch g.IntN(4) {
	case 0:
		return trait.DateWindow{}
	case 1:
		return trait.Next(time.Duration(1+g.IntN(4)) * grid)
	}
	return trait.DateWindow{Past: g.window()}
}

var eventFilters = []string{
	`properties.k == "x"`,
	`properties.k == 1`,
	`1.5 == properties.k`,
	`properties.k == true`,
	`properties.k == "x" && properties.price > 1`,
	`properties.k == "y" && properties.k == "x"`,
	`properties.price >= 2.0`,
	`properties.price > 1 || properties.k == "x"`,
	`!(properties.k == "x")`,
	`properties.k != "x"`,
	`has(properties.k) && !has(properties.price)`,
	`properties.k in ["x", 1, true]`,
	`properties.k.startsWith("x")`,
	`properties.tags.exists(t, t == "x")`,
	`size(properties.tags) > 0`,
	`properties.k == null`,
	`context.lang == "de"`,
	`name == "Buy" && timestamp > timestamp("2024-03-01T05:00:00Z")`,
	`properties.k == traits.plan`,
	`traits.plan == "pro" && properties.price > 0`,
	`traits.plan == "pro"`,
	`has(traits.plan) || properties.k == "x"`,
	`traits.score > properties.price`,
	`size(traits) > 1`,
}

var traitFilters = []string{
	`traits.plan == "pro"`,
	`traits.plan != "pro"`,
	`has(traits.plan)`,
	`!has(traits.plan)`,
	`traits.score > 1`,
	`traits.score > 1 || traits.plan == "pro"`,
	`traits.score in [1, 2]`,
	`traits.plan in ["pro", "x"] && has(traits.score)`,
	`size(traits) == 2`,
	`"score" in traits`,
}
