package ingest_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func TestBodiesMayBeCompressed(t *testing.T) {
	w := newWorld(t, func(o *ingest.Options) { o.MaxBatch, o.MaxMessage = 1000, 900 })
	const body = `{"userId":"ann","event":"E"}`
	whole := zip(t, []byte(body))
	// Beyond the limit when it is inflated, and before.
	bomb := zip(t, bytes.Repeat([]byte(" "), 1001))
	stored := append(zip(t, []byte(strings.Repeat(" ", 200))), bytes.Repeat([]byte{0}, 1000)...)
	exact := zip(t, []byte(body+strings.Repeat(" ", 1000-len(body))))
	for name, c := range map[string]struct {
		encoding string
		body     []byte
		status   int
	}{
		"as it is":             {"", []byte(body), 200},
		"identity":             {"identity", []byte(body), 200},
		"gzip":                 {"gzip", whole, 200},
		"GZIP":                 {"GZIP", whole, 200},
		"a byte order mark":    {"", []byte("\ufeff" + body), 200},
		"in two members":       {"gzip", append(zip(t, []byte(body[:9])), zip(t, []byte(body[9:]))...), 200},
		"exactly the limit":    {"gzip", exact, 200},
		"no gzip":              {"gzip", []byte(body), 400},
		"cut off":              {"gzip", whole[:len(whole)-6], 400},
		"a wrong sum":          {"gzip", append(bytes.Clone(whole[:len(whole)-8]), 0, 0, 0, 0, 0, 0, 0, 0), 400},
		"empty":                {"gzip", nil, 400},
		"large when inflated":  {"gzip", bomb, 413},
		"large as it comes":    {"gzip", stored, 413},
		"large, not inflated":  {"", bytes.Repeat([]byte(" "), 1001), 413},
		"another encoding":     {"br", []byte(body), 415},
		"one after the other":  {"gzip, gzip", whole, 415},
		"large without length": {"chunked", bytes.Repeat([]byte(" "), 1001), 413},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/v1/track?writeKey=wk", bytes.NewReader(c.body))
			if c.encoding == "chunked" {
				r.ContentLength = -1
			} else if c.encoding != "" {
				r.Header.Set("Content-Encoding", c.encoding)
			}
			a := w.do(r)
			require.Equal(t, c.status, a.Status, a.Body)
		})
	}
	w.Zero(w.handler.Stats().InFlight)
}

// Whoever sends too much is told, and the connection goes on. One that was cut off would
// send the same again.
func TestABodyThatIsTooLargeIsAnswered(t *testing.T) {
	w := newWorld(t, nil)
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(w.handler)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	large := strings.Repeat(" ", 4<<20)
	for _, body := range []io.Reader{strings.NewReader(large), io.MultiReader(strings.NewReader(large)), strings.NewReader(`{"batch":[]}`)} {
		res, err := server.Client().Post(server.URL+"/v1/batch?writeKey=wk", "application/json", body)
		w.NoError(err)
		_, err = io.Copy(io.Discard, res.Body)
		w.NoError(err)
		w.NoError(res.Body.Close())
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			w.Equal(http.StatusOK, res.StatusCode)
		}
	}
	w.EqualValues(2, w.handler.Stats().Invalid)
	w.EqualValues(1, connections.Load())
}

func TestBeaconsAreText(t *testing.T) {
	w := newWorld(t, nil)
	for _, typ := range []string{"text/plain;charset=UTF-8", "application/json", "", "application/octet-stream"} {
		r := httptest.NewRequest("POST", "/beacon/v1/batch?writeKey=wk", strings.NewReader(`{"batch":[{"type":"page","anonymousId":"a"}]}`))
		r.Header.Set("Content-Type", typ)
		w.Equal(http.StatusOK, w.do(r).Status, typ)
	}
	w.Len(w.messages, 4)
}

func TestABodyThatBreaksOff(t *testing.T) {
	w := newWorld(t, nil)
	body := io.MultiReader(strings.NewReader(`{"batch":[`), failing{})
	r := httptest.NewRequest("POST", "/v1/batch?writeKey=wk", body)
	a := w.do(r)
	w.Equal(http.StatusRequestTimeout, a.Status)
	w.Equal("incomplete", a.Error.Code)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Beyond the limit of bytes in flight nothing is read, and when there is room again it is.
func TestBytesInFlight(t *testing.T) {
	w := newWorld(t, func(o *ingest.Options) { o.MaxBatch, o.MaxMessage, o.MaxInFlight = 1000, 900, 1999 })
	body := slow{strings.NewReader(`{"batch":[]}`), make(chan struct{})}
	first := httptest.NewRequest("POST", "/v1/batch?writeKey=wk", body) // of a length that is not said
	done := make(chan answer)
	go func() { done <- w.do(first) }()
	w.Eventually(func() bool { return w.handler.Stats().InFlight == 1000 }, eventually, tick)

	second := httptest.NewRequest("POST", "/v1/batch?writeKey=wk", slow{})
	a := w.do(second)
	w.Equal(http.StatusTooManyRequests, a.Status)
	w.Equal("too_many", a.Error.Code)
	w.Equal("1", a.Header.Get("Retry-After"))
	w.must("/v1/batch", `{"batch":[]}`) // a short one has room

	close(body.read)
	w.Equal(http.StatusOK, (<-done).Status)
	w.must("/v1/batch", `{"batch":[`+strings.Repeat(" ", 900)+`]}`)
	w.Equal(ingest.Stats{Limited: 1}, w.handler.Stats())
}

// The context of a batch is stored with each of its messages: a small body must not make
// a large store.
func TestABatchMustNotMultiplyItsContext(t *testing.T) {
	w := newWorld(t, nil)
	body := func(context, messages int) string {
		return `{"context":{"x":"` + strings.Repeat("x", context) + `"},"batch":[` +
			strings.TrimSuffix(strings.Repeat(`{"type":"track","userId":"a","event":"E"},`, messages), ",") + `]}`
	}
	w.Equal(http.StatusRequestEntityTooLarge, w.post("/v1/batch", body(200<<10, 30)).Status)
	w.must("/v1/batch", body(200<<10, 20))
	w.must("/v1/batch", body(2000, 1000))
}

// failingProfiles cannot find anything.
type failingProfiles struct{}

func (failingProfiles) Find(context.Context, profile.Subject, profile.ExternalID) ([]string, error) {
	return nil, errDown
}

func (failingProfiles) Known(context.Context, string) (bool, error) { return false, errDown }
