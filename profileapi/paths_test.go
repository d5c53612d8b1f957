package profileapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func TestPathsAndParameters(t *testing.T) {
	w := newWorld(t, anyone{})
	long := strings.Repeat("x", profile.MaxID)
	for _, c := range []struct {
		name, method, target string
		status               int
		code                 string // of the error
	}{
		{"a page", "GET", "/v1/collections/users/profiles/user_id:ann/traits", 200, ""},
		{"its head", "HEAD", "/v1/collections/users/profiles/user_id:ann/traits", 200, ""},
		{"read-only", "POST", "/v1/collections/users/profiles/user_id:ann/traits", 405, "method_not_allowed"},
		{"no preflight", "OPTIONS", "/v1/collections/users/profiles/user_id:ann/traits", 405, "method_not_allowed"},

		{"unknown user", "GET", "/v1/collections/users/profiles/user_id:eve/traits", 404, "not_found"},
		{"unknown email", "GET", "/v1/collections/users/profiles/email:eve@x.io/events", 404, "not_found"},
		{"ids are exact", "GET", "/v1/collections/users/profiles/user_id:Ann/traits", 404, "not_found"},
		{"an account is no user", "GET", "/v1/collections/users/profiles/user_id:acme/traits", 404, "not_found"},
		{"a user is no account", "GET", "/v1/collections/accounts/profiles/group_id:ann/traits", 404, "not_found"},
		{"a user's id as another type", "GET", "/v1/collections/users/profiles/email:ann/traits", 404, "not_found"},
		{"group_id is no type of users", "GET", "/v1/collections/users/profiles/group_id:acme/traits", 404, "not_found"},

		{"root", "GET", "/", 404, "not_found"},
		{"no collection", "GET", "/v1/collections", 404, "not_found"},
		{"another collection", "GET", "/v1/collections/robots/profiles/user_id:ann/traits", 404, "not_found"},
		{"no list", "GET", "/v1/collections/users/profiles/user_id:ann", 404, "not_found"},
		{"another list", "GET", "/v1/collections/users/profiles/user_id:ann/friends", 404, "not_found"},
		{"a slash more", "GET", "/v1/collections/users/profiles/user_id:ann/traits/", 404, "not_found"},
		{"another version", "GET", "/v2/collections/users/profiles/user_id:ann/traits", 404, "not_found"},
		{"method of what there is none of", "POST", "/v1/nothing", 404, "not_found"},

		{"no type", "GET", "/v1/collections/users/profiles/ann/traits", 400, "invalid_request"},
		{"empty type", "GET", "/v1/collections/users/profiles/:ann/traits", 400, "invalid_request"},
		{"empty id", "GET", "/v1/collections/users/profiles/user_id:/traits", 400, "invalid_request"},
		{"nothing", "GET", "/v1/collections/users/profiles//traits", 400, "invalid_request"},
		{"not UTF-8", "GET", "/v1/collections/users/profiles/user_id:%ff/traits", 400, "invalid_request"},
		{"longest id", "GET", "/v1/collections/users/profiles/user_id:" + long + "/traits", 404, "not_found"},
		{"longer id", "GET", "/v1/collections/users/profiles/user_id:x" + long + "/traits", 400, "invalid_request"},
		{"longest id and type, escaped", "GET", "/v1/collections/users/profiles/" + strings.Repeat("%78", profile.MaxID) + ":" + strings.Repeat("%78", profile.MaxID) + "/traits", 404, "not_found"},
		{"path too long", "GET", "/v1/collections/users/profiles/user_id:" + strings.Repeat("x", 8<<10) + "/traits", 414, "uri_too_long"},
		{"query too long", "GET", "/v1/collections/users/profiles/user_id:ann/traits?include=" + strings.Repeat("x", 16<<10), 414, "uri_too_long"},

		{"largest page", "GET", "/v1/collections/users/profiles/user_id:ann/traits?limit=200", 200, ""},
		{"larger page", "GET", "/v1/collections/users/profiles/user_id:ann/traits?limit=201", 400, "invalid_request"},
		{"empty page", "GET", "/v1/collections/users/profiles/user_id:ann/traits?limit=0", 400, "invalid_request"},
		{"negative page", "GET", "/v1/collections/users/profiles/user_id:ann/traits?limit=-1", 400, "invalid_request"},
		{"no number", "GET", "/v1/collections/users/profiles/user_id:ann/traits?limit=ten", 400, "invalid_request"},
		{"limit twice", "GET", "/v1/collections/users/profiles/user_id:ann/traits?limit=1&limit=2", 400, "invalid_request"},
		{"another class", "GET", "/v1/collections/users/profiles/user_id:ann/traits?class=trait", 400, "invalid_request"},
		{"class of events", "GET", "/v1/collections/users/profiles/user_id:ann/events?class=audience", 400, "invalid_request"},
		{"empty name", "GET", "/v1/collections/users/profiles/user_id:ann/traits?include=plan,", 400, "invalid_request"},
		{"unknown parameter", "GET", "/v1/collections/users/profiles/user_id:ann/events?begin=2018-01-02", 400, "invalid_request"},
		{"malformed escape", "GET", "/v1/collections/users/profiles/user_id:ann/traits?include=%zz", 400, "invalid_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := w.request(c.method, c.target)
			require.Equal(t, c.status, rec.Code, rec.Body)
			if c.code != "" && c.method != "HEAD" {
				require.Equal(t, c.code, errorCode(t, rec.Body.String()))
			}
			if c.status == 405 {
				require.Equal(t, "GET, HEAD", rec.Header().Get("Allow"))
			}
		})
	}
}

