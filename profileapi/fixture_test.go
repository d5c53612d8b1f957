package profileapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/profileapi"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is an engine with its API.
type world struct {
	t      testing.TB
	clock  *audience.ManualClock
	store  *profile.MemStore
	engine *audience.Engine
	api    http.Handler
	errs   []error // told to OnError
}

// newWorld has one computed trait, two audiences and these messages:
//   - ann, a big spender, with an email, who used a browser before she signed up;
//   - bob, of whom a trait is known; ann and bob are both of the account acme;
//   - a visitor, of whom there is nothing but an anonymous id.
func newWorld(t testing.TB, auth profileapi.Authorizer) *world {
	w := &world{t: t, clock: audience.NewManualClock(noon), store: profile.NewMemStore()}
	var err error
	w.engine, err = audience.New(context.Background(), w.store, audience.Options{Clock: w.clock})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.engine.Close()) })
	require.NoError(t, w.engine.CreateTraits(context.Background(), trait.Sum("total_revenue", "Order Completed", "total")))
	require.NoError(t, w.engine.Create(context.Background(),
		audience.Define("big_spender").Members(audience.Trait("traits.total_revenue >= 100")),
		audience.Define("sleeper").Members(audience.NotPerformed("Order Completed")),
	))
	w.send(
		`{"type":"page","anonymousId":"browser-1","messageId":"m0","timestamp":"2026-03-01T09:00:00Z","name":"Home"}`,
		`{"type":"identify","userId":"ann","anonymousId":"browser-1","messageId":"m1","timestamp":"2026-03-01T10:00:00Z","traits":{"email":"ann@x.io","plan":"pro"}}`,
		`{"type":"group","userId":"ann","groupId":"acme","messageId":"m2","timestamp":"2026-03-01T10:00:00Z","traits":{"seats":5}}`,
		`{"type":"track","userId":"ann","messageId":"m3","timestamp":"2026-03-01T11:00:00Z","event":"Order Completed","properties":{"total":420}}`,
		`{"type":"track","userId":"ann","messageId":"m4","timestamp":"2026-03-01T11:30:00Z","event":"Report Read","properties":{"id":7},"context":{"groupId":"acme"}}`,
		`{"type":"group","userId":"bob","groupId":"acme","messageId":"m5","timestamp":"2026-03-01T10:00:00Z"}`,
		`{"type":"identify","userId":"bob","messageId":"m6","timestamp":"2026-03-01T10:00:00Z","traits":{"secret":"of bob"}}`,
		`{"type":"track","anonymousId":"browser-2","messageId":"m7","timestamp":"2026-03-01T10:00:00Z","event":"Site Visited"}`,
	)
	w.api, err = profileapi.New(w.engine, w.store, auth, profileapi.Options{
		Clock:   w.clock,
		OnError: func(_ *http.Request, err error) { w.errs = append(w.errs, err) },
	})
	require.NoError(t, err)
	return w
}

// send applies messages.
func (w *world) send(lines ...string) {
	w.t.Helper()
	for _, line := range lines {
		m, err := profile.ParseMessage([]byte(line))
		require.NoError(w.t, err)
		require.NoError(w.t, w.engine.Apply(context.Background(), m))
	}
}

// track gives a user an event.
func (w *world) track(user, name, id string, at time.Time) {
	w.t.Helper()
	require.NoError(w.t, w.engine.Track(context.Background(),
		profile.Event{Profile: user, Name: name, MessageID: id, Time: at}))
}

// request asks the API.
func (w *world) request(method, target string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, httptest.NewRequest(method, target, nil))
	return rec
}

// get returns status and body of the answer to a GET. The target is what comes
// after /v1/collections/.
func (w *world) get(target string) (int, string) {
	rec := w.request("GET", "/v1/collections/"+target)
	return rec.Code, strings.TrimSpace(rec.Body.String())
}

// page is a page of any list.
type page struct {
	Traits map[string]any
	Data   []map[string]any
	Cursor struct {
		URL     string
		HasMore bool `json:"has_more"`
		Next    string
		Limit   int
	}
}

// page gets a page that is no error.
func (w *world) page(target string) page {
	w.t.Helper()
	status, body := w.get(target)
	require.Equal(w.t, 200, status, body)
	var p page
	require.NoError(w.t, json.Unmarshal([]byte(body), &p))
	return p
}

// all reads all pages, and calls between before each but the first. It returns
// what name says of each item, in the order read; traits by their names.
func (w *world) all(target string, between func(), name func(map[string]any) string) []string {
	w.t.Helper()
	var seen []string
	for p := w.page(target); ; p = w.page(strings.TrimPrefix(p.Cursor.URL, "/v1/collections/")) {
		for trait := range p.Traits {
			seen = append(seen, trait)
		}
		for _, item := range p.Data {
			seen = append(seen, name(item))
		}
		if !p.Cursor.HasMore {
			require.Empty(w.t, p.Cursor.Next)
			return seen
		}
		require.Contains(w.t, p.Cursor.URL, "next="+p.Cursor.Next)
		between()
	}
}

func messageID(event map[string]any) string { return fmt.Sprint(event["message_id"]) }

func errorCode(t testing.TB, body string) string {
	t.Helper()
	var e struct {
		Error struct{ Code, Message string }
	}
	require.NoError(t, json.Unmarshal([]byte(body), &e), body)
	require.NotEmpty(t, e.Error.Message)
	return e.Error.Code
}

// anyone may read everything.
type anyone struct{}

func (anyone) AuthorizeRequest(*http.Request, profileapi.Access) error              { return nil }
func (anyone) AuthorizeProfile(*http.Request, profileapi.Access, profile.Ref) error { return nil }
