package audiencetest

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// recorder is a TB that keeps what it is told.
type recorder struct{ errors []string }

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func shop() audience.File {
	return audience.File{
		Traits: []trait.Computed{
			trait.Count("orders", "Order Completed"),
			trait.Count("account_orders", "Order Completed").OfAccounts(),
		},
		Audiences: []audience.Definition{
			audience.Define("loyal").Members(audience.TraitIs(trait.Value("orders").AtLeast(2))),
			audience.Define("gold").Members(audience.TraitIs(trait.Value("plan").Equals("gold"))),
			audience.Define("enterprise").OfAccounts().Members(audience.TraitIs(trait.Value("plan").Equals("enterprise"))),
		},
	}
}

func TestEachMethodIsACommand(t *testing.T) {
	New(t, shop()).
		At("day 2").
		Track("ann", "Order Completed", Props{"total": 1}).
		Track("visitor", "Order Completed", nil).
		Identify("ann", Props{"plan": "gold"}).
		Group("ann", "acme", Props{"plan": "enterprise"}).
		ExpectMembers("gold", "ann").
		ExpectMembers("enterprise", "acme").
		ExpectIn("enterprise", "acme").
		ExpectNotIn("loyal", "ann").
		Alias("visitor", "ann").
		ExpectIn("loyal", "ann").
		ExpectTrait("ann", "orders", 2).
		ExpectTrait("ann", "plan", "gold").
		ExpectAccountTrait("acme", "account_orders", 2).
		ExpectTransitions(
			"ann entered gold at day 2 (trait)",
			"account acme entered enterprise at day 2 (trait)",
			"ann entered loyal at day 2 (merge)",
		).
		Leave("ann", "acme").
		ExpectAccountTrait("acme", "account_orders", nil).
		At("+1d").
		DeleteUser("ann").
		ExpectMembers("gold").
		Do(`
track ben "Order Completed" at day 1 id m1
expect trait ben orders = 1
`).
		ExpectTransitions("ann exited gold (delete)", "ann exited loyal (delete)").
		ExpectChanges(
			"ann orders null -> 1",
			"visitor orders null -> 1",
			"account acme account_orders null -> 1",
			"ann orders 1 -> 2 (merge)",
			"visitor orders 1 -> null (merge)",
			"account acme account_orders 1 -> 2 (merge)",
			"account acme account_orders 2 -> null (trait)",
			"ann orders 2 -> null (delete)",
			"ben orders null -> 1",
		).
		ExpectTransitions().
		ExpectChanges()
}

func TestATestGoesOnAfterAFailureAndStopsAfterAnError(t *testing.T) {
	var r recorder
	New(&r, shop()).
		ExpectMembers("gold", "ann").
		ExpectTrait("ann", "plan", "gold").
		At("yesterday").
		ExpectMembers("gold", "ben").
		Do("nonsense")
	require.Len(t, r.errors, 3)
	require.Contains(t, r.errors[0], "members of gold differ")
	require.Contains(t, r.errors[1], "expect trait ann plan = gold\n  but it is null")
	require.Contains(t, r.errors[2], "script:1: want a time")
}

func TestErrorsOfATest(t *testing.T) {
	bad := audience.File{Audiences: []audience.Definition{audience.Define("Bad")}}
	for want, run := range map[string]func(*Test){
		"time does not go backwards": func(x *Test) { x.At("day 0") },
		"script:1: want no start":    func(x *Test) { x.Do("start 2026-03-01") },
		"invalid input":              func(x *Test) { x.Track("ann", "Visit", Props{"a": math.NaN()}) },
		"profile id":                 func(x *Test) { x.DeleteUser("") },
		"line 2: audience \"none\"":  func(x *Test) { x.Do("at day 2\nexpect ann in none") },
		"want one line":              func(x *Test) { x.ExpectTransitions("ann entered gold\nat day 3") },
		"want entered or exited":     func(x *Test) { x.ExpectTransitions("ann left gold") },
		"no JSON form":               func(x *Test) { x.ExpectTrait("ann", "plan", make(chan int)) },
	} {
		var r recorder
		run(New(&r, shop()))
		require.Len(t, r.errors, 1, want)
		require.Contains(t, r.errors[0], want)
	}
	var r recorder
	New(&r, bad).ExpectMembers("gold")
	require.Len(t, r.errors, 1)
	require.Contains(t, r.errors[0], "bad key")
}

func TestRunTellsWhatCannotBeRun(t *testing.T) {
	for want, run := range map[string]func(TB){
		"no such file":              func(t TB) { Run(t, "testdata/none.txt") },
		"x.txt:1: want a command":   func(t TB) { RunText(t, "x.txt", "nonsense") },
		"want the paths of scripts": func(t TB) { Cover(t, "testdata/none*.txt") },
	} {
		var r recorder
		run(&r)
		require.Len(t, r.errors, 1)
		require.Contains(t, r.errors[0], want)
	}
}

// The engine's own names are what scripts call them.
func TestCausesAreThoseOfTheEngine(t *testing.T) {
	require.True(t, causes["event"] && causes["dependency"] && causes[audience.CauseDelete.String()])
	require.False(t, causes["unknown"])
	require.Equal(t, "account", profile.Account.String())
}
