package segment_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/destination/segment"
	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/profile"
)

// An audience of one Muster is a trait in another, as it is in Segment or RudderStack.
func Example() {
	ctx := context.Background()
	clock := audience.NewManualClock(noon)
	store := profile.NewMemStore()
	other, err := audience.New(ctx, store, audience.Options{Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	defer other.Close()
	handler, err := ingest.New(other, ingest.Options{Authorizer: ingest.WriteKeys{"wk": "muster"}, Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()

	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	if err := engine.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy"))); err != nil {
		log.Fatal(err)
	}
	receiver, err := segment.New(segment.Options{Endpoint: server.URL, WriteKey: "wk"})
	if err != nil {
		log.Fatal(err)
	}
	hub := destination.NewHub(engine, destination.Options{})
	if _, err := hub.Connect(ctx, receiver, destination.Config{Mode: destination.Identify}); err != nil {
		log.Fatal(err)
	}
	if err := engine.Track(ctx, profile.Event{Profile: "ann", Name: "Buy"}); err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(hub.Flush(ctx), hub.Close(ctx)); err != nil {
		log.Fatal(err)
	}
	traits, err := store.Traits(ctx, profile.UserRef("ann"))
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range traits {
		fmt.Println(t.Name, t.Value)
	}
	// Output: buyers true
}
