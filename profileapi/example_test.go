package profileapi_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/profileapi"
	"github.com/muster-go/muster/trait"
)

// The whole of it: an engine, its API, and a client.
func Example() {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	store := profile.NewMemStore()
	engine, err := audience.New(ctx, store, audience.Options{Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	if err := engine.CreateTraits(ctx, trait.Count("orders", "Order Completed")); err != nil {
		log.Fatal(err)
	}
	if err := engine.Create(ctx, audience.Define("buyer").Members(audience.Trait("traits.orders >= 1"))); err != nil {
		log.Fatal(err)
	}
	for _, line := range []string{
		`{"type":"identify","userId":"ann","messageId":"m1","timestamp":"2026-03-01T10:00:00Z","traits":{"email":"ann@x.io","plan":"pro"}}`,
		`{"type":"track","userId":"ann","messageId":"m2","timestamp":"2026-03-01T11:00:00Z","event":"Order Completed","properties":{"total":42}}`,
	} {
		message, err := profile.ParseMessage([]byte(line))
		if err != nil {
			log.Fatal(err)
		}
		if err := engine.Apply(ctx, message); err != nil {
			log.Fatal(err)
		}
	}

	api, err := profileapi.New(engine, store, profileapi.Tokens{"s3cret"}, profileapi.Options{Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(api)
	defer server.Close()

	get := func(path string) {
		r, err := http.NewRequest("GET", server.URL+"/v1/collections/users/profiles/"+path, nil)
		if err != nil {
			log.Fatal(err)
		}
		r.SetBasicAuth("s3cret", "") // as Segment's clients do
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
	}
	get("email:ann@x.io/traits")
	get("user_id:ann/traits?class=audience")
	get("user_id:ann/events")
	get("user_id:ann/external_ids?include=email")
	get("user_id:eve/traits")
	// Output:
	// 200 {"traits":{"buyer":true,"email":"ann@x.io","orders":1,"plan":"pro"},"cursor":{"url":"","has_more":false,"next":"","limit":20}}
	// 200 {"traits":{"buyer":true},"cursor":{"url":"","has_more":false,"next":"","limit":20}}
	// 200 {"data":[{"type":"track","event":"Order Completed","message_id":"m2","timestamp":"2026-03-01T11:00:00Z","properties":{"total":42},"context":{}}],"cursor":{"url":"","has_more":false,"next":"","limit":20}}
	// 200 {"data":[{"collection":"users","type":"email","id":"ann@x.io","encoding":"none"}],"cursor":{"url":"","has_more":false,"next":"","limit":20}}
	// 404 {"error":{"code":"not_found","message":"there is no such profile"}}
}

// owner lets users read their own profile and nothing else. A token is the id
// of its user here; yours is signed, and checked by AuthorizeRequest.
type owner struct{}

func (owner) AuthorizeRequest(r *http.Request, _ profileapi.Access) error {
	if profileapi.Token(r) == "" {
		return profileapi.ErrUnauthenticated
	}
	return nil
}

func (owner) AuthorizeProfile(r *http.Request, _ profileapi.Access, ref profile.Ref) error {
	if ref.Subject != profile.User || profileapi.Token(r) != ref.ID {
		return profileapi.ErrForbidden
	}
	return nil
}

// A profile that the caller may not read is answered like one that is not there.
func ExampleAuthorizer() {
	ctx := context.Background()
	store := profile.NewMemStore()
	engine, err := audience.New(ctx, store, audience.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	login := profile.Event{Profile: "ann", Name: "Login", Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	if err := engine.Track(ctx, login); err != nil {
		log.Fatal(err)
	}
	api, err := profileapi.New(engine, store, owner{}, profileapi.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range []struct{ token, user string }{{"ann", "ann"}, {"bob", "ann"}, {"bob", "eve"}, {"", "ann"}} {
		r := httptest.NewRequest("GET", "/v1/collections/users/profiles/user_id:"+c.user+"/events", nil)
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		res := httptest.NewRecorder()
		api.ServeHTTP(res, r)
		fmt.Printf("%q asks for %s: %d\n", c.token, c.user, res.Code)
	}
	// Output:
	// "ann" asks for ann: 200
	// "bob" asks for ann: 404
	// "bob" asks for eve: 404
	// "" asks for ann: 401
}
