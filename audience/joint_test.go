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

// A condition that an account asks of its users may be there already, as a part
// of another that does not keep it up to date.
func TestAnAccountAsksWhatWasPartOfAnother(t *testing.T) {
	ctx, at := context.Background(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	clock := audience.NewManualClock(at)
	e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	require.NoError(t, err)
	require.NoError(t, e.Group(ctx, audience.Group{Profile: "ann", Account: "acme", Time: at}))
	looked := audience.Performed("Look").Within(2 * time.Hour)
	require.NoError(t, e.Create(ctx, audience.Define("a").Members(audience.Any(looked, audience.NotPerformed("Buy")))))
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "ann", Name: "Look", Time: at}))
	clock.Set(at.Add(10 * time.Hour))
	require.NoError(t, e.Create(ctx, audience.Define("looking").OfAccounts().Members(audience.AllUsers(looked))))
	require.Zero(t, count(t, e, "looking"))

	// And so may one that a batch audience latches.
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "ann", Name: "Look", Time: at.Add(10 * time.Hour)}))
	require.Equal(t, 1, count(t, e, "looking"))
	require.NoError(t, e.Create(ctx, audience.Define("batch").Members(looked).WithBatch(time.Hour)))
	require.Equal(t, 1, count(t, e, "batch"))
	require.NoError(t, e.Advance(ctx, at.Add(12*time.Hour)))
	require.Zero(t, count(t, e, "looking"))
	require.Zero(t, count(t, e, "batch"))
}

// A user who changes at the very instant at which a store was left is read again
// with the first call: the account must not count that user twice.
func TestReopeningCountsAUserOnce(t *testing.T) {
	ctx, at := context.Background(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	clock, store := audience.NewManualClock(at), profile.NewMemStore()
	e, err := audience.New(ctx, store, audience.Options{Clock: clock})
	require.NoError(t, err)
	require.NoError(t, e.Group(ctx, audience.Group{Profile: "ann", Account: "acme", Time: at}))
	require.NoError(t, e.CreateFile(ctx, audience.File{
		Traits:    []trait.Computed{trait.Count("looks", "Look")},
		Audiences: []audience.Definition{audience.Define("known").OfAccounts().Members(audience.AllUsers(audience.NotPerformed("Buy")))},
	}))
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "ann", Name: "Look", Time: at.Add(time.Hour)}))
	clock.Set(at.Add(time.Hour))
	require.NoError(t, e.Leave(ctx, "ben", "acme"))
	require.Equal(t, 1, count(t, e, "known"))

	require.NoError(t, e.Close())
	e, err = audience.New(ctx, store, audience.Options{Clock: clock})
	require.NoError(t, err)
	require.NoError(t, e.Advance(ctx, at.Add(2*time.Hour)))
	require.Equal(t, 1, count(t, e, "known"))
	values, err := e.ValuesOf(ctx, profile.UserRef("ann"))
	require.NoError(t, err)
	require.Len(t, values, 1)
}
