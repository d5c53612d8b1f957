package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/destination/webhook"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

var (
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	key   = []byte("a key of some twenty-four bytes or more")
)

func TestNewRefuses(t *testing.T) {
	keys := [][]byte{key}
	for name, opts := range map[string]webhook.Options{
		"no URL":          {Keys: keys},
		"not http":        {URL: "ftp://x.io/", Keys: keys},
		"no host":         {URL: "https:///path", Keys: keys},
		"no URL at all":   {URL: "https://x.io/%zz", Keys: keys},
		"no key":          {URL: "https://x.io/"},
		"a key too short": {URL: "https://x.io/", Keys: [][]byte{key, []byte("short")}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := webhook.New(opts)
			require.ErrorIs(t, err, profile.ErrInvalid)
		})
	}
}

// What each answer means.
func TestAnswers(t *testing.T) {
	type header map[string]string
	for _, tt := range []struct {
		code    int
		header  header
		ok      bool
		refused bool
		wait    time.Duration
	}{
		{code: 200, ok: true},
		{code: 204, ok: true},
		{code: 302, header: header{"Location": "/elsewhere"}},
		{code: 400, refused: true},
		{code: 400, header: header{"Retry-After": "1"}, refused: true},
		{code: 401},
		{code: 404},
		{code: 410},
		{code: 413, refused: true},
		{code: 422, refused: true},
		{code: 429},
		{code: 429, header: header{"Retry-After": "120"}, wait: 2 * time.Minute},
		{code: 429, header: header{"Retry-After": "99999999999999"}, wait: webhook.MaxRetryAfter},
		{code: 429, header: header{"Retry-After": "-1"}},
		{code: 429, header: header{"Retry-After": "soon"}},
		{code: 500},
		{code: 503, header: header{"Retry-After": "Sun, 01 Mar 2026 13:00:00 GMT", "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}, wait: time.Hour},
		{code: 503, header: header{"Retry-After": "Sun, 01 Mar 2026 11:00:00 GMT", "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}},
		{code: 503, header: header{"Retry-After": "Sun, 01 Mar 2026 11:00:00 GMT", "Date": "now"}},
	} {
		t.Run(fmt.Sprint(tt.code, tt.header), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					t.Error("it followed a redirect")
				}
				for name, value := range tt.header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(tt.code)
				if tt.code != http.StatusNoContent {
					fmt.Fprint(w, " because\n")
				}
			}))
			defer server.Close()
			hook, err := webhook.New(webhook.Options{URL: server.URL, Keys: [][]byte{key}})
			require.NoError(t, err)
			defer hook.Close()
			err = hook.Deliver(context.Background(), &destination.Batch{ID: "b"})
			if tt.ok {
				require.NoError(t, err)
				return
			}
			var status *destination.StatusError
			require.ErrorAs(t, err, &status)
			require.Equal(t, fmt.Sprintf("%d %s: %q", tt.code, http.StatusText(tt.code), "because"), status.Error())
			if tt.refused {
				require.ErrorIs(t, err, destination.ErrRefused)
			} else {
				require.NotErrorIs(t, err, destination.ErrRefused)
			}
			var after *destination.RetryAfterError
			if tt.wait == 0 {
				require.NotErrorAs(t, err, &after)
				return
			}
			require.ErrorAs(t, err, &after)
			require.Equal(t, tt.wait, after.Wait)
		})
	}
}

// An answer that has no end, or that stalls, is an answer by its status.
func TestAnswersWithoutEnd(t *testing.T) {
	quit := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fails" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		w.(http.Flusher).Flush()
		for r.URL.Query().Get("body") == "endless" {
			if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
				return
			}
		}
		<-quit
	}))
	defer server.Close()
	defer close(quit)
	for _, body := range []string{"endless", "stalls"} {
		for _, path := range []string{"/takes", "/fails"} {
			hook, err := webhook.New(webhook.Options{URL: server.URL + path + "?body=" + body, Keys: [][]byte{key}})
			require.NoError(t, err)
			err = hook.Deliver(context.Background(), &destination.Batch{ID: "b"}) // of no deadline
			if path == "/takes" {
				require.NoError(t, err)
				continue
			}
			var status *destination.StatusError
			require.ErrorAs(t, err, &status)
			require.Equal(t, http.StatusServiceUnavailable, status.Code)
		}
	}
}

// A redirect is followed to no host, whatever the client's own policy is.
func TestNoRedirectIsFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed") }))
	defer elsewhere.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, code))
		client := server.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
		hook, err := webhook.New(webhook.Options{URL: server.URL, Keys: [][]byte{key}, Client: client})
		require.NoError(t, err)
		var status *destination.StatusError
		require.ErrorAs(t, hook.Deliver(context.Background(), &destination.Batch{ID: "b"}), &status)
		require.Equal(t, code, status.Code)
		server.Close()
	}
}

func TestRequest(t *testing.T) {
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	old := []byte(strings.Repeat("old", 10))
	hook, err := webhook.New(webhook.Options{
		URL:    server.URL + "/hook?x=1",
		Keys:   [][]byte{key, old},
		Header: http.Header{"Authorization": {"Bearer t"}},
		Client: server.Client(),
		Clock:  audience.NewManualClock(start),
		Name:   "crm",
	})
	require.NoError(t, err)
	defer hook.Close()
	require.Equal(t, "crm", hook.Type())
	b := &destination.Batch{ID: "b1", Messages: []profile.Message{{Type: profile.Identify, UserID: "<u>", Time: start}}}
	require.NoError(t, hook.Deliver(context.Background(), b))
	require.Equal(t, http.MethodPost, got.Method)
	require.Equal(t, "/hook?x=1", got.URL.String())
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	require.Equal(t, "Bearer t", got.Header.Get("Authorization"))
	require.Equal(t, "b1", got.Header.Get(webhook.HeaderID))
	require.Equal(t, `{"batch":[{"type":"identify","timestamp":"2026-03-01T12:00:00Z","userId":"<u>"}]}`, string(body))
	for _, k := range [][]byte{key, old} {
		require.NoError(t, webhook.Verify(got.Header, body, start.Add(time.Second), k))
	}
}

