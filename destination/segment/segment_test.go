package segment_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/destination/segment"
	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestNewRefuses(t *testing.T) {
	for name, opts := range map[string]segment.Options{
		"no endpoint":      {WriteKey: "wk"},
		"not http":         {Endpoint: "ftp://x.io", WriteKey: "wk"},
		"no key":           {Endpoint: "https://x.io"},
		"a key and a word": {Endpoint: "https://x.io", WriteKey: "wk:secret"},
		"a limit":          {Endpoint: "https://x.io", WriteKey: "wk", MaxBatch: -1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := segment.New(opts)
			require.ErrorIs(t, err, profile.ErrInvalid)
		})
	}
}

// batch returns a batch of identify calls, of which each has so many bytes about.
func batch(t *testing.T, messages, size int) *destination.Batch {
	b := &destination.Batch{ID: "b"}
	for i := range messages {
		traits, err := profile.NewObject(map[string]any{"x": strings.Repeat("x", size)})
		require.NoError(t, err)
		b.Messages = append(b.Messages, profile.Message{
			Type: profile.Identify, UserID: "<u>", MessageID: fmt.Sprint(i), Time: noon, Traits: traits,
		})
	}
	return b
}

func TestRequests(t *testing.T) {
	var got []*http.Request
	var bodies [][]byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got, bodies = append(got, r), append(bodies, body)
	}))
	defer server.Close()
	opts := segment.Options{Endpoint: server.URL + "/", WriteKey: "wk", Clock: audience.NewManualClock(noon), MaxBatch: 1000, MaxMessage: 500}
	d, err := segment.New(opts)
	require.NoError(t, err)
	defer d.Close()
	require.Equal(t, "segment", d.Type())
	require.Equal(t, destination.Identify|destination.Track, d.Modes())

	require.NoError(t, d.Deliver(context.Background(), batch(t, 1, 3)))
	user, password, ok := got[0].BasicAuth()
	require.Equal(t, []any{"wk", "", true}, []any{user, password, ok})
	require.Equal(t, "/v1/batch", got[0].URL.Path)
	require.Equal(t, "application/json", got[0].Header.Get("Content-Type"))
	z, err := gzip.NewReader(bytes.NewReader(bodies[0]))
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, `{"sentAt":"2026-03-01T12:00:00Z","batch":[{"type":"identify","messageId":"0","timestamp":"2026-03-01T12:00:00Z","userId":"<u>","traits":{"x":"xxx"}}]}`, string(text))

	// Beyond the limit it is several.
	opts.Plain, opts.Path, opts.Name = true, "/in", "other"
	d, err = segment.New(opts)
	require.NoError(t, err)
	defer d.Close()
	require.Equal(t, "other", d.Type())
	got, bodies = nil, nil
	require.NoError(t, d.Deliver(context.Background(), batch(t, 7, 200)))
	require.Len(t, got, 3)
	ids := ""
	for i, body := range bodies {
		require.Equal(t, "/in", got[i].URL.Path)
		require.Empty(t, got[i].Header.Get("Content-Encoding"))
		require.LessOrEqual(t, len(body), 1000+100)
		var b struct{ Batch []struct{ MessageID string } }
		require.NoError(t, json.Unmarshal(body, &b))
		for _, m := range b.Batch {
			ids += m.MessageID
		}
	}
	require.Equal(t, "0123456", ids)
	require.ErrorIs(t, d.Deliver(context.Background(), batch(t, 1, 500)), destination.ErrRefused)
	require.NoError(t, d.Deliver(context.Background(), &destination.Batch{}))
	require.Len(t, got, 3)
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		code    int
		after   string
		body    string
		ok      bool
		refused bool
		wait    time.Duration
	}{
		{code: 200, body: "OK", ok: true},
		{code: 200, body: `{"success":true}`, ok: true},
		{code: 204, ok: true},
		{code: 200, body: `{"success":false,"taken":1,"refused":[{"index":0,"messageId":"m","error":"no id"}]}`, refused: true},
		{code: 200, body: `{"success":false}`, refused: true},
		{code: 307},
		{code: 400, after: "5", refused: true},
		{code: 401},
		{code: 413, refused: true},
		{code: 429, after: "120", wait: 2 * time.Minute},
		{code: 500},
		{code: 503, after: "9999999999", wait: 24 * time.Hour},
	} {
		t.Run(fmt.Sprint(c.code, c.body), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					t.Error("it followed a redirect")
				}
				w.Header().Set("Location", "/elsewhere")
				if c.after != "" {
					w.Header().Set("Retry-After", c.after)
				}
				w.WriteHeader(c.code)
				if c.body != "" {
					fmt.Fprint(w, c.body)
				}
			}))
			defer server.Close()
			d, err := segment.New(segment.Options{Endpoint: server.URL, WriteKey: "wk", Client: server.Client()})
			require.NoError(t, err)
			defer d.Close()
			err = d.Deliver(context.Background(), batch(t, 1, 1))
			if c.ok {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			if c.refused {
				require.ErrorIs(t, err, destination.ErrRefused)
				return
			}
			require.NotErrorIs(t, err, destination.ErrRefused)
			var status *destination.StatusError
			require.ErrorAs(t, err, &status)
			require.Equal(t, c.code, status.Code)
			var after *destination.RetryAfterError
			require.Equal(t, c.wait > 0, errors.As(err, &after))
			if c.wait > 0 {
				require.Equal(t, c.wait, after.Wait)
			}
		})
	}
}

