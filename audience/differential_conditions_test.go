package audience_test

import (
	"slices"
	"strings"
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
	if g.IntN(12) == 0 {
		return audience.Share(pick(g, []float64{20, 50, 50, 80}), pick(g, []string{"", "spring"}))
	}
	switch n := g.IntN(10); {
	case g.subject == profile.Account && n < 3:
		return g.quantifier()
	case n > 7:
		return audience.Funnel(g.funnel())
	case g.reading && n < 5:
		return audience.Trait(g.traitFilter())
	case n == 3:
		return audience.Trait(g.traitFilter())
	case n == 4:
		name := pick(g, []string{"due", "due", "sub.due", `sub["a.b"]`, `["sub"].due`})
		if g.IntN(3) == 0 {
			name = g.name()
		}
		d := trait.Date{Name: name, Window: g.dateWindow()}
		if yearly := d.InYears(pick(g, []string{"", "Europe/Berlin", "America/New_York", "Pacific/Apia"})); g.IntN(8) == 0 && yearly.Validate() == nil {
			d = yearly
		}
		return audience.DateIs(d)
	case n == 5, n == 6 && g.crossing:
		if keys := g.audiences(); len(keys) > 0 {
			n := audience.InAudience(pick(g, keys))
			d := time.Duration(1+g.IntN(4)) * grid / 2
			switch g.IntN(6) {
			case 0:
				n = audience.InAudienceFor(n.Audience, d)
			case 1:
				n = audience.InAudienceForLess(n.Audience, d)
			case 2:
				n = audience.InAudienceFor(n.Audience, d)
				n.ForLess = n.For + audience.Tenure(g.IntN(3)*int(grid))
				if n.ForLess == n.For {
					n.ForLess = 0
				}
			}
			return n
		}
	}
	e := g.which()
	if g.reading || g.IntN(3) == 0 {
		e = e.Where(g.eventFilter())
	}
	n := g.IntN(4)
	if g.dense {
		n = g.IntN(8)
	}
	switch g.IntN(6) {
	case 4:
		e = e.AtLeast(1 + n/2).AtMost(1 + n/2 + g.IntN(3))
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
	if g.IntN(4) == 0 {
		e = g.distinct(e)
	} else if g.IntN(8) == 0 {
		e.Count, e.Window = audience.Count{}, profile.Window{}
		periods := 1 + g.IntN(4)
		e = e.InPeriods(1+g.IntN(periods), periods, time.Duration(1+g.IntN(6))*grid/2)
	}
	if g.subject == profile.Account && g.IntN(4) == 0 {
		e.Scope = audience.OfGroup
	}
	return e.Node()
}

func (g *generator) window() profile.Window {
	w := g.windowOfAges()
	if !g.calendar || g.IntN(3) == 0 {
		return w
	}
	zone := g.zone()
	unit := pick(g, []profile.Unit{profile.UnitDay, profile.UnitDay, profile.UnitWeek, profile.UnitMonth, profile.UnitQuarter, profile.UnitYear})
	from := -g.IntN(3)
	since := g.now.Truncate(grid).Add(time.Duration(g.IntN(12)-9) * grid)
	switch g.IntN(7) {
	case 0:
		return profile.WithinMonths(1 + g.IntN(2)).In(zone)
	case 1:
		w.MaxMonths, w.MinMonths, w.Zone = 1, g.IntN(2), zone
		return w
	case 2:
		return pick(g, []profile.Window{profile.Since(since), profile.Until(since), profile.During(since, since.Add(5*grid)), profile.Since(since).And(w)})
	case 3:
		return profile.Units(unit, zone, from, 0).And(w)
	}
	return profile.Units(unit, zone, from, from+g.IntN(1-from))
}

func (g *generator) windowOfAges() profile.Window {
	min := time.Duration(1+g.IntN(g.windows)) * grid
	if g.IntN(5) < 3 {
		return profile.Within(min)
	}
	return profile.Between(min-grid, min+time.Duration(g.IntN(3))*grid)
}

func (g *generator) dateWindow() trait.DateWindow {
	switch g.IntN(6) {
	case 0:
		return trait.DateWindow{}
	case 1:
		return trait.WithinNext(time.Duration(1+g.IntN(4)) * grid)
	case 2:
		from := epoch.Add(time.Duration(g.IntN(24)) * grid)
		return pick(g, []trait.DateWindow{trait.After(from), trait.Before(from), trait.During(from, from.Add(3*grid))})
	}
	return trait.DateWindow{Past: g.window()}
}

// computedTrait returns the definition of a computed trait of a key.
func (g *generator) computedTrait(key string, of profile.Subject) trait.Computed {
	g.subject = of
	c := trait.Computed{Key: key, Of: of, Type: trait.TypeCount + trait.Type(g.IntN(14))}
	if g.reading && g.IntN(3) == 0 {
		c.Type = trait.TypeFormula
	}
	if c.NoBackfill = g.IntN(4) == 0; c.Type == trait.TypeFormula {
		c.Formula = g.formula()
		return c
	}
	e := g.which()
	c.Event, c.Names, c.Prefix, c.Any = e.Name, e.Names, e.Prefix, e.Any
	if c.Type == trait.TypeUniqueDays {
		c.Zone = g.zone()
	}
	if c.Type.ReadsProperty() {
		c.Property = pick(g, []string{"k", "k", "price", "price", "price", "tags", "when", "in.k", "in", "tags[]", "items[].price", `["items"][].k`, `["in"].k`, "in[].k"})
		if of == profile.Account && g.IntN(3) == 0 {
			c.Property = pick(g, []string{"user.traits.plan", "user.traits.score", "user.traits.due"})
		}
	}
	if c.Type == trait.TypeMostFrequent && g.IntN(2) == 0 {
		c.MinFrequency = 1 + g.IntN(3)
	}
	if w := g.window(); g.IntN(2) == 0 {
		c.Window = w
	}
	if g.IntN(2) == 0 {
		c.Filter = g.eventFilter()
	}
	return c
}

// formula returns one that reads what may be computed traits, formulas among them, memberships
// and custom traits.
func (g *generator) formula() string {
	f := strings.ReplaceAll(pick(g, formulas), "NAME", g.name())
	if f = strings.ReplaceAll(f, "OTHER", g.name()); g.subject == profile.Account && g.IntN(3) == 0 {
		f = strings.ReplaceAll(f, "traits.", "account.traits.")
	}
	return f
}

// distinct returns e counting values.
func (g *generator) distinct(e audience.Event) audience.Event {
	switch n := g.IntN(6); {
	case n == 0:
		return e.OnDays(g.zone())
	case n == 1:
		return e.InWeeks(g.zone())
	case n == 2:
		return e.InMonths(g.zone())
	case n == 3 && g.subject == profile.Account:
		return e.DistinctBy(pick(g, []string{"user.traits.plan", "user.traits.score", "user.traits.due"}))
	}
	return e.DistinctBy(pick(g, []string{"properties.k", "properties.k", "properties.price", "properties.tags", "properties.in.k", "properties.in",
		"properties.tags[]", "properties.items[].k", `properties["items"][].price`, "properties.in[].k"}))
}

func (g *generator) zone() string {
	return pick(g, []string{"", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Asuncion", "-03:30"})
}

// which says which events, by nothing but their names.
func (g *generator) which() (e audience.Event) {
	switch g.IntN(12) {
	case 0:
		return audience.PerformedAny()
	case 1:
		return audience.PerformedPrefix(pick(g, []string{"Buy", "B", "Loo", "Q", "Buy more"}))
	case 2:
		return audience.Performed(g.names[0], pick(g, []string{"Look", "Buy more", "Never"}))
	case 3:
		e.Names = []string{pick(g, g.names)}
		return e
	}
	return audience.Performed(pick(g, g.names))
}

// name returns what a trait is called: most often a key.
func (g *generator) name() string {
	if g.subject == profile.Account {
		return g.accountName()
	}
	names := slices.Concat(g.traits, g.traits, g.traits, g.keys, g.retired)
	if len(names) == 0 {
		return "plan"
	}
	return pick(g, names)
}

// eventFilter returns a filter on events. In what is of accounts traits are
// those of the user who did it.
func (g *generator) eventFilter() string {
	ofUser := g.subject == profile.User
	switch {
	case ofUser && g.crossing && !g.strict && g.IntN(4) == 0, !ofUser && g.IntN(2) == 0:
		f := strings.ReplaceAll(pick(g, eventFiltersOf), "traits.NAME", "account.traits.NAME")
		return strings.ReplaceAll(f, "NAME", g.accountName())
	case !ofUser, !g.reading && g.IntN(3) > 0:
		return pick(g, eventFilters)
	}
	return strings.ReplaceAll(pick(g, eventFiltersOf), "NAME", g.name())
}

func (g *generator) traitFilter() string {
	f := pick(g, traitFiltersOf)
	if g.IntN(3) == 0 {
		f = pick(g, traitFilters)
	}
	if g.crossing && g.IntN(3) == 0 {
		f = strings.Replace(f, "traits", "account.traits", 1+g.IntN(2))
		return strings.ReplaceAll(f, "NAME", g.accountName())
	}
	return strings.ReplaceAll(f, "NAME", g.name())
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
	`id == "u1" || properties.k == "x"`,
	`"a@x" in ids.email`,
	`has(ids.email) && properties.price > 0`,
	`!has(ids.email)`,
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
	`id == "u1"`,
	`id in ["u2", "a1"] || traits.plan == "pro"`,
	`"a@x" in ids.email`,
	`has(ids.email) && size(ids.email) > 1`,
	`!has(ids.email)`,
	`ids.email.exists(e, e.endsWith("@x"))`,
	`id.startsWith("u") && has(traits.plan)`,
}

// In these NAME stands for what a trait is called.
var eventFiltersOf = []string{
	`has(traits.NAME)`,
	`!has(traits.NAME)`,
	`traits.NAME`,
	`!traits.NAME`,
	`properties.price > traits.NAME`,
	`properties.price <= traits.NAME || properties.k == "x"`,
	`properties.k == traits.NAME`,
	`properties.k in traits.NAME`,
	`traits.NAME == 1`,
	`traits.NAME == 0`,
	`traits.NAME < 2 || properties.k == "x"`,
	`traits.NAME >= 2 && traits.plan == "pro"`,
}

var formulas = []string{
	`1`,
	`null`,
	`traits.NAME`,
	`traits.NAME`,
	`traits.NAME + 1`,
	`traits.NAME + traits.OTHER`,
	`traits.NAME * 2 - traits.OTHER`,
	`double(traits.NAME) / 2.0`,
	`double(traits.NAME) / double(traits.OTHER)`,
	`traits.NAME / traits.OTHER`,
	`has(traits.NAME) ? 1 : 0`,
	`(has(traits.NAME) ? 1 : 0) + (has(traits.OTHER) ? 2 : 0)`,
	`traits.NAME > 1`,
	`traits.NAME > 1 || traits.plan == "pro"`,
	`traits.NAME ? traits.OTHER : traits.plan`,
	`has(traits.NAME) ? traits.NAME : traits.due`,
	`[traits.NAME, traits.OTHER]`,
	`{"n": traits.NAME, "of": {"plan": traits.plan}}`,
	`size(traits.NAME)`,
	`size(traits)`,
	`traits.due`,
	`timestamp(traits.due)`,
	`traits.sub`,
	`traits.score`,
	`traits.score + 0.5`,
	`traits.plan + "!"`,
	`id`,
	`has(ids.email) ? size(ids.email) : 0`,
}

var traitFiltersOf = []string{
	`has(traits.NAME)`,
	`!has(traits.NAME)`,
	`"NAME" in traits`,
	`traits.NAME`,
	`!traits.NAME`,
	`traits.NAME > 1`,
	`traits.NAME < 2.5 || traits.plan == "pro"`,
	`traits.NAME == 1`,
	`traits.NAME != "x"`,
	`traits.NAME in ["x", 1, true]`,
	`"x" in traits.NAME`,
	`size(traits.NAME) > 1`,
	`traits.NAME.exists(v, v == 1)`,
	`has(traits.NAME) && has(traits.score)`,
}
