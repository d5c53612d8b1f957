package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func TestNewRefuses(t *testing.T) {
	keys := ingest.WriteKeys{"wk": ""}
	engine := newWorld(t, nil).engine
	for name, c := range map[string]struct {
		engine ingest.Engine
		opts   ingest.Options
	}{
		"no engine":                   {nil, ingest.Options{Authorizer: keys}},
		"no authorizer":               {engine, ingest.Options{}},
		"a limit below zero":          {engine, ingest.Options{Authorizer: keys, MaxMessage: -1}},
		"a message beyond the reader": {engine, ingest.Options{Authorizer: keys, MaxMessage: profile.MaxLine}},
		"no room for one batch":       {engine, ingest.Options{Authorizer: keys, MaxInFlight: 1000}},
		"an origin with a path":       {engine, ingest.Options{Authorizer: keys, Origins: []string{"https://a.example/"}}},
		"an origin without a scheme":  {engine, ingest.Options{Authorizer: keys, Origins: []string{"a.example"}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ingest.New(c.engine, c.opts)
			require.ErrorIs(t, err, profile.ErrInvalid)
		})
	}
}

func TestRoutesOfOneMessage(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct {
		paths []string
		body  string
		want  profile.MessageType
	}{
		{[]string{"/v1/identify", "/v1/i", "/v1/identify/"}, `{"userId":"ann","traits":{"plan":"pro"}}`, profile.Identify},
		{[]string{"/v1/track", "/v1/t", "/v1/t/"}, `{"userId":"ann","event":"E","type":"page"}`, profile.Track},
		{[]string{"/v1/page", "/v1/p"}, `{"userId":"ann","name":"Home"}`, profile.Page},
		{[]string{"/v1/screen", "/v1/s"}, `{"userId":"ann"}`, profile.Screen},
		{[]string{"/v1/group", "/v1/g"}, `{"userId":"ann","groupId":"acme"}`, profile.Group},
		{[]string{"/v1/alias", "/v1/a"}, `{"userId":"ann","previousId":"visitor"}`, profile.Alias},
	} {
		for _, path := range c.paths {
			w.must(path, c.body)
			m := w.last()
			w.Equal(c.want, m.Type, path)
			w.Equal("ann", m.UserID)
			w.Equal(noon, m.Time, "it has the time of its arrival")
			w.NotEmpty(m.MessageID)
		}
	}
}

func TestRoutesOfBatches(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/v1/batch", "/v1/import", "/v1/b", "/beacon/v1/batch", "/v1/batch/"} {
		before := len(w.messages)
		w.must(path, `{"batch":[{"type":"track","userId":"ann","event":"E"},{"type":"page","anonymousId":"a"}]}`)
		w.Len(w.messages, before+2, path)
		w.must(path, `{"batch":[]}`)
	}
}

func TestWriteKeys(t *testing.T) {
	w := newWorld(t, nil)
	const body = `{"userId":"ann","event":"E","context":{"source":"forged","page":{"path":"/"}}%s}`
	for name, c := range map[string]struct {
		basic, query, body string
		context            string // of the message; empty: 401
	}{
		"Basic auth":                 {basic: "wk", context: `{"page":{"path":"/"},"source":"web"}`},
		"the query":                  {query: "wk", context: `{"page":{"path":"/"},"source":"web"}`},
		"the body":                   {body: `"wk"`, context: `{"page":{"path":"/"},"source":"web"}`},
		"the header before the rest": {basic: "wk", query: "no", body: `"no"`, context: `{"page":{"path":"/"},"source":"web"}`},
		"a source without a name":    {body: `"other"`, context: `{"page":{"path":"/"},"source":"forged"}`},
		"none":                       {},
		"a wrong one":                {basic: "w"},
		"a longer one":               {query: "wk2"},
		"a wrong one in the body":    {body: `"no"`},
		"no text":                    {body: `{"wk":1}`},
		"a wrong header, right body": {basic: "no", body: `"wk"`},
	} {
		t.Run(name, func(t *testing.T) {
			path := "/v1/track"
			if c.query != "" {
				path += "?writeKey=" + c.query
			}
			text := ""
			if c.body != "" {
				text = `,"writeKey":` + c.body
			}
			r := httptest.NewRequest("POST", path, strings.NewReader(fmt.Sprintf(body, text)))
			if c.basic != "" {
				r.SetBasicAuth(c.basic, "ignored")
			}
			before := len(w.messages)
			a := w.do(r)
			if c.context == "" {
				require.Equal(t, http.StatusUnauthorized, a.Status)
				require.Equal(t, "unauthenticated", a.Error.Code)
				require.Equal(t, `Basic realm="write key"`, a.Header.Get("WWW-Authenticate"))
				require.Len(t, w.messages, before)
				return
			}
			require.Equal(t, http.StatusOK, a.Status, a.Body)
			require.Equal(t, c.context, w.last().Context.String())
		})
	}
}

// Whoever has no key sends no body: it is not read.
func TestABodyWithAWrongKeyIsNotRead(t *testing.T) {
	w := newWorld(t, nil)
	r := httptest.NewRequest("POST", "/v1/batch", slow{}) // a read would never end
	r.SetBasicAuth("no", "")
	w.Equal(http.StatusUnauthorized, w.do(r).Status)
}

