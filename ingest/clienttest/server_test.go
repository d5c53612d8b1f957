package clienttest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// patience is how long a test waits for what is to happen.
const patience, tick = 90 * time.Second, 5 * time.Millisecond

const writeKey = "wk_clients"

// server is an engine behind package ingest, on loopback. It is itself the engine that
// the handler has, keeps the messages, and fails when it is told to.
type server struct {
	*require.Assertions
	t       *testing.T
	engine  *audience.Engine
	handler *ingest.Handler
	http    *httptest.Server

	mu       sync.Mutex
	messages []profile.Message
	paths    map[string]bool // that the library sent to
	refused  []string
	down     bool
}

func newServer(t *testing.T) *server {
	s := &server{Assertions: require.New(t), t: t, paths: map[string]bool{}}
	store := profile.NewMemStore()
	var err error
	s.engine, err = audience.New(context.Background(), store, audience.Options{})
	s.NoError(err)
	s.handler, err = ingest.New(s, ingest.Options{
		Authorizer:  ingest.WriteKeys{writeKey: "shop"},
		Clock:       s.engine,
		MaxInFlight: ingest.DefaultMaxBatch, // so that one request can fill it
		Origins:     []string{"*"},
		Profiles:    store,
		OnReject: func(r ingest.Rejection) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.refused = append(s.refused, fmt.Sprintf("%v: %s", r.Err, r.Text))
		},
	})
	s.NoError(err)
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path != fillPath {
			s.mu.Lock()
			s.paths[r.URL.Path] = true
			s.mu.Unlock()
		}
		s.handler.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		s.http.Close()
		s.NoError(s.engine.Close())
	})
	return s
}

var errDown = errors.New("down")

// ApplyEach is that of the engine.
func (s *server) ApplyEach(ctx context.Context, messages ...profile.Message) ([]*audience.MessageError, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down && len(messages) > 0 {
		return nil, errDown
	}
	s.messages = append(s.messages, messages...)
	return s.engine.ApplyEach(ctx, messages...)
}

func (s *server) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// arrived returns the messages so far, and why some were refused.
func (s *server) arrived() (messages []profile.Message, refused []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages), slices.Clone(s.refused)
}

// fillPath is a route that no library uses.
const fillPath = "/v1/import"

// fill takes all the room for bytes in flight, until release is called: a request that
// says how long its body is, and does not send it. Where a library's request is not quite
// done there is no room for it, and it comes again.
func (s *server) fill() (release func()) {
	var conn net.Conn
	s.True(s.wait(func() bool {
		before := s.handler.Stats().Limited
		var err error
		conn, err = net.Dial("tcp", s.http.Listener.Addr().String())
		s.NoError(err)
		_, err = fmt.Fprintf(conn, "POST %s?writeKey=%s HTTP/1.1\r\nHost: shop\r\nContent-Length: %d\r\n\r\n", fillPath, writeKey, ingest.DefaultMaxBatch)
		s.NoError(err)
		for s.handler.Stats().InFlight != ingest.DefaultMaxBatch {
			if s.handler.Stats().Limited > before {
				s.NoError(conn.Close())
				return false
			}
			time.Sleep(tick)
		}
		return true
	}))
	return func() { s.NoError(conn.Close()) }
}

// missing skips a test that needs what is not there; in CI it fails.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}
