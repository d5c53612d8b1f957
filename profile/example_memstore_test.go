package profile_test

import (
	"context"
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
)

func ExampleNewMemStore() {
	ctx := context.Background()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	store := profile.NewMemStore(profile.WithRetention(365 * profile.Day))
	defer store.Close()

	total, _ := profile.NewObject(map[string]any{"total": 20})
	order := &profile.PutEvent{Event: profile.Event{
		Profile: "anonymous-1", Name: "Order Completed", Time: now, MessageID: "m1", Properties: total,
	}}
	again := &profile.PutEvent{Event: order.Event} // a sender that retries
	err := profile.Apply(ctx, store, now, order, again, &profile.Merge{From: "anonymous-1", Into: "ann"})
	fmt.Println(again.Duplicate, err)

	for e, err := range store.Events(ctx, "ann", "Order Completed", now.Add(-profile.Week)) {
		fmt.Println(e.Profile, e.MessageID, e.Properties, err)
	}
	// Output:
	// true <nil>
	// ann m1 {"total":20} <nil>
}