func TestAnAuthorizerThatCannotSay(t *testing.T) {
	w := newWorld(t, func(o *ingest.Options) {
		o.Authorizer = ingest.AuthorizerFunc(func(*http.Request, string) (ingest.Source, error) { return ingest.Source{}, errDown })
		o.RetryAfter = 1500 * time.Millisecond
	})
	a := w.post("/v1/track", `{}`)
	w.Equal(http.StatusServiceUnavailable, a.Status)
	w.Equal("2", a.Header.Get("Retry-After"))
	w.NotContains(a.Body, errDown.Error())
	w.Len(w.errs, 1)
	w.ErrorIs(w.errs[0], errDown)
	w.EqualValues(1, w.handler.Stats().Failed)
}

// What the engine cannot take is to be sent again.
func TestAnEngineThatFails(t *testing.T) {
	for _, fail := range []error{errDown, profile.ErrClosed, audience.ErrClockJump, context.DeadlineExceeded} {
		w := newWorld(t, nil)
		w.fail = fail
		a := w.post("/v1/batch", `{"batch":[{"type":"trac"},{"type":"track","userId":"ann","event":"E","messageId":"m"}]}`)
		w.Equal(http.StatusServiceUnavailable, a.Status)
		w.Equal("unavailable", a.Error.Code)
		w.Equal("1", a.Header.Get("Retry-After"))
		w.ErrorIs(w.errs[0], fail)
		w.Empty(w.rejected, "it comes again")
		w.Equal(ingest.Stats{Failed: 1}, w.handler.Stats())
	}
}

// A page that is left does not wait for the answer.
func TestWhatWasReadIsTakenThoughTheSenderIsGone(t *testing.T) {
	w := newWorld(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := httptest.NewRequest("POST", "/v1/t?writeKey=wk", strings.NewReader(`{"userId":"ann","event":"E"}`))
	w.Equal(http.StatusOK, w.do(r.WithContext(ctx)).Status)
	w.Equal("E", w.last().Name)
}

// What the libraries for browsers and phones ask for before they send.
func TestSettings(t *testing.T) {
	w := newWorld(t, nil)
	get := func(path, key string, header ...string) answer {
		r := httptest.NewRequest("GET", path, nil)
		if key != "" {
			r.SetBasicAuth(key, "")
		}
		if len(header) > 0 {
			r.Header.Set(header[0], header[1])
		}
		return w.do(r)
	}
	for path, key := range map[string]string{"/v1/projects/wk/settings": "", "/v1/projects/wk/settings/": ""} {
		a := get(path, key)
		w.Equal(http.StatusOK, a.Status)
		w.Contains(a.Body, `"Segment.io":{"apiHost":"example.com/v1","apiKey":"wk","protocol":"http"}`)
	}
	w.Contains(get("/v1/projects/wk/settings", "", "X-Forwarded-Proto", "https").Body, `"protocol":"https"`)
	for _, a := range []answer{get("/sourceConfig/", "wk"), get("/sourceConfig?writeKey=wk", "")} {
		w.Equal(http.StatusOK, a.Status)
		w.Contains(a.Body, `"enabled":true,"id":"wk","name":"web"`)
		w.Contains(a.Body, `"destinations":[]`)
	}
	w.Equal(http.StatusUnauthorized, get("/v1/projects/no/settings", "").Status)
	w.Equal(http.StatusUnauthorized, get("/v1/projects//settings", "").Status)
	w.Equal(http.StatusUnauthorized, get("/sourceConfig", "no").Status)
	w.Equal(http.StatusNotFound, get("/v1/projects/wk", "").Status)
	w.Equal(http.StatusNotFound, get("/v1/projects/wk/settings/x", "").Status)
	a := w.post("/sourceConfig", "")
	w.Equal(http.StatusMethodNotAllowed, a.Status)
	w.Equal("GET", a.Header.Get("Allow"))
	w.Empty(w.messages)
}

func TestOtherRequests(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "/v1/trac", "", 404, "not_found"},
		{"GET", "/v1/track", "", 405, "method_not_allowed"},
		{"OPTIONS", "/v1/track", "", 405, "method_not_allowed"},
		{"POST", "/v1/trac", "{}", 404, "not_found"},
		{"POST", "/", "{}", 404, "not_found"},
		{"POST", "/v1/track//", "{}", 404, "not_found"},
		{"POST", "/v1/track", "", 400, "invalid_request"},
		{"POST", "/v1/track", "[]", 400, "invalid_request"},
		{"POST", "/v1/track", `{"userId":"ann"`, 400, "invalid_request"},
		{"POST", "/v1/track", `{"userId":"ann"}}`, 400, "invalid_request"},
		{"POST", "/v1/track", `{"userId":"ann}`, 400, "invalid_request"},
		{"POST", "/v1/batch", "{}", 400, "invalid_request"},
		{"POST", "/v1/batch", `{"batch":{}}`, 400, "invalid_request"},
		{"POST", "/v1/batch", `{"batch":[1,]`, 400, "invalid_request"},
	} {
		r := httptest.NewRequest(c.method, c.path+"?writeKey=wk", strings.NewReader(c.body))
		a := w.do(r)
		w.Equal(c.status, a.Status, "%+v: %s", c, a.Body)
		w.Equal(c.code, a.Error.Code, "%+v", c)
		w.Equal(c.status == 405, a.Header.Get("Allow") == "POST")
		w.Empty(a.Header.Get("Retry-After"))
	}
	w.EqualValues(14, w.handler.Stats().Invalid)
	w.Empty(w.messages)
}

func TestSentinels(t *testing.T) {
	_, err := ingest.WriteKeys{"wk": "web"}.Authorize(nil, "no")
	require.True(t, errors.Is(err, ingest.ErrWriteKey))
}
