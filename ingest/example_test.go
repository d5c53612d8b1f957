package ingest_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/profile"
)

// The whole of it: an engine, its API, and what a library sends.
func Example() {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	if err := engine.Create(ctx, audience.Define("web_buyers").Members(
		audience.Performed("Order Completed").Where(`context.source == "web"`))); err != nil {
		log.Fatal(err)
	}
	if _, err := engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	}); err != nil {
		log.Fatal(err)
	}

	handler, err := ingest.New(engine, ingest.Options{
		Authorizer: ingest.WriteKeys{"wk_web": "web", "wk_backend": "backend"},
		Clock:      engine,
		Origins:    []string{"https://shop.example"},
		OnReject: func(r ingest.Rejection) {
			fmt.Printf("refused %s of %s: %v\n", r.MessageID, r.Source.Name, r.Err)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()

	r, err := http.NewRequest("POST", server.URL+"/v1/batch", strings.NewReader(`{"sentAt":"2026-03-01T12:00:00Z","batch":[
		{"type":"track","userId":"ann","event":"Order Completed","messageId":"m1"},
		{"type":"track","userId":"bob","messageId":"m2"}]}`))
	if err != nil {
		log.Fatal(err)
	}
	r.SetBasicAuth("wk_web", "")
	res, err := server.Client().Do(r)
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d %s", res.StatusCode, body)
	// Output:
	// ann entered web_buyers at 2026-03-01T12:00:00Z (event)
	// refused m2 of web: invalid input: event name is empty
	// 200 {"success":false,"taken":1,"refused":[{"index":1,"messageId":"m2","error":"invalid input: event name is empty"}]}
}

// Keys that come from elsewhere: a refusal is told from a failure to look.
func ExampleAuthorizerFunc() {
	lookUp := func(key string) (name string, found bool, err error) { return "app", key == "wk_app", nil }
	authorizer := ingest.AuthorizerFunc(func(_ *http.Request, key string) (ingest.Source, error) {
		name, found, err := lookUp(key)
		switch {
		case err != nil:
			return ingest.Source{}, err // 503: the sender comes again
		case !found:
			return ingest.Source{}, ingest.ErrWriteKey // 401
		}
		return ingest.Source{Name: name}, nil
	})
	source, err := authorizer.Authorize(nil, "wk_app")
	fmt.Println(source.Name, err)
	_, err = authorizer.Authorize(nil, "wk_ap")
	fmt.Println(err)
	// Output:
	// app <nil>
	// not a write key
}