// Ids may hold anything, and come escaped as this or that client does it. Also
// behind a ServeMux, which cleans paths.
func TestIDsOfAnyText(t *testing.T) {
	w := newWorld(t, anyone{})
	mux := http.NewServeMux()
	mux.Handle("/v1/", w.api)
	w.api = mux
	for _, id := range []string{
		"a/b", "/", "//", "..", ".", "../..", "a:b:c", ":", "100%", "%2F", "a b", "a+b", "a?b#c", "a;b&c=d", "日本", "é", "\x00", "\n", `"\`, "traits",
	} {
		require.NoError(t, w.engine.Identify(context.Background(), audience.Identify{
			Profile: id, IDs: []profile.ExternalID{{Type: "my:type/x", Value: id}}, Time: noon,
		}))
		all := func(text string) string { // as encodeURIComponent does
			return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
		}
		everything := func(text string) string {
			var b strings.Builder
			for _, c := range []byte(text) {
				b.WriteString("%" + string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]))
			}
			return b.String()
		}
		for _, path := range []string{
			"user_id:" + url.PathEscape(id),
			"user_id:" + all(id),
			all("user_id:" + id),
			everything("user_id:" + id),
			all("my:type/x") + ":" + all(id), // the first colon that is not escaped ends the type
		} {
			status, body := w.get("users/profiles/" + path + "/external_ids?include=user_id")
			require.Equal(t, 200, status, "%q as %s: %s", id, path, body)
			var p page
			require.NoError(t, json.Unmarshal([]byte(body), &p))
			require.Equal(t, id, p.Data[0]["id"], path)
		}
	}
}

// A name with a comma is asked for with a backslash before it.
func TestIncludeOfNamesWithCommas(t *testing.T) {
	w := newWorld(t, anyone{})
	for _, name := range []string{"Signed Up, Paid", `C:\`, "Signed Up"} {
		w.track("bob", name, name, noon)
	}
	for _, c := range []struct {
		include []string
		want    []string
	}{
		{[]string{`Signed Up\, Paid`}, []string{"Signed Up, Paid"}},
		{[]string{`Signed Up, Paid`}, []string{"Signed Up"}},
		{[]string{`C:\\,Signed Up`}, []string{"Signed Up", `C:\`}},
		{[]string{`C:\\`, `Signed Up\, Paid`}, []string{`C:\`, "Signed Up, Paid"}},
		{[]string{`C:\`}, []string{`C:\`}}, // a backslash at the end is itself
	} {
		target := "users/profiles/user_id:bob/events?limit=1&" + url.Values{"include": c.include}.Encode()
		// The address of the next page says the same.
		require.Equal(t, c.want, w.all(target, func() {}, messageID))
	}
}
