package audience_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
)

// Several nodes change their truth and change it back in one step, in turns. Found
// by an independent evaluator: hesitant was told to be entered twice.
func TestAMemberWhoStaysOneInACrowdedStepIsNotToldAgain(t *testing.T) {
	ctx := t.Context()
	start := time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)
	clock := audience.NewManualClock(start)
	e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	require.NoError(t, err)
	require.NoError(t, e.Create(ctx,
		audience.Define("c9").Members(audience.Performed("Buy")),
		audience.Define("a0").Members(audience.Funnel(
			funnel.Start("s", "Buy").Where("properties.x >= 2").WithWindow(profile.Between(time.Hour, 3*time.Hour)))),
		audience.Define("a1").Members(audience.Funnel(
			funnel.Start("s", "Buy").Where("!(has(properties.z))").
				NotFollowed("n", "Buy").Within(time.Hour).Pending().WithWindow(profile.Within(4*time.Hour)))),
	))
	var heard []string
	e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		heard = append(heard, tr.String())
		return nil
	})
	clock.Set(start.Add(2 * time.Hour))
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "u", Name: "Buy", Time: start.Add(10)}))
	clock.Set(start.Add(4 * time.Hour))
	require.NoError(t, e.Track(ctx, profile.Event{
		Profile: "u", Name: "Buy", Time: start.Add(time.Hour + 3), Properties: object("x", 2),
	}))
	require.Equal(t, []string{
		"u entered a1 at 2024-03-01T02:00:00Z (event)",
		"u entered c9 at 2024-03-01T02:00:00Z (event)",
		"u entered a0 at 2024-03-01T04:00:00Z (event)",
	}, heard)
}