// receiver is a second Muster, behind a network that fails: it is busy, breaks off, and
// does so after it has taken what it was sent as well.
type receiver struct {
	t       *testing.T
	handler *ingest.Handler

	mu    sync.Mutex
	moods *rand.Rand // nil: it works
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	mood := 9
	if r.moods != nil {
		mood = r.moods.IntN(6)
	}
	r.mu.Unlock()
	switch mood {
	case 0:
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
	case 1:
		w.WriteHeader(http.StatusServiceUnavailable)
	case 2: // it has it, and says that it has not
		r.handler.ServeHTTP(httptest.NewRecorder(), req)
		w.WriteHeader(http.StatusBadGateway)
	case 3: // it has it, and the answer is lost
		r.handler.ServeHTTP(httptest.NewRecorder(), req)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			r.t.Error(err)
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	default:
		r.handler.ServeHTTP(w, req)
	}
}

// The audiences and the computed traits of one Muster are traits of the users and the
// accounts of another.
func TestIntoASecondMuster(t *testing.T) {
	ctx := context.Background()
	clock := audience.NewManualClock(noon)
	first, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	require.NoError(t, err)
	defer first.Close()
	require.NoError(t, first.CreateTraits(ctx, trait.Sum("spent", "Buy", "total").Within(time.Hour)))
	require.NoError(t, first.Create(ctx,
		audience.Define("buyers").Members(audience.Performed("Buy").Within(20*time.Minute)),
		audience.Define("spenders").Members(audience.Trait("traits.spent >= 50")),
		audience.Define("active_accounts").OfAccounts().Members(audience.AnyUser(audience.Performed("Buy").Within(10*time.Minute))),
	))

	store := profile.NewMemStore()
	second, err := audience.New(ctx, store, audience.Options{Clock: clock})
	require.NoError(t, err)
	defer second.Close()
	handler, err := ingest.New(second, ingest.Options{
		Authorizer: ingest.WriteKeys{"wk": "muster"},
		Clock:      second,
		OnReject:   func(r ingest.Rejection) { t.Errorf("%v: %s", r.Err, r.Text) },
	})
	require.NoError(t, err)
	receiver := &receiver{t: t, handler: handler, moods: rand.New(rand.NewPCG(3, 4))}
	server := httptest.NewServer(receiver)
	defer server.Close()

	d, err := segment.New(segment.Options{Endpoint: server.URL, WriteKey: "wk", MaxBatch: 2000, Clock: clock})
	require.NoError(t, err)
	hub := destination.NewHub(first, destination.Options{})
	c, err := hub.Connect(ctx, d, destination.Config{
		Mode: destination.Identify | destination.Track, Traits: []string{destination.All}, ExternalIDs: []string{"email"},
		BatchSize: 15, Retry: destination.Retry{Rand: rand.NewPCG(5, 6)},
	})
	require.NoError(t, err)

	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 60 { // an hour
		for range 3 {
			user := fmt.Sprintf("u%02d", rnd.IntN(20))
			traits, err := profile.NewObject(map[string]any{"email": user + "@x.io"})
			require.NoError(t, err)
			require.NoError(t, first.Apply(ctx,
				profile.Message{Type: profile.Identify, UserID: user, Traits: traits, Time: clock.Now()},
				profile.Message{Type: profile.Group, UserID: user, GroupID: "a" + user[2:], Time: clock.Now()},
			))
			require.NoError(t, first.Track(ctx, profile.Event{
				Profile: user, Name: "Buy", Time: clock.Now(), Props: profile.Props{"total": 1 + i%40},
			}))
		}
		clock.Set(clock.Now().Add(time.Minute))
		require.NoError(t, first.Advance(ctx, clock.Now()))
		_, err := hub.Sync(ctx)
		require.NoError(t, err)
	}
	receiver.mu.Lock()
	receiver.moods = nil
	receiver.mu.Unlock()
	for next, err := hub.Sync(ctx); !next.IsZero(); next, err = hub.Sync(ctx) {
		require.NoError(t, err)
		clock.Set(next)
		require.NoError(t, first.Advance(ctx, clock.Now()))
	}
	require.NoError(t, hub.Close(ctx))
	require.Positive(t, c.Stats().Failures)
	require.Zero(t, c.Stats().Refused)

	want := wanted(t, first)
	require.NotEmpty(t, want)
	require.Equal(t, want, received(t, store))
	// The other end knows them by their emails, too.
	ids, err := store.Find(ctx, profile.User, profile.ExternalID{Type: "email", Value: "u07@x.io"})
	require.NoError(t, err)
	require.Equal(t, []string{"u07"}, ids)
}

// wanted returns the memberships and the values that hold, by profile and key.
func wanted(t *testing.T, engine *audience.Engine) map[string]string {
	want := map[string]string{}
	for _, d := range engine.List() {
		for m, err := range engine.Members(context.Background(), d.Key) {
			require.NoError(t, err)
			want[fmt.Sprint(m.Ref, d.Key)] = "true"
		}
	}
	for v, err := range engine.Values(context.Background(), "spent") {
		require.NoError(t, err)
		want[fmt.Sprint(v.Ref, v.Key)] = v.Value.String()
	}
	return want
}

// received returns the traits of all profiles that are not false, by profile and name.
func received(t *testing.T, store *profile.MemStore) map[string]string {
	ctx := context.Background()
	got := map[string]string{}
	for _, subject := range []profile.Subject{profile.User, profile.Account} {
		for id, err := range store.Profiles(ctx, subject, "") {
			require.NoError(t, err)
			ref := profile.Ref{Subject: subject, ID: id}
			writes, err := store.Traits(ctx, ref)
			require.NoError(t, err)
			for _, w := range writes { // of one name the last counts
				got[fmt.Sprint(ref, w.Name)] = w.Value.String()
			}
		}
	}
	for key, value := range got {
		if value == "false" || value == "null" {
			delete(got, key)
		}
	}
	return got
}
