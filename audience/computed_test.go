package audience_test

import (
	"context"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

// tellTraits adds the changes of computed traits to what newEngine tells.
func tellTraits(e *audience.Engine, told *[]string) {
	e.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error {
		*told = append(*told, c.String())
		return nil
	})
}

func order(t *testing.T, user string, at time.Duration, total any) profile.Event {
	t.Helper()
	properties, err := profile.NewObject(map[string]any{"total": total})
	require.NoError(t, err)
	ev := event(user, "Order Completed", at)
	ev.Properties = properties
	return ev
}

func TestAComputedTraitAndTheAudiencesThatReadItChangeInOneStep(t *testing.T) {
	ctx := context.Background()
	e, clock, told := newEngine(t)
	tellTraits(e, told)
	require.NoError(t, e.CreateFile(ctx, audience.File{
		Audiences: []audience.Definition{
			audience.Define("big_spenders").Members(audience.Trait("traits.revenue > 100")),
			audience.Define("modest").Members(audience.All(
				audience.Performed("Order Completed"), audience.Not(audience.InAudience("big_spenders")))),
		},
		Traits: []trait.Computed{trait.Sum("revenue", "Order Completed", "total").Within(time.Hour)},
	}))
	require.NoError(t, e.Track(ctx, order(t, "u1", 0, 60)))
	clock.Set(start.Add(30 * time.Minute))
	require.NoError(t, e.Track(ctx, order(t, "u1", 30*time.Minute, 60)))
	require.NoError(t, e.Advance(ctx, start.Add(3*time.Hour)))
	require.Equal(t, []string{
		"u1 revenue null → 60 at 2026-01-01T00:00:00Z (event)",
		"u1 entered modest at 2026-01-01T00:00:00Z (event)",
		"u1 revenue 60 → 120 at 2026-01-01T00:30:00Z (event)",
		"u1 entered big_spenders at 2026-01-01T00:30:00Z (event)",
		"u1 exited modest at 2026-01-01T00:30:00Z (event)",
		"u1 revenue 120 → 60 at 2026-01-01T01:00:00Z (time)",
		"u1 exited big_spenders at 2026-01-01T01:00:00Z (time)",
		"u1 entered modest at 2026-01-01T01:00:00Z (time)",
		"u1 revenue 60 → null at 2026-01-01T01:30:00Z (time)",
	}, *told)
}

func TestWhoReadsAComputedTraitInACallbackSeesTheWholeStep(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	require.NoError(t, e.CreateFile(ctx, audience.File{
		Traits:    []trait.Computed{trait.Count("orders", "Order Completed")},
		Audiences: []audience.Definition{audience.Define("buyers").Members(audience.Trait("traits.orders >= 1"))},
	}))
	calls := 0
	e.SubscribeTraits(func(ctx context.Context, c audience.TraitChange) error {
		calls++
		values, err := e.ValuesOf(ctx, c.Profile)
		require.NoError(t, err)
		require.Equal(t, "orders", values[0].Key)
		require.True(t, values[0].Value.Equal(profile.IntValue(1)))
		keys, err := e.AudiencesOf(ctx, c.Profile)
		require.NoError(t, err)
		require.Equal(t, []string{"buyers"}, keys)
		return nil
	})
	require.NoError(t, e.Track(ctx, order(t, "u1", 0, 5)))
	require.Equal(t, 1, calls)
}

func TestComputedTraitsReadEachOtherAndAudiences(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	tellTraits(e, told)
	require.NoError(t, e.CreateFile(ctx, audience.File{
		Traits: []trait.Computed{
			trait.Count("big_orders", "Order Completed").Where("properties.total > traits.limit && traits.insiders"),
			trait.Max("limit", "Limit Set", "value"),
		},
		Audiences: []audience.Definition{audience.Define("insiders").Members(audience.Performed("CrossProfile"))},
	}))
	limit, err := profile.NewObject(map[string]any{"value": 10})
	require.NoError(t, err)
	require.NoError(t, e.Track(ctx, order(t, "u1", 0, 11)))
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "u1", Name: "Limit Set", Time: start, Properties: limit}))
	require.NoError(t, e.Track(ctx, event("u1", "CrossProfile", 0)))
	require.NoError(t, e.Track(ctx, order(t, "u1", 0, 12)))
	require.Equal(t, []string{
		"u1 limit null → 10 at 2026-01-01T00:00:00Z (event)",
		"u1 big_orders null → 1 at 2026-01-01T00:00:00Z (event)",
		"u1 entered insiders at 2026-01-01T00:00:00Z (event)",
		"u1 big_orders 1 → 2 at 2026-01-01T00:00:00Z (event)",
	}, *told)
}

func TestACircleThroughTraitsIsSpelledOut(t *testing.T) {
	err := audience.File{
		Traits: []trait.Computed{
			trait.Count("a", "X").Where("traits.b > 1"),
			trait.Count("b", "X").Where("traits.c"),
		},
		Audiences: []audience.Definition{audience.Define("c").Members(audience.Trait("traits.a > 1"))},
	}.Check()
	require.ErrorIs(t, err, audience.ErrCycle)
	require.ErrorContains(t, err, "a → b → c → a")
}

