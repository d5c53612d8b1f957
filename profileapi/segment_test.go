package profileapi_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/profileapi"
	"github.com/stretchr/testify/require"
)

// What Segment's documentation of its Profile API says that this package does as well, as
// its package comment lists it.

func TestSpaces(t *testing.T) {
	var asked []string
	w := newWorld(t, recorder{&asked})
	rec := w.request("GET", "/v1/spaces/my%2Fspace/collections/users/profiles/user_id:ann/traits?limit=1")
	require.Equal(t, 200, rec.Code, rec.Body)
	require.Contains(t, rec.Body.String(), `"url":"/v1/spaces/my%2Fspace/collections/users/profiles/user_id:ann/traits?limit=1&next=`)
	require.Equal(t, "{my/space user {user_id ann} traits}", asked[0])
	for _, path := range []string{"/v1/spaces/", "/v1/spaces//collections/users/profiles/user_id:ann/traits", "/v1/spaces/s/users/profiles/user_id:ann/traits"} {
		require.Equal(t, 404, w.request("GET", path).Code, path)
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t, profileapi.Tokens{"s3cret", "", "other"})
	for name, c := range map[string]struct {
		basic, header string
		status        int
	}{
		"Basic, as Segment's clients": {basic: "s3cret", status: 200},
		"another token":               {basic: "other", status: 200},
		"Bearer":                      {header: "Bearer s3cret", status: 200},
		"in lower case":               {header: "bearer s3cret", status: 200},
		"none":                        {status: 401},
		"an empty one":                {header: "Bearer ", status: 401},
		"an empty user":               {header: "Basic Og==", status: 401},
		"a wrong one":                 {basic: "s3cre", status: 401},
		"another scheme":              {header: "Digest s3cret", status: 401},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/v1/collections/users/profiles/user_id:ann/traits", nil)
			if c.header != "" {
				r.Header.Set("Authorization", c.header)
			}
			if c.basic != "" {
				r.SetBasicAuth(c.basic, "")
			}
			rec := httptest.NewRecorder()
			w.api.ServeHTTP(rec, r)
			require.Equal(t, c.status, rec.Code)
		})
	}
}

// A client that follows url until it is empty reads all, and ends.
func TestAClientThatFollowsURLs(t *testing.T) {
	w := newWorld(t, anyone{})
	for list, want := range map[string]int{"traits": 5, "events": 3, "external_ids": 3, "links": 1} {
		n := 0
		for target := "/v1/spaces/s/collections/users/profiles/user_id:ann/" + list + "?limit=2"; target != ""; {
			rec := w.request("GET", target)
			require.Equal(t, http.StatusOK, rec.Code, rec.Body)
			p := decode(t, rec.Body.String())
			n += len(p.Traits) + len(p.Data)
			require.Equal(t, p.Cursor.HasMore, p.Cursor.URL != "")
			target = p.Cursor.URL
		}
		require.Equal(t, want, n, list)
	}
}

func TestVerboseTraits(t *testing.T) {
	w := newWorld(t, anyone{})
	status, body := w.get("users/profiles/user_id:ann/traits?verbose=true")
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"traits":{
		"big_spender":{"value":true,"updated_at":"2026-03-01T12:00:00Z"},
		"email":{"value":"ann@x.io","updated_at":"2026-03-01T10:00:00Z"},
		"plan":{"value":"pro","updated_at":"2026-03-01T10:00:00Z"},
		"sleeper":{"value":false,"updated_at":null},
		"total_revenue":{"value":420,"updated_at":"2026-03-01T12:00:00Z"}},
		"cursor":{"url":"","has_more":false,"next":"","limit":20}}`, body)
	_, plain := w.get("users/profiles/user_id:ann/traits?verbose=false")
	require.Contains(t, plain, `"plan":"pro"`)
	// It stays on the next page.
	p := w.page("users/profiles/user_id:ann/traits?verbose=true&limit=1")
	require.Contains(t, p.Cursor.URL, "verbose=true")
}

func TestLinks(t *testing.T) {
	w := newWorld(t, anyone{})
	status, body := w.get("users/profiles/user_id:ann/links")
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"data":[{"to_collection":"accounts","external_ids":[
		{"collection":"accounts","type":"group_id","id":"acme","encoding":"none"}]}],
		"cursor":{"url":"","has_more":false,"next":"","limit":20}}`, body)
	status, body = w.get("accounts/profiles/group_id:acme/links?limit=1")
	require.Equal(t, 200, status)
	require.Contains(t, body, `{"data":[{"to_collection":"users","external_ids":[`+
		`{"collection":"users","type":"anonymous_id","id":"browser-1","encoding":"none"},`+
		`{"collection":"users","type":"email","id":"ann@x.io","encoding":"none"},`+
		`{"collection":"users","type":"user_id","id":"ann","encoding":"none"}]}]`)
	of := func(item map[string]any) string { return fmt.Sprint(item["external_ids"]) }
	require.Len(t, w.all("accounts/profiles/group_id:acme/links?limit=1", func() {}, of), 2)
	require.Empty(t, w.page("users/profiles/anonymous_id:browser-2/links").Data)
}

// half lets everybody read all users but one.
type half struct {
	anyone
	not string
	err error
}

func (h half) AuthorizeProfile(_ *http.Request, _ profileapi.Access, ref profile.Ref) error {
	if ref.ID == h.not {
		return h.err
	}
	return nil
}

