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

// join attaches a user to an account.
func join(t *testing.T, e *audience.Engine, user, account string, traits map[string]any) {
	t.Helper()
	o, err := profile.NewObject(traits)
	require.NoError(t, err)
	require.NoError(t, e.Group(context.Background(), audience.Group{
		Profile: user, Account: account, Traits: o, Time: start,
	}))
}

func identify(t *testing.T, e *audience.Engine, user string, traits map[string]any, at time.Duration) {
	t.Helper()
	o, err := profile.NewObject(traits)
	require.NoError(t, err)
	require.NoError(t, e.Identify(context.Background(), audience.Identify{
		Profile: user, Traits: o, Time: start.Add(at),
	}))
}

func TestAnAccountCountsTheEventsOfItsUsersTogether(t *testing.T) {
	ctx := context.Background()
	e, clock, told := newEngine(t)
	tellTraits(e, told)
	require.NoError(t, e.CreateTraits(ctx, trait.Sum("spend", "Order Completed", "total").Within(time.Hour).OfAccounts()))
	require.NoError(t, e.Track(ctx, order(t, "u1", 0, 10)))
	join(t, e, "u1", "acme", nil)
	join(t, e, "u2", "acme", nil)
	join(t, e, "u2", "beta", nil)
	clock.Set(start.Add(time.Minute))
	require.NoError(t, e.Track(ctx, order(t, "u2", time.Minute, 5)))
	sent := order(t, "u3", time.Minute, 7)
	sent.Account = "acme"
	require.NoError(t, e.Track(ctx, sent), "sent for the account by one who is not in it")
	join(t, e, "u3", "acme", nil)
	require.NoError(t, e.DeleteUser(ctx, "u2"))
	require.NoError(t, e.Advance(ctx, start.Add(2*time.Hour)))
	require.Equal(t, []string{
		"acme spend null → 10 at 2026-01-01T00:00:00Z (trait)",
		"acme spend 10 → 15 at 2026-01-01T00:01:00Z (event)",
		"beta spend null → 5 at 2026-01-01T00:01:00Z (event)",
		"acme spend 15 → 22 at 2026-01-01T00:01:00Z (event)",
		"acme spend 22 → 17 at 2026-01-01T00:01:00Z (delete)",
		"beta spend 5 → null at 2026-01-01T00:01:00Z (delete)",
		"acme spend 17 → 7 at 2026-01-01T01:00:00Z (time)",
		"acme spend 7 → null at 2026-01-01T01:01:00Z (time)",
	}, *told)
}

func TestAnAccountKnowsWhoIsMostActiveInIt(t *testing.T) {
	ctx := context.Background()
	e, clock, told := newEngine(t)
	tellTraits(e, told)
	require.NoError(t, e.CreateTraits(ctx,
		trait.MostFrequent("champion", "Login", "user.traits.email").OfAccounts(),
		trait.Count("staff_logins", "Login").Where(`traits.role == "staff" && account.traits.plan == "pro"`).OfAccounts(),
	))
	identify(t, e, "u1", map[string]any{"email": "a@x.io", "role": "staff"}, 0)
	join(t, e, "u1", "acme", map[string]any{"plan": "pro"})
	require.NoError(t, e.Track(ctx, event("u1", "Login", 0)))
	require.NoError(t, e.Track(ctx, event("u1", "Login", 0)))
	clock.Set(start.Add(time.Minute))
	identify(t, e, "u1", map[string]any{"email": "b@x.io"}, time.Minute)
	identify(t, e, "u1", map[string]any{"role": "guest"}, time.Hour) // from then on
	require.NoError(t, e.Advance(ctx, start.Add(2*time.Hour)))
	require.Equal(t, []string{
		"acme staff_logins null → 1 at 2026-01-01T00:00:00Z (event)",
		`acme champion null → "a@x.io" at 2026-01-01T00:00:00Z (event)`,
		"acme staff_logins 1 → 2 at 2026-01-01T00:00:00Z (event)",
		`acme champion "a@x.io" → "b@x.io" at 2026-01-01T00:01:00Z (trait)`,
		"acme staff_logins 2 → null at 2026-01-01T01:00:00Z (time)",
	}, *told)
}

func TestMergedUsersCountOnceForTheirAccount(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	require.NoError(t, e.CreateTraits(ctx, trait.Count("orders", "Order Completed").OfAccounts()))
	join(t, e, "u1", "acme", nil)
	first, again := order(t, "u1", 0, 1), order(t, "anon", 0, 1)
	first.MessageID, again.MessageID = "m1", "m1"
	require.NoError(t, e.Track(ctx, first))
	require.NoError(t, e.Track(ctx, again))
	require.NoError(t, e.Track(ctx, order(t, "anon", 0, 1)))
	tellTraits(e, told)
	require.NoError(t, e.Alias(ctx, "anon", "u1"))
	require.Equal(t, []string{"acme orders 1 → 2 at 2026-01-01T00:00:00Z (merge)"}, *told)
	values, err := e.ValuesOf(ctx, profile.AccountRef("acme"))
	require.NoError(t, err)
	require.Len(t, values, 1)
	require.True(t, values[0].Value.Equal(profile.IntValue(2)))
}

func TestADefinitionOfAccountsReadsCustomTraitsOfUsersOnly(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	filtered := trait.Count("by_vips", "Buy").Where("traits.vip").OfAccounts()
	named := trait.Last("buyer", "Buy", "user.traits.vip").OfAccounts()
	vip := audience.Define("vip").Members(audience.Performed("Buy"))
	for _, c := range []trait.Computed{filtered, named} {
		require.ErrorIs(t, audience.File{Traits: []trait.Computed{c}, Audiences: []audience.Definition{vip}}.Check(), profile.ErrInvalid)
	}
	require.NoError(t, e.CreateTraits(ctx, named))
	require.ErrorIs(t, e.Create(ctx, vip), audience.ErrExists)
	require.NoError(t, e.DeleteTrait(ctx, "buyer"))
	require.NoError(t, e.CreateTraits(ctx, filtered))
	require.ErrorIs(t, e.Create(ctx, vip), audience.ErrExists)

	ofUsers := filtered
	ofUsers.Of = profile.User
	require.ErrorIs(t, e.EditTrait(ctx, ofUsers), profile.ErrInvalid, "an edit keeps whose it is")
}
