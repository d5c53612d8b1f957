package profileapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/profileapi"
	"github.com/stretchr/testify/require"
)

func TestAnswers(t *testing.T) {
	w := newWorld(t, anyone{})
	for _, c := range []struct {
		name, target, want string
	}{
		{
			"traits: custom, computed, and audiences as booleans",
			"users/profiles/user_id:ann/traits",
			`{"traits":{"big_spender":true,"email":"ann@x.io","plan":"pro","sleeper":false,"total_revenue":420},
			  "cursor":{"url":"","has_more":false,"next":"","limit":20}}`,
		},
		{
			"by any external id",
			"users/profiles/email:ann@x.io/traits?include=plan",
			`{"traits":{"plan":"pro"},
			  "cursor":{"url":"","has_more":false,"next":"","limit":20}}`,
		},
		{
			"a computed trait without a value is left out, an audience never is",
			"users/profiles/user_id:bob/traits",
			`{"traits":{"big_spender":false,"secret":"of bob","sleeper":true},
			  "cursor":{"url":"","has_more":false,"next":"","limit":20}}`,
		},
		{
			"one class: audiences",
			"users/profiles/user_id:ann/traits?class=audience&limit=200",
			`{"traits":{"big_spender":true,"sleeper":false},
			  "cursor":{"url":"","has_more":false,"next":"","limit":200}}`,
		},
		{
			"one class: computed traits",
			"users/profiles/user_id:ann/traits?class=computed_trait",
			`{"traits":{"total_revenue":420},
			  "cursor":{"url":"","has_more":false,"next":"","limit":20}}`,
		},
		{
			"one class: custom traits, of which some are asked for",
			"users/profiles/user_id:ann/traits?class=custom_trait&include=sleeper,plan,nothing",
			`{"traits":{"plan":"pro"},
			  "cursor":{"url":"","has_more":false,"next":"","limit":20}}`,
		},
		{
			"an account, by its group id: audiences of users are none of it",
			"accounts/profiles/group_id:acme/traits",
			`{"traits":{"seats":5},
			  "cursor":{"url":"","has_more":false,"next":"","limit":20}}`,
		},
		{
			"events, the newest first",
			"users/profiles/user_id:ann/events",
			`{"data":[
			   {"type":"track","event":"Report Read","message_id":"m4","timestamp":"2026-03-01T11:30:00Z","properties":{"id":7},"context":{"groupId":"acme"}},
			   {"type":"track","event":"Order Completed","message_id":"m3","timestamp":"2026-03-01T11:00:00Z","properties":{"total":420},"context":{}},
			   {"type":"track","event":"Page Viewed","message_id":"m0","timestamp":"2026-03-01T09:00:00Z","properties":{"name":"Home"},"context":{}}],
			  "cursor":{"url":"","has_more":false,"next":"","limit":20}}`,
		},
		{
			"events of some names",
			"users/profiles/anonymous_id:browser-1/events?include=Page+Viewed&include=Nothing+Done",
			`{"data":[
			   {"type":"track","event":"Page Viewed","message_id":"m0","timestamp":"2026-03-01T09:00:00Z","properties":{"name":"Home"},"context":{}}],
			  "cursor":{"url":"","has_more":false,"next":"","limit":20}}`,
		},
		{
			"the events of an account are those that were sent with its id",
			"accounts/profiles/group_id:acme/events",
			`{"data":[
			   {"type":"track","event":"Report Read","message_id":"m4","timestamp":"2026-03-01T11:30:00Z","properties":{"id":7},"context":{"groupId":"acme"},"user_id":"ann"}],
			  "cursor":{"url":"","has_more":false,"next":"","limit":20}}`,
		},
		{
			"external ids, by type and id",
			"users/profiles/user_id:ann/external_ids",
			`{"data":[
			   {"collection":"users","type":"anonymous_id","id":"browser-1","encoding":"none"},
			   {"collection":"users","type":"email","id":"ann@x.io","encoding":"none"},
			   {"collection":"users","type":"user_id","id":"ann","encoding":"none"}],
			  "cursor":{"url":"","has_more":false,"next":"","limit":20}}`,
		},
		{
			"external ids of one type",
			"users/profiles/user_id:ann/external_ids?include=email",
			`{"data":[{"collection":"users","type":"email","id":"ann@x.io","encoding":"none"}],
			  "cursor":{"url":"","has_more":false,"next":"","limit":20}}`,
		},
		{
			"an account has its group id, though no message attaches it",
			"accounts/profiles/group_id:acme/external_ids",
			`{"data":[{"collection":"accounts","type":"group_id","id":"acme","encoding":"none"}],
			  "cursor":{"url":"","has_more":false,"next":"","limit":20}}`,
		},
		{
			"a visitor is kept under an anonymous id, which is no user id",
			"users/profiles/anonymous_id:browser-2/external_ids",
			`{"data":[{"collection":"users","type":"anonymous_id","id":"browser-2","encoding":"none"}],
			  "cursor":{"url":"","has_more":false,"next":"","limit":20}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := w.get(c.target)
			require.Equal(t, 200, status, body)
			require.JSONEq(t, c.want, body)
		})
	}
}

// live is audiences that are live.
type live []audience.Definition

func (l live) List() []audience.Definition { return l }

func TestAudiencesAreThoseOfTheSubject(t *testing.T) {
	w := newWorld(t, anyone{})
	audiences := live{
		audience.Define("of_accounts").OfAccounts(),
		audience.Define("of_both").OfAccounts().WithPerUser(),
		audience.Define("of_users"),
	}
	var err error
	w.api, err = profileapi.New(audiences, w.store, anyone{}, profileapi.Options{Clock: w.clock})
	require.NoError(t, err)
	for _, m := range []profile.Membership{
		{Audience: "of_accounts", Ref: profile.AccountRef("acme"), Since: noon},
		{Audience: "of_both", Ref: profile.UserRef("ann"), Since: noon},
	} {
		require.NoError(t, profile.Apply(context.Background(), w.store, noon, &profile.SetMember{Membership: m, Member: true}))
	}
	require.Equal(t, map[string]any{"of_accounts": true, "of_both": false},
		w.page("accounts/profiles/group_id:acme/traits?class=audience").Traits)
	require.Equal(t, map[string]any{"of_both": true, "of_users": false},
		w.page("users/profiles/user_id:ann/traits?class=audience").Traits)
}

func TestTraitsAreInTheOrderOfNames(t *testing.T) {
	w := newWorld(t, anyone{})
	_, body := w.get("users/profiles/user_id:ann/traits")
	require.Contains(t, body, `{"traits":{"big_spender":true,"email":"ann@x.io","plan":"pro","sleeper":false,"total_revenue":420},`)
}

func TestWhatIsDatedLaterIsThereWhenItsTimeComes(t *testing.T) {
	w := newWorld(t, anyone{})
	w.send(
		`{"type":"identify","userId":"bob","messageId":"f1","timestamp":"2026-03-01T13:00:00Z","traits":{"plan":"pro","secret":null}}`,
		`{"type":"track","userId":"bob","messageId":"f2","timestamp":"2026-03-01T13:00:00Z","event":"Login"}`,
	)
	const traits, events = "users/profiles/user_id:bob/traits?class=custom_trait", "users/profiles/user_id:bob/events"
	require.Equal(t, map[string]any{"secret": "of bob"}, w.page(traits).Traits)
	require.Empty(t, w.page(events).Data)

	w.clock.Set(noon.Add(time.Hour))
	require.Equal(t, map[string]any{"plan": "pro"}, w.page(traits).Traits)
	require.Len(t, w.page(events).Data, 1)
}

func TestWhatIsInTheStoreCountsThoughTheClockIsBehind(t *testing.T) {
	w := newWorld(t, anyone{})
	_, at, err := w.store.Position(context.Background())
	require.NoError(t, err)
	require.Equal(t, noon, at)
	late := noon.Add(time.Minute)
	event := profile.Event{Profile: "bob", Name: "Login", Time: late}
	require.NoError(t, profile.Apply(context.Background(), w.store, late, &profile.PutEvent{Event: event}))
	require.Len(t, w.page("users/profiles/user_id:bob/events").Data, 1)
}

func TestAnAudienceHidesACustomTraitOfItsName(t *testing.T) {
	w := newWorld(t, anyone{})
	w.send(`{"type":"identify","userId":"bob","messageId":"x","timestamp":"2026-03-01T10:00:00Z","traits":{"sleeper":"custom"}}`)
	require.Equal(t, true, w.page("users/profiles/user_id:bob/traits").Traits["sleeper"])
	require.NotContains(t, w.page("users/profiles/user_id:bob/traits?class=custom_trait").Traits, "sleeper")

	require.NoError(t, w.engine.DeleteAudience(context.Background(), "sleeper"))
	require.Equal(t, "custom", w.page("users/profiles/user_id:bob/traits").Traits["sleeper"])
}

// HEAD is GET without the body; every answer has these headers.
func TestHeaders(t *testing.T) {
	w := newWorld(t, anyone{})
	server := httptest.NewServer(w.api)
	defer server.Close()
	for _, target := range []string{"/v1/collections/users/profiles/user_id:ann/traits", "/v1/nothing"} {
		var lengths []int64
		for _, method := range []string{"GET", "HEAD"} {
			r, err := http.NewRequest(method, server.URL+target, nil)
			require.NoError(t, err)
			res, err := server.Client().Do(r)
			require.NoError(t, err)
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, method == "HEAD", len(body) == 0)
			require.Equal(t, "application/json; charset=utf-8", res.Header.Get("Content-Type"))
			require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
			require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
			lengths = append(lengths, res.ContentLength)
		}
		require.Positive(t, lengths[0])
		require.Equal(t, lengths[0], lengths[1])
	}
}

func TestAddressesAreThoseOfTheCallerBehindAMux(t *testing.T) {
	w := newWorld(t, anyone{})
	mux := http.NewServeMux()
	mux.Handle("/crm/", http.StripPrefix("/crm", w.api))
	w.api = mux
	rec := w.request("GET", "/crm/v1/collections/users/profiles/email:ann%40x.io/traits?limit=1")
	require.Equal(t, 200, rec.Code)
	require.Contains(t, rec.Body.String(), `"url":"/crm/v1/collections/users/profiles/email:ann%40x.io/traits?limit=1&next=`)

	// A request that came over no network has the address of its URL.
	r := httptest.NewRequest("GET", "/v1/collections/users/profiles/user_id:ann/traits?limit=1", nil)
	r.RequestURI = ""
	direct := httptest.NewRecorder()
	newWorld(t, anyone{}).api.ServeHTTP(direct, r)
	require.Contains(t, direct.Body.String(), `"url":"/v1/collections/users/profiles/user_id:ann/traits?limit=1&next=`)
}

func TestEndsOfPages(t *testing.T) {
	w := newWorld(t, anyone{})
	large := `"` + strings.Repeat("x", 200<<10) + `"`
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		w.send(`{"type":"identify","userId":"large","messageId":"` + name + `","timestamp":"2026-03-01T10:00:00Z","traits":{"` + name + `":` + large + `}}`)
	}
	p := w.page("users/profiles/user_id:large/traits?class=custom_trait")
	require.Len(t, p.Traits, 6, "a page ends where it has 1 MiB")
	require.True(t, p.Cursor.HasMore)
	p = w.page("users/profiles/user_id:large/traits?class=custom_trait&next=" + p.Cursor.Next)
	require.Len(t, p.Traits, 1)
	require.False(t, p.Cursor.HasMore)
}
