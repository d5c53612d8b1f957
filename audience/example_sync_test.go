package audience_test

import (
	"context"
	"fmt"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// A program that makes its definitions with Sync can be started again and again, and
// changed in between.
func ExampleEngine_Sync() {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	store := profile.NewMemStore() // one that lasts, in a service
	start := func(definitions string) {
		engine, err := audience.New(ctx, store, audience.Options{Clock: clock})
		check(err)
		_, err = engine.Subscribe(func(_ context.Context, t audience.Transition) error {
			fmt.Println(t)
			return nil
		})
		check(err)
		file, err := audience.ParseFile([]byte(definitions))
		check(err)
		plan, err := engine.Sync(ctx, file, audience.SyncOptions{})
		check(err)
		fmt.Println(plan)
		check(engine.Track(ctx, profile.Event{Profile: "ann", Name: "Order Completed", MessageID: "1"}))
		check(engine.Close())
	}

	first := `{"audiences": [{"key": "loyal", "where": {"event": {"name": "Order Completed", "count": {"at_least": 5}}}}]}`
	start(first)
	start(first)
	start(`{"audiences": [{"key": "loyal", "where": {"event": {"name": "Order Completed", "count": {"at_least": 1}}}}]}`)
	// Output:
	// +1, ~0, -0
	// + audience "loyal"
	// +0, ~0, -0
	// ann entered loyal at 2026-03-01T12:00:00Z (edit)
	// +0, ~1, -0
	// ~ audience "loyal"
	//     where.event.count: - {"at_least":5}
}

// The order in which a service starts and ends: who is to hear what Sync tells subscribes
// before it, and time runs when all is defined.
func Example_service() {
	ctx, stop := context.WithCancel(context.Background()) // signal.NotifyContext, in a service
	store := profile.NewMemStore()
	definitions := audience.File{Audiences: []audience.Definition{
		audience.Define("buyers").Members(audience.Performed("Order Completed")),
	}}

	engine, err := audience.New(ctx, store, audience.Options{
		OnError: func(err error) { fmt.Println("not told:", err) }, // or a Logger
	})
	check(err)
	_, err = engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t.Profile, t.Type, t.Audience)
		return nil
	})
	check(err)
	_, err = engine.Sync(ctx, definitions, audience.SyncOptions{})
	check(err)
	ran := make(chan error)
	go func() { ran <- engine.Run(ctx) }() // fires what becomes due

	check(engine.Track(ctx, profile.Event{Profile: "ann", Name: "Order Completed"}))

	stop()                // first whatever sends data, then the engine, then the store
	fmt.Println(<-ran)    // context canceled
	check(engine.Close()) // the store can be another engine's now
	check(store.Close())
	// Output:
	// ann entered buyers
	// context canceled
}
