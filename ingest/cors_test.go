package ingest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/muster-go/muster/ingest"
	"github.com/stretchr/testify/require"
)

func TestWebPages(t *testing.T) {
	for name, c := range map[string]struct {
		origins []string
		origin  string
		allowed bool
		headers bool // that let the page read the answer
	}{
		"a program":                  {nil, "", true, false},
		"a page of the server":       {nil, "http://example.com", true, false},
		"another, none is allowed":   {nil, "https://shop.example", false, false},
		"one that is allowed":        {[]string{"https://shop.example"}, "https://shop.example", true, true},
		"another port":               {[]string{"https://shop.example"}, "https://shop.example:8443", false, false},
		"another scheme":             {[]string{"https://shop.example"}, "http://shop.example", false, false},
		"all are":                    {[]string{"*"}, "https://a.example", true, true},
		"a page without an origin":   {[]string{"https://shop.example"}, "null", false, false},
		"a page of a host like this": {nil, "http://example.com.evil", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *ingest.Options) { o.Origins = c.origins })
			preflight := httptest.NewRequest("OPTIONS", "/v1/t", nil)
			preflight.Header.Set("Access-Control-Request-Method", "POST")
			preflight.Header.Set("Access-Control-Request-Headers", "authorization,content-type,anonymousid")
			preflight.Header.Set("Access-Control-Request-Private-Network", "true")
			post := httptest.NewRequest("POST", "/v1/t?writeKey=wk", strings.NewReader(`{"userId":"ann","event":"E"}`))
			if c.origin != "" {
				preflight.Header.Set("Origin", c.origin)
				post.Header.Set("Origin", c.origin)
			}
			a := w.do(post)
			require.Equal(t, "Origin", a.Header.Get("Vary"))
			if !c.allowed {
				require.Equal(t, http.StatusForbidden, a.Status)
				require.Equal(t, http.StatusForbidden, w.do(preflight).Status)
				require.Empty(t, a.Header.Get("Access-Control-Allow-Origin"))
				return
			}
			require.Equal(t, http.StatusOK, a.Status)
			if !c.headers {
				require.Empty(t, a.Header.Get("Access-Control-Allow-Origin"))
				return
			}
			require.Equal(t, c.origin, a.Header.Get("Access-Control-Allow-Origin"))
			require.Equal(t, "Retry-After", a.Header.Get("Access-Control-Expose-Headers"))
			a = w.do(preflight)
			require.Equal(t, http.StatusNoContent, a.Status)
			for name, want := range map[string]string{
				"Access-Control-Allow-Origin":          c.origin,
				"Access-Control-Allow-Methods":         "POST",
				"Access-Control-Allow-Headers":         "authorization,content-type,anonymousid",
				"Access-Control-Allow-Private-Network": "true",
				"Access-Control-Allow-Credentials":     "true",
			} {
				require.Equal(t, want, a.Header.Get(name), name)
			}
			require.Len(t, w.messages, 1, "a preflight sends nothing")
		})
	}
}

// An error is told to a page that is allowed, but never makes its browser ask for a
// password.
func TestErrorsForWebPages(t *testing.T) {
	w := newWorld(t, func(o *ingest.Options) { o.Origins = []string{"*"} })
	r := httptest.NewRequest("POST", "/v1/t?writeKey=no", strings.NewReader(`{}`))
	r.Header.Set("Origin", "https://a.example")
	a := w.do(r)
	w.Equal(http.StatusUnauthorized, a.Status)
	w.Equal("https://a.example", a.Header.Get("Access-Control-Allow-Origin"))
	w.Empty(a.Header.Get("WWW-Authenticate"))
}
