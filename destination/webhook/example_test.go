package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/destination/webhook"
	"github.com/muster-go/muster/profile"
)

// Both ends: what sends memberships, and what receives them.
func Example() {
	secret, err := webhook.ParseKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		log.Fatal(err)
	}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err == nil {
			err = webhook.Verify(r.Header, body, time.Now(), secret)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		fmt.Printf("%s", body)
	}))
	defer receiver.Close()

	ctx := context.Background()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(now)})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	if err := engine.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy"))); err != nil {
		log.Fatal(err)
	}
	hook, err := webhook.New(webhook.Options{URL: receiver.URL, Keys: [][]byte{secret}})
	if err != nil {
		log.Fatal(err)
	}
	hub := destination.NewHub(engine, destination.Options{})
	if _, err := hub.Connect(ctx, hook, destination.Config{Mode: destination.Track}); err != nil {
		log.Fatal(err)
	}
	if err := engine.Track(ctx, profile.Event{Profile: "ann", Name: "Buy", Time: now}); err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(hub.Flush(ctx), hub.Close(ctx)); err != nil {
		log.Fatal(err)
	}
	// Output:
	// {"batch":[{"type":"track","messageId":"muster-dc03f95072c06111ca200f0fee6c2d7a","timestamp":"2026-03-01T12:00:00Z","userId":"ann","event":"Audience Entered","properties":{"audience_key":"buyers","buyers":true},"context":{"personas":{"computation_class":"audience","computation_key":"buyers"}}}]}
}