func TestLinksThatMayNotBeRead(t *testing.T) {
	w := newWorld(t, half{not: "ann", err: profileapi.ErrForbidden})
	p := w.page("accounts/profiles/group_id:acme/links")
	require.Len(t, p.Data, 1)
	require.Contains(t, fmt.Sprint(p.Data[0]), "bob")

	w = newWorld(t, half{not: "ann", err: errPolicy})
	status, _ := w.get("accounts/profiles/group_id:acme/links")
	require.Equal(t, 500, status)
	require.ErrorIs(t, w.errs[0], errPolicy)
}

func TestMetadata(t *testing.T) {
	w := newWorld(t, anyone{})
	w.send(`{"type":"track","userId":"ann","messageId":"m9","timestamp":"2026-03-01T11:59:00Z","event":"Login","context":{"source":"web"}}`,
		`{"type":"track","userId":"ann","messageId":"later","timestamp":"2026-03-01T13:00:00Z","event":"Login"}`)
	for target, want := range map[string]string{
		"users/profiles/user_id:ann/metadata?verbose=true": `{"created_at":"2026-03-01T09:00:00Z","updated_at":"2026-03-01T11:59:00Z","expires_at":null,
			"first_message_id":"m0","first_source_id":null,"last_message_id":"m9","last_source_id":"web"}`,
		"users/profiles/user_id:bob/metadata": `{"created_at":"2026-03-01T10:00:00Z","updated_at":"2026-03-01T10:00:00Z","expires_at":null,
			"first_message_id":"m6","first_source_id":null,"last_message_id":"m6","last_source_id":null}`,
		"accounts/profiles/group_id:acme/metadata": `{"created_at":"2026-03-01T10:00:00Z","updated_at":"2026-03-01T11:30:00Z","expires_at":null,
			"first_message_id":"m2","first_source_id":null,"last_message_id":"m4","last_source_id":null}`,
	} {
		status, body := w.get(target)
		require.Equal(t, 200, status, body)
		require.JSONEq(t, `{"metadata":`+want+`}`, body, target)
	}
	// One of which there is nothing but an account.
	w.send(`{"type":"group","userId":"eve","groupId":"empty","messageId":"g","timestamp":"2026-03-01T10:00:00Z"}`)
	_, body := w.get("users/profiles/user_id:eve/metadata")
	require.Contains(t, body, `"created_at":null,"updated_at":null`)
	status, body := w.get("users/profiles/user_id:ann/metadata?limit=1")
	require.Equal(t, 400, status, body)
}

func TestEventsOfASpanOfTime(t *testing.T) {
	w := newWorld(t, anyone{})
	for name, c := range map[string]struct {
		query string
		want  []string
	}{
		"all":                 {"", []string{"m4", "m3", "m0"}},
		"from the first":      {"sort=asc", []string{"m0", "m3", "m4"}},
		"from the last":       {"sort=desc", []string{"m4", "m3", "m0"}},
		"start is within":     {"start=2026-03-01T11:00:00Z", []string{"m4", "m3"}},
		"end is not":          {"end=2026-03-01T11:30:00Z", []string{"m3", "m0"}},
		"a time in between":   {"start=2026-03-01T09:00:01Z&end=2026-03-01T11:29:59Z", []string{"m3"}},
		"dates":               {"start=2026-03-01&end=2026-03-02", []string{"m4", "m3", "m0"}},
		"nothing":             {"start=2026-03-02", nil},
		"an end before":       {"start=2026-03-01T11:00:00Z&end=2026-03-01T10:00:00Z&sort=asc", nil},
		"without some":        {"exclude=Page+Viewed,Nothing", []string{"m4", "m3"}},
		"with, then without":  {"include=Page+Viewed,Report+Read&exclude=Page+Viewed&exclude=Other", []string{"m4"}},
		"all of it, in order": {"sort=asc&start=2026-03-01T09:00:00Z&end=2026-03-01T11:30:00Z&exclude=Order+Completed", []string{"m0"}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, w.all("users/profiles/user_id:ann/events?limit=1&"+c.query, func() {}, messageID))
		})
	}
	for _, query := range []string{"sort=up", "start=yesterday", "end=", "verbose=1", "exclude=", "start=2026-01-01&start=2026-01-01"} {
		status, body := w.get("users/profiles/user_id:ann/events?" + query)
		require.Equal(t, 400, status, query)
		require.Equal(t, "invalid_request", errorCode(t, body))
	}
}

// Pages in either order, over spans of any length, hold the same events.
func TestPagesOfEventsInBothOrders(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	for _, span := range []time.Duration{time.Minute, 400 * profile.Day, 100 * 365 * profile.Day} {
		w := newWorld(t, anyone{})
		ids := w.history(rnd, "u", 300, span)
		start, end := noon.Add(-span/4*3).Format(time.RFC3339Nano), noon.Add(-span/4).Format(time.RFC3339Nano)
		for _, limit := range []int{1, 7, 200} {
			target := fmt.Sprintf("users/profiles/user_id:u/events?limit=%d", limit)
			ascending := slices.Clone(ids)
			slices.Reverse(ascending)
			require.Equal(t, ascending, w.all(target+"&sort=asc", func() {}, messageID), "limit %d, span %s", limit, span)
			within := target + "&start=" + start + "&end=" + end
			some := w.all(within, func() {}, messageID)
			require.NotEmpty(t, some)
			require.Less(t, len(some), len(ids))
			at := slices.Index(ids, some[0])
			require.Equal(t, ids[at:at+len(some)], some)
			slices.Reverse(some)
			require.Equal(t, some, w.all(within+"&sort=asc", func() {}, messageID))
		}
	}
}

func decode(t testing.TB, body string) (p page) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(body), &p))
	return p
}