func TestKeysDoNotCollideWithCustomTraits(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	vip, err := profile.NewObject(map[string]any{"vip": true})
	require.NoError(t, err)
	require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "u1", Traits: vip, Time: start}))
	err = e.CreateTraits(ctx, trait.Count("vip", "Order Completed"))
	require.ErrorIs(t, err, audience.ErrExists)
	require.ErrorContains(t, err, `user "u1" has a custom trait of that name`)

	require.NoError(t, e.Create(ctx, audience.Define("gold").Members(audience.Trait(`traits.plan == "gold"`))))
	require.ErrorIs(t, e.CreateTraits(ctx, trait.Last("plan", "Plan Chosen", "plan")), audience.ErrExists, "gold reads it")
	require.ErrorIs(t, e.Create(ctx, audience.Define("plan").Members(audience.Performed("X"))), audience.ErrExists)

	require.NoError(t, e.CreateTraits(ctx, trait.Count("orders", "Order Completed")))
	require.ErrorIs(t, e.Create(ctx, audience.Define("orders").Members(audience.Performed("X"))), audience.ErrExists)
	orders, err := profile.NewObject(map[string]any{"orders": 7})
	require.NoError(t, err)
	require.ErrorIs(t, e.Identify(ctx, audience.Identify{Profile: "u2", Traits: orders, Time: start}), audience.ErrComputed)
	require.ErrorIs(t, e.Create(ctx, audience.Define("b").Members(audience.InAudience("orders"))), profile.ErrNotFound, "a trait is no audience")
}

func TestAnEditTellsTheDifferenceOnly(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	require.NoError(t, e.CreateFile(ctx, audience.File{
		Traits: []trait.Computed{trait.Sum("revenue", "Order Completed", "total")},
		Audiences: []audience.Definition{
			audience.Define("spenders").Members(audience.Trait("traits.revenue >= 50")),
			audience.Define("others").Members(audience.Not(audience.InAudience("spenders"))),
		},
	}))
	require.NoError(t, e.Track(ctx, order(t, "u1", 0, 60)))
	require.NoError(t, e.Track(ctx, order(t, "u2", 0, 30)))
	require.NoError(t, e.Track(ctx, order(t, "u2", 0, 30)))
	tellTraits(e, told)
	*told = nil
	require.NoError(t, e.EditTrait(ctx, trait.Max("revenue", "Order Completed", "total")))
	require.Equal(t, []string{
		"u2 revenue 60 → 30 at 2026-01-01T00:00:00Z (edit)",
		"u2 entered others at 2026-01-01T00:00:00Z (dependency)",
		"u2 exited spenders at 2026-01-01T00:00:00Z (dependency)",
	}, *told)
	*told = nil
	require.NoError(t, e.Track(ctx, order(t, "u2", 0, 70)))
	require.Equal(t, []string{
		"u2 revenue 30 → 70 at 2026-01-01T00:00:00Z (event)",
		"u2 exited others at 2026-01-01T00:00:00Z (event)",
		"u2 entered spenders at 2026-01-01T00:00:00Z (event)",
	}, *told)
	require.ErrorIs(t, e.EditTrait(ctx, trait.Count("revenue", "X").Where("traits.others")), audience.ErrCycle)
	require.ErrorIs(t, e.EditTrait(ctx, trait.Count("nope", "X")), profile.ErrNotFound)
	require.ErrorIs(t, e.EditTrait(ctx, trait.Count("spenders", "X")), profile.ErrNotFound)
}

func TestATraitThatIsReadStays(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	tellTraits(e, told)
	require.NoError(t, e.CreateFile(ctx, audience.File{
		Traits:    []trait.Computed{trait.Count("orders", "Order Completed")},
		Audiences: []audience.Definition{audience.Define("buyers").Members(audience.Trait("traits.orders > 0"))},
	}))
	require.NoError(t, e.Track(ctx, order(t, "u1", 0, 60)))
	require.ErrorIs(t, e.DeleteTrait(ctx, "orders"), audience.ErrInUse)
	require.ErrorIs(t, e.DeleteTrait(ctx, "buyers"), profile.ErrNotFound)
	require.ErrorIs(t, e.DeleteAudience(ctx, "orders"), profile.ErrNotFound)
	require.NoError(t, e.DeleteAudience(ctx, "buyers"))
	*told = nil
	require.NoError(t, e.DeleteTrait(ctx, "orders"))
	require.Equal(t, []string{"u1 orders 1 → null at 2026-01-01T00:00:00Z (delete)"}, *told)
	require.Empty(t, e.ListTraits())
	require.ErrorIs(t, e.CreateTraits(ctx, trait.Count("orders", "Order Completed")), profile.ErrRetired)
}

func TestBadComputedTraitsSayWhatIsWrong(t *testing.T) {
	for text, c := range map[string]trait.Computed{
		`trait "a": where: 1:1: undeclared reference`: trait.Count("a", "X").Where("now > 1"),
		`trait "a": `:    trait.Sum("a", "X", ""),
		`trait "A": key`: trait.Count("A", "X"),
	} {
		err := audience.File{Traits: []trait.Computed{c}}.Check()
		var at *audience.DefinitionError
		require.ErrorAs(t, err, &at)
		require.ErrorContains(t, err, text)
	}
}

func TestAnEditThatChangesNothingKeepsTheTrait(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	require.NoError(t, e.CreateFile(ctx, audience.File{
		Traits:    []trait.Computed{trait.Count("orders", "Order Completed")},
		Audiences: []audience.Definition{audience.Define("buyers").Members(audience.Trait("traits.orders > 0"))},
	}))
	require.NoError(t, e.EditTrait(ctx, trait.Count("orders", "Order Completed").WithName("Orders")))
	require.Equal(t, "Orders", e.ListTraits()[0].Name)
	tellTraits(e, told)
	require.NoError(t, e.Track(ctx, order(t, "u1", 0, 60)))
	require.Equal(t, []string{
		"u1 orders null → 1 at 2026-01-01T00:00:00Z (event)",
		"u1 entered buyers at 2026-01-01T00:00:00Z (event)",
	}, *told)
}
