package ingest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is an engine with its API. It is itself the engine that the handler has: it keeps
// what it is given, and fails if it is told to.
type world struct {
	*require.Assertions
	t       testing.TB
	clock   *audience.ManualClock
	store   *profile.MemStore
	engine  *audience.Engine
	handler *ingest.Handler

	mu       sync.Mutex
	messages []profile.Message
	rejected []ingest.Rejection
	errs     []error // told to OnError
	fail     error   // of the engine
}

// newWorld has a computed trait "spent", a store that keeps events for a year, and a
// write key "wk" of the source "web".
func newWorld(t testing.TB, with func(*ingest.Options)) *world {
	w := &world{Assertions: require.New(t), t: t, clock: audience.NewManualClock(noon), store: profile.NewMemStore(profile.WithRetention(365 * profile.Day))}
	var err error
	w.engine, err = audience.New(context.Background(), w.store, audience.Options{Clock: w.clock})
	w.NoError(err)
	t.Cleanup(func() { w.NoError(w.engine.Close()) })
	w.NoError(w.engine.CreateTraits(context.Background(), trait.Sum("spent", "Order Completed", "total").Within(30*profile.Day)))
	opts := ingest.Options{
		Authorizer: ingest.WriteKeys{"wk": "web", "other": ""},
		Clock:      w.clock,
		Profiles:   w.store,
		OnReject: func(r ingest.Rejection) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.rejected = append(w.rejected, r)
		},
		OnError: func(_ *http.Request, err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.errs = append(w.errs, err)
		},
	}
	if with != nil {
		with(&opts)
	}
	w.handler, err = ingest.New(w, opts)
	w.NoError(err)
	return w
}

func (w *world) ApplyEach(ctx context.Context, messages ...profile.Message) ([]*audience.MessageError, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return nil, w.fail
	}
	w.messages = append(w.messages, messages...)
	return w.engine.ApplyEach(ctx, messages...)
}

// last returns the last message that the engine was given.
func (w *world) last() profile.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.NotEmpty(w.messages)
	return w.messages[len(w.messages)-1]
}

// answer is what a request was answered with.
type answer struct {
	Status  int
	Header  http.Header
	Body    string
	Success bool
	Taken   int
	Refused []struct {
		Index            int
		MessageID, Error string
	}
	Error struct{ Code, Message string }
}

// do sends a request, of the source "web" unless it has a key of its own.
func (w *world) do(r *http.Request) answer {
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	a := answer{Status: rec.Code, Header: rec.Header(), Body: rec.Body.String()}
	if rec.Body.Len() > 0 {
		w.NoError(json.Unmarshal(rec.Body.Bytes(), &a), a.Body)
	}
	return a
}

func (w *world) post(path, body string) answer {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.SetBasicAuth("wk", "")
	return w.do(r)
}

// must sends what is taken whole.
func (w *world) must(path, body string) {
	a := w.post(path, body)
	w.Equal(http.StatusOK, a.Status, a.Body)
	w.JSONEq(`{"success":true}`, a.Body)
}

func zip(t testing.TB, text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(text)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

var errDown = errors.New("the disk is full")

// slow is a body that comes when it is told to.
type slow struct {
	io.Reader
	read chan struct{}
}

func (s slow) Read(p []byte) (int, error) {
	<-s.read
	return s.Reader.Read(p)
}
