package ndjson_test

import (
	"context"
	"errors"
	"log"
	"os"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/destination/ndjson"
	"github.com/muster-go/muster/profile"
)

// Who is in which list, a line for each batch and audience.
func Example() {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	err = engine.Create(ctx, audience.Define("visitors").Members(
		audience.Performed("Visit").Within(time.Hour)))
	if err != nil {
		log.Fatal(err)
	}

	hub := destination.NewHub(engine, destination.Options{})
	out := &ndjson.Destination{Writer: os.Stdout}
	if _, err := hub.Connect(ctx, out, destination.Config{Mode: destination.Lists}); err != nil {
		log.Fatal(err)
	}
	for _, user := range []string{"ann", "bob"} {
		if err := engine.Track(ctx, profile.Event{Profile: user, Name: "Visit", Time: clock.Now()}); err != nil {
			log.Fatal(err)
		}
	}
	if err := errors.Join(hub.Flush(ctx), hub.Close(ctx)); err != nil {
		log.Fatal(err)
	}
	// Output:
	// {"type":"list","audience":"visitors","of":"users","add":[{"id":"ann","messageId":"muster-497c2bbd427f38cc9641b78c67fb2307","timestamp":"2026-03-01T12:00:00Z"},{"id":"bob","messageId":"muster-1cf9f3db16eaca9742182cc89bd251b2","timestamp":"2026-03-01T12:00:00Z"}]}
}
