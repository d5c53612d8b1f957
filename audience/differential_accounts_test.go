package audience_test

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

// attach begins a history with users in accounts.
func (g *generator) attach(h *history) {
	for _, user := range g.people {
		for _, account := range accounts {
			if g.IntN(2) == 0 {
				h.calls = append(h.calls, g.do(oracle.Group{Profile: user, Account: account, Traits: g.customTraits(), Time: g.time()})...)
			}
		}
	}
}

// definition returns one of an audience of a key.
func (g *generator) definition(key string, of profile.Subject) audience.Definition {
	g.subject = of
	d := audience.Define(key).Members(g.node(3))
	d.Of = of
	d.PerUser = of == profile.Account && g.IntN(3) == 0
	d.NoBackfill = g.IntN(3) == 0
	if g.batching && g.IntN(2) == 0 {
		d.Batch = pick(g, []time.Duration{audience.OnRequest, audience.OnRequest, grid, 3 * grid})
	}
	d.Paused = g.pausing && g.IntN(5) == 0
	g.latest[key] = d
	return d
}

// toggled returns the definition of a live audience, paused if it is not, and resumed if it
// is; nil: there is none. Some are changed besides.
func (g *generator) toggled() *audience.Definition {
	keys := slices.Concat(g.keys, g.groups)
	if len(keys) == 0 {
		return nil
	}
	key := pick(g, keys)
	d := g.latest[key]
	paused := !d.Paused
	if g.IntN(5) == 0 {
		d = g.definition(key, d.Of)
	}
	d.Paused = paused
	g.latest[key] = d
	return &d
}

// quantifier returns a condition on the users of an account.
func (g *generator) quantifier() audience.Node {
	g.subject = profile.User
	n := g.node(g.IntN(3))
	g.subject = profile.Account
	return pick(g, []audience.Users{
		audience.AnyUser(n), audience.AllUsers(n), audience.NoUser(n), audience.AtLeastUsers(1+g.IntN(3), n),
		audience.AtLeastPercentOfUsers(pick(g, []float64{0.5, 25, 33.3, 33.333333, 50, 66.7, 75, 100}), n),
	}).Node()
}

// audiences returns the keys of those that the condition at hand can name.
func (g *generator) audiences() []string {
	if g.subject == profile.Account {
		return g.groups
	}
	return slices.Concat(g.keys, g.groups)
}

// accountName returns what a trait of an account is called.
func (g *generator) accountName() string {
	return pick(g, slices.Concat([]string{"plan", "score"}, g.accounts, g.accounts, g.groups))
}

// ofAccounts reports whether anything is defined of accounts, or reads them.
func (h *history) ofAccounts() bool {
	text := h.String()
	return strings.Contains(text, `"of":"accounts"`) || strings.Contains(text, "account.traits")
}

// quantified returns what a condition on users wants of them.
func quantified(u *audience.Users) *audience.Node { return cmp.Or(u.Any, u.All, u.None, u.Where) }

// quantify returns the condition with something else wanted of users.
func quantify(u *audience.Users, n audience.Node) audience.Node {
	switch {
	case u.Any != nil:
		return audience.AnyUser(n).Node()
	case u.All != nil:
		return audience.AllUsers(n).Node()
	case u.Where != nil:
		same := *u
		same.Where = &n
		return same.Node()
	}
	return audience.NoUser(n).Node()
}
