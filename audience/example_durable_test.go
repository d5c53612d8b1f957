package audience_test

import (
	"context"
	"fmt"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// A durable subscriber goes on where it was, with the next engine of the store.
func ExampleEngine_SubscribeDurable() {
	ctx, store := context.Background(), profile.NewMemStore()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	open := func() *audience.Engine {
		engine, err := audience.New(ctx, store, audience.Options{Clock: clock})
		check(err)
		return engine
	}
	told := make(chan string)
	tell := func(_ context.Context, n audience.Notice) error {
		told <- fmt.Sprintf("%d: %s", n.ID, n)
		return nil // an error, and the same notice comes again
	}

	engine := open()
	check(engine.Create(ctx, audience.Define("buyers").Members(audience.Performed("Order"))))
	stop, err := engine.SubscribeDurable(ctx, "crm", tell)
	check(err)
	check(engine.Track(ctx, profile.Event{Profile: "ann", Name: "Order"}))
	fmt.Println(<-told)
	stop()
	check(engine.Track(ctx, profile.Event{Profile: "ben", Name: "Order"}))
	check(engine.Close())

	engine = open()
	_, err = engine.SubscribeDurable(ctx, "crm", tell)
	check(err)
	fmt.Println(<-told)
	check(engine.Close())
	// Output:
	// 1: ann entered buyers at 2026-03-01T12:00:00Z (event)
	// 2: ben entered buyers at 2026-03-01T12:00:00Z (event)
}
