package audience_test

import (
	"context"
	"fmt"
	"log"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// Who looked at something expensive and did not order that same thing within a
// day? A funnel that is to be absent settles when its time is over.
func ExampleFunnel() {
	ctx, now := context.Background(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := audience.NewManualClock(now)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	hesitant := audience.Define("hesitant").Members(audience.Funnel(
		funnel.Start("viewed", "Product Viewed").Where("properties.price > 100").
			NotFollowed("ordered", "Order Completed").Within(profile.Day).
			Where("properties.product_id == steps.viewed.properties.product_id").
			WithWindow(profile.Within(30 * profile.Day))))
	if err := engine.Create(ctx, hesitant); err != nil {
		log.Fatal(err)
	}
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	})
	happened := func(user, event, product string, price float64) {
		properties, err := profile.NewObject(map[string]any{"product_id": product, "price": price})
		if err != nil {
			log.Fatal(err)
		}
		if err := engine.Track(ctx, profile.Event{Profile: user, Name: event, Time: now, Properties: properties}); err != nil {
			log.Fatal(err)
		}
	}
	happened("ann", "Product Viewed", "lamp", 180)
	happened("ben", "Product Viewed", "lamp", 180)
	now = now.Add(time.Hour)
	clock.Set(now)
	happened("ann", "Order Completed", "lamp", 180)
	happened("ben", "Order Completed", "bulb", 4)
	if err := engine.Advance(ctx, now.Add(60*profile.Day)); err != nil {
		log.Fatal(err)
	}

	// Output:
	// ben entered hesitant at 2026-03-02T12:00:00Z (time)
	// ben exited hesitant at 2026-03-31T12:00:00Z (time)
}

// A transition says which events made it, if the engine is asked to.
func TestTransitionsCarryEvidence(t *testing.T) {
	ctx, at := context.Background(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(at), Evidence: true})
	require.NoError(t, err)
	require.NoError(t, engine.Create(ctx, audience.Define("returned").Members(audience.All(
		audience.Performed("View").AtLeast(2),
		audience.Funnel(funnel.Start("left", "Leave").Followed("back", "View").Within(time.Hour)),
	))))
	var heard []audience.Transition
	engine.Subscribe(func(_ context.Context, tr audience.Transition) error {
		heard = append(heard, tr)
		return nil
	})
	for i, name := range []string{"View", "Leave", "View", "Leave"} {
		require.NoError(t, engine.Track(ctx, profile.Event{Profile: "ann", Name: name, Time: at.Add(time.Duration(i-4) * time.Minute)}))
	}
	require.Len(t, heard, 1)
	tree := heard[0].Evidence
	require.NotNil(t, tree)
	require.Equal(t, 2, tree.Children[0].Count)
	require.Equal(t, []audience.Seen{{Time: at.Add(-2 * time.Minute)}, {Time: at.Add(-4 * time.Minute)}}, tree.Children[0].Events)
	require.Equal(t, []audience.Matched{
		{Step: "left", Time: at.Add(-3 * time.Minute), Seq: 2},
		{Step: "back", Time: at.Add(-2 * time.Minute), Seq: 3},
	}, tree.Children[1].Funnel)
}