// crm is a server as bad as they come. It takes each message once, by its id.
type crm struct {
	t    *testing.T
	quit chan struct{}

	mu      sync.Mutex
	mood    func(n int) string // what to do with the n-th request
	n       int
	seen    map[string]bool
	repeats int
	members map[string]bool
}

func (c *crm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if err := webhook.Verify(r.Header, body, start, key); err != nil {
		c.t.Error(err)
	}
	c.mu.Lock()
	mood := c.mood(c.n)
	c.n++
	c.mu.Unlock()
	switch mood {
	case "fail":
		w.WriteHeader(http.StatusInternalServerError)
	case "busy":
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusTooManyRequests)
	case "stall":
		select {
		case <-r.Context().Done():
		case <-c.quit:
		}
	case "reset":
		c.reset(w)
	case "take, then reset":
		c.take(body)
		c.reset(w)
	case "take, then fail":
		c.take(body)
		w.WriteHeader(http.StatusBadGateway)
	default:
		if !c.take(body) {
			w.WriteHeader(http.StatusBadRequest)
		}
	}
}

func (c *crm) reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		c.t.Error(err)
		return
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// take applies a batch, unless it has a user it does not like.
func (c *crm) take(body []byte) bool {
	var batch struct {
		Batch []struct {
			MessageID string
			UserID    string
			Traits    map[string]bool
		}
	}
	if err := json.Unmarshal(body, &batch); err != nil {
		c.t.Error(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range batch.Batch {
		if m.UserID == "bad" {
			return false
		}
	}
	for _, m := range batch.Batch {
		if c.seen[m.MessageID] {
			c.repeats++
			continue
		}
		c.seen[m.MessageID] = true
		for key, in := range m.Traits {
			pair := m.UserID + " " + key
			if c.members[pair] == in {
				c.t.Errorf("%s was told twice that it is %v", pair, in)
			}
			c.members[pair] = in
		}
	}
	return true
}

// A real server that fails, is busy, stalls, resets connections, and does so
// after it has taken what it was sent as well, in the end has every membership,
// and was told each change once.
func TestAServerThatFails(t *testing.T) {
	ctx := context.Background()
	clock := audience.NewManualClock(start)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	require.NoError(t, err)
	defer engine.Close()
	require.NoError(t, engine.Create(ctx,
		audience.Define("buyers").Members(audience.Performed("Buy").Within(20*time.Minute))))

	rnd := rand.New(rand.NewPCG(1, 2))
	moods := []string{"fail", "busy", "stall", "reset", "take, then reset", "take, then fail", "take"}
	server := &crm{t: t, quit: make(chan struct{}), seen: map[string]bool{}, members: map[string]bool{}}
	whims := rand.New(rand.NewPCG(5, 6)) // under the server's lock
	down := func(n int) string {
		if n < len(moods) {
			return moods[n] // each of them once at least
		}
		return moods[whims.IntN(len(moods))]
	}
	server.mood = down
	web := httptest.NewServer(server)
	defer web.Close()
	defer close(server.quit)

	// Signatures are made by a clock of their own: the server's stands.
	hook, err := webhook.New(webhook.Options{URL: web.URL, Keys: [][]byte{key}, Clock: audience.NewManualClock(start)})
	require.NoError(t, err)
	hub := destination.NewHub(engine, destination.Options{})
	c, err := hub.Connect(ctx, hook, destination.Config{
		Mode: destination.Identify, BatchSize: 3,
		// Long enough for an answer, and not so long that stalls hold up the test.
		Timeout: 300 * time.Millisecond,
		Retry:   destination.Retry{Rand: rand.NewPCG(3, 4)},
	})
	require.NoError(t, err)
	track := func(user string) {
		require.NoError(t, engine.Track(ctx, profile.Event{Profile: user, Name: "Buy", Time: clock.Now()}))
	}
	for range 60 { // an hour
		track(fmt.Sprintf("u%02d", rnd.IntN(20)))
		clock.Set(clock.Now().Add(time.Minute))
		require.NoError(t, engine.Advance(ctx, clock.Now()))
		_, err := hub.Sync(ctx)
		require.NoError(t, err)
	}
	server.mu.Lock()
	server.mood = func(int) string { return "take" }
	server.mu.Unlock()
	track("bad")
	for next, err := hub.Sync(ctx); !next.IsZero(); next, err = hub.Sync(ctx) {
		require.NoError(t, err)
		clock.Set(next)
	}

	require.NoError(t, hub.Close(ctx))

	want, got := []string{}, []string{}
	for m, err := range engine.Members(ctx, "buyers") {
		require.NoError(t, err)
		if m.Ref.ID != "bad" {
			want = append(want, m.Ref.ID+" "+m.Audience)
		}
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	for pair, in := range server.members {
		if in {
			got = append(got, pair)
		}
	}
	slices.Sort(got)
	require.NotEmpty(t, want)
	require.Equal(t, want, got)
	require.Positive(t, server.repeats)
	s := c.Stats()
	require.EqualValues(t, 1, s.Refused, "the bad one")
	require.GreaterOrEqual(t, s.Failures, uint64(6))
}
