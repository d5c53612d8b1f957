package audience_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// What SPEC says of numbers, counts of nothing and equal times.

func TestASumIsExactInDecimal(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	require.NoError(t, e.CreateFile(ctx, audience.File{
		Traits: []trait.Computed{trait.Sum("total", "Buy", "price"), trait.Average("mean", "Buy", "price").Within(2 * time.Hour)},
		Audiences: []audience.Definition{
			audience.Define("hundred").Members(audience.Trait("traits.total >= 100")),
			audience.Define("third").Members(audience.Trait("traits.mean == 0.3")),
		},
	}))
	for _, price := range []float64{20.58, 13.35, 66.07} {
		require.NoError(t, e.Track(ctx, profile.Event{Profile: "u", Name: "Buy", Time: start, Properties: object("price", price)}))
	}
	for _, price := range []float64{0.1, 0.2, 0.6} {
		require.NoError(t, e.Track(ctx, profile.Event{Profile: "v", Name: "Buy", Time: start, Properties: object("price", price)}))
	}
	require.Equal(t, []string{
		"u entered hundred at 2026-01-01T00:00:00Z (event)",
		"v entered third at 2026-01-01T00:00:00Z (event)",
	}, *told)
	values, err := e.ValuesOf(ctx, profile.UserRef("u"))
	require.NoError(t, err)
	require.Equal(t, profile.FloatValue(100), values[1].Value)
}

func TestACountOfNothingIsZeroWhereItIsRead(t *testing.T) {
	ctx := context.Background()
	for name, tc := range map[string]struct {
		count     trait.Computed
		condition audience.Condition
	}{
		"equal":                 {trait.Count("n", "Buy"), audience.Trait("traits.n == 0")},
		"less":                  {trait.Count("n", "Buy"), audience.Trait("traits.n < 3")},
		"not greater":           {trait.Count("n", "Buy"), audience.Not(audience.Trait("traits.n > 0"))},
		"there":                 {trait.Count("n", "Buy"), audience.Trait("has(traits.n)")},
		"summed":                {trait.Count("n", "Buy"), audience.Trait("traits.n + 1 == 1")},
		"of a window":           {trait.Count("n", "Buy").Within(time.Hour), audience.Trait("traits.n == 0")},
		"of nothing that fits":  {trait.Count("n", "Look").Where("properties.x == 1"), audience.Trait("traits.n == 0")},
		"of distinct values":    {trait.UniqueListCount("n", "Buy", "sku"), audience.Trait("traits.n == 0")},
		"in a filter of events": {trait.Count("n", "Buy"), audience.Performed("Look").Where("traits.n == 0")},
		"in a funnel's filter": {trait.Count("n", "Buy"), audience.Funnel(
			funnel.Start("s", "Look").Where("traits.n == 0"))},
		"of an account": {trait.Count("n", "Buy").OfAccounts(), audience.Trait("account.traits.n == 0")},
	} {
		t.Run(name, func(t *testing.T) {
			e, _, _ := newEngine(t)
			require.NoError(t, e.CreateFile(ctx, audience.File{
				Traits:    []trait.Computed{tc.count},
				Audiences: []audience.Definition{audience.Define("none").Members(tc.condition)},
			}))
			require.NoError(t, e.Group(ctx, audience.Group{Profile: "u", Account: "acme", Time: start}))
			require.NoError(t, e.Track(ctx, event("u", "Look", 0)))
			require.Equal(t, 1, count(t, e, "none"))
			for _, ref := range []profile.Ref{profile.UserRef("u"), profile.AccountRef("acme")} {
				values, err := e.ValuesOf(ctx, ref)
				require.NoError(t, err)
				require.Empty(t, values, "as a value of the profile it is absent")
			}
		})
	}
}

func TestOfTraitsSetAtOneTimeTheLastToArriveCounts(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	require.NoError(t, e.Create(ctx, audience.Define("pros").Members(audience.Trait(`traits.plan == "pro"`))))
	for _, m := range []struct{ id, plan string }{{"z", "free"}, {"b", "pro"}, {"y", "free"}, {"a", "pro"}} {
		require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "u", Traits: object("plan", m.plan), Time: start, MessageID: m.id}))
	}
	require.Equal(t, []string{
		"u entered pros at 2026-01-01T00:00:00Z (trait)",
		"u exited pros at 2026-01-01T00:00:00Z (trait)",
		"u entered pros at 2026-01-01T00:00:00Z (trait)",
	}, *told)
}
