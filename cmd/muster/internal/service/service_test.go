package service

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/destination/webhook"
	"github.com/muster-go/muster/profile"
)

const (
	writeKey = "wk_shop"
	token    = "s3cret"
	secret   = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// lines is a writer of which each line can be received.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		l <- line
	}
	return len(p), nil
}

// rig is a service that runs on a port of its own, at a clock that stands.
type rig struct {
	*require.Assertions
	clock  *audience.ManualClock
	addr   string // empty: it did not begin
	stdout lines
	log    lines
	stop   func() // begins the shutdown
	ended  chan error
}

// start runs a service, and returns when it answers or has failed. with may be nil.
func start(t *testing.T, with func(*Options)) *rig {
	ctx, stop := context.WithCancel(context.Background())
	r := &rig{
		Assertions: require.New(t),
		clock:      audience.NewManualClock(begin),
		stdout:     make(lines, 100),
		log:        make(lines, 100),
		stop:       stop,
		ended:      make(chan error, 1),
	}
	text, err := os.ReadFile("../../shop.json")
	r.NoError(err)
	definitions, err := audience.ParseFile(text)
	r.NoError(err)
	ready := make(chan string, 1)
	opts := Options{
		Addr:        "127.0.0.1:0",
		Clock:       r.clock,
		Log:         slog.New(slog.NewTextHandler(r.log, nil)),
		Definitions: definitions,
		WriteKey:    writeKey,
		Token:       token,
		Grace:       time.Minute,
		Ready:       func(at net.Addr) { ready <- at.String() },
	}
	if with != nil {
		with(&opts)
	}
	go func() {
		defer close(r.ended)
		defer close(ready)
		r.ended <- Run(ctx, opts, r.stdout)
	}()
	t.Cleanup(func() {
		stop()
		for range r.ended {
		}
	})
	r.addr = <-ready
	return r
}

// do sends a request with the token and returns the answer.
func (r *rig) do(method, path, body string) (status int, answer string) {
	return r.doAs("Bearer "+token, method, path, body)
}

func (r *rig) doAs(authorization, method, path, body string) (status int, answer string) {
	request, err := http.NewRequest(method, "http://"+r.addr+path, strings.NewReader(body))
	r.NoError(err)
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(request)
	r.NoError(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	r.NoError(err)
	return response.StatusCode, string(text)
}

func (r *rig) get(path string) string {
	status, answer := r.do("GET", path, "")
	r.Equal(http.StatusOK, status, answer)
	return answer
}

// post sends messages that are taken.
func (r *rig) post(path, body string) {
	status, answer := r.send(path, body)
	r.Equal(http.StatusOK, status, answer)
	r.JSONEq(`{"success":true}`, answer)
}

// send sends messages.
func (r *rig) send(path, body string) (status int, answer string) {
	return r.doAs(basic(writeKey), "POST", path, body)
}

func basic(user string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"))
}

// transition is an entry or an exit, as it is written.
type transition struct {
	Audience, Profile, Type, Cause string
	At                             time.Time
}

// written returns the next one on the standard output.
func (r *rig) written() (t transition) {
	r.NoError(json.Unmarshal([]byte(<-r.stdout), &t))
	return t
}

// receiver is a webhook's other end.
func receiver(t *testing.T, status int) (*httptest.Server, chan received) {
	got := make(chan received, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			got <- received{r.Header, body}
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server, got
}

type received struct {
	header http.Header
	body   []byte
}

func TestFromAMessageToEverybodyWhoIsTold(t *testing.T) {
	hook, posted := receiver(t, http.StatusNoContent)
	r := start(t, func(o *Options) { o.WebhookURL, o.WebhookSecret = hook.URL, secret })

	// Messages come in, one by one and in batches, with their time and without.
	r.post("/v1/identify", `{"userId":"ann","traits":{"email":"ann@x.io","plan":"pro"}}`)
	r.post("/v1/track", `{"userId":"ann","event":"Order Completed","properties":{"total":60}}`)
	r.post("/v1/batch", `{"batch":[
		{"type":"track","userId":"ann","event":"Order Completed","properties":{"total":45},"timestamp":"2026-02-20T08:00:00Z"},
		{"type":"page","userId":"ann","name":"Thanks"}
	]}`)

	// The entry is written ...
	r.Equal(transition{Audience: "big_spenders", Profile: "ann", Type: "entered", Cause: "event", At: begin}, r.written())

	// ... and posted, signed, with the email.
	request := <-posted
	key, err := webhook.ParseKey(secret)
	r.NoError(err)
	r.NoError(webhook.Verify(request.header, request.body, r.clock.Now(), key))
	r.ErrorIs(webhook.Verify(request.header, append(request.body, ' '), r.clock.Now(), key), webhook.ErrSignature)
	var batch struct{ Batch []json.RawMessage }
	r.NoError(json.Unmarshal(request.body, &batch))
	r.Len(batch.Batch, 1)
	m, err := profile.ParseMessage(batch.Batch[0])
	r.NoError(err)
	r.Equal(destination.AudienceEntered, m.Name)
	r.Equal("ann", m.UserID)
	r.Equal(begin, m.Time)
	r.Equal(`{"audience_key":"big_spenders","big_spenders":true}`, m.Properties.String())
	r.Contains(m.IDs(), profile.ExternalID{Type: "email", Value: "ann@x.io"})

	// The profile API, in pages.
	var page struct {
		Traits map[string]any
		Cursor struct{ URL string }
	}
	r.NoError(json.Unmarshal([]byte(r.get("/v1/collections/users/profiles/email:ann@x.io/traits?limit=3")), &page))
	r.Equal(map[string]any{"big_spenders": true, "email": "ann@x.io", "hesitating": false}, page.Traits)
	page.Traits = nil
	r.NoError(json.Unmarshal([]byte(r.get(page.Cursor.URL)), &page))
	r.Equal(map[string]any{"plan": "pro", "revenue_30d": 105.0}, page.Traits)
	r.Contains(r.get("/v1/collections/users/profiles/user_id:ann/events?include=Page+Viewed"),
		`"timestamp":"2026-03-01T12:00:00Z","properties":{"name":"Thanks"}`)

	// Why, and until when: the order of February is 30 days old then.
	r.Equal(`ann is in big_spenders at 2026-03-01T12:00:00Z, until 2026-03-22T08:00:00Z
✓ traits.revenue_30d >= 100, until 2026-03-22T08:00:00Z
    revenue_30d = 105
`, r.get("/v1/explain?audience=big_spenders&user=ann&format=text"))
	var why struct {
		Member bool
		Until  time.Time
	}
	r.NoError(json.Unmarshal([]byte(r.get("/v1/explain?audience=big_spenders&user=ann")), &why))
	r.True(why.Member)
	r.Equal(time.Date(2026, 3, 22, 8, 0, 0, 0, time.UTC), why.Until)

	// So it comes to be, to the nanosecond, whenever the engine looks.
	r.clock.Set(begin.Add(90 * profile.Day))
	r.Contains(r.get("/v1/explain?audience=big_spenders&user=ann&format=text"), "ann is not in big_spenders")
	exit := r.written()
	r.Equal("exited", exit.Type)
	r.Equal(why.Until, exit.At)
	<-posted

	r.Eventually(func() bool {
		return r.get("/v1/progress") == `{"definitions":[],"destinations":[{"failures":0,"sent":2,"type":"webhook","waiting":0}]}`+"\n"
	}, time.Minute, time.Millisecond)
}

// Each message of a batch is taken or refused by itself, and what is refused is logged.
func TestABatchSaysWhichMessagesWereRefused(t *testing.T) {
	r := start(t, nil)
	status, answer := r.send("/v1/batch", `{"batch":[
		{"type":"track","userId":"ann","event":"Order Completed","properties":{"total":500},"messageId":"1"},
		{"type":"trac","userId":"ann"},
		{"type":"identify","userId":"bob","anonymousId":"a1","traits":{"revenue_30d":5},"messageId":"3"}]}`)
	r.Equal(http.StatusOK, status)
	r.JSONEq(`{"success":false,"taken":1,"refused":[
		{"index":1,"error":"invalid input: unknown type \"trac\""},
		{"index":2,"messageId":"3","error":"the engine computes this trait: \"revenue_30d\""}]}`, answer)
	r.Equal("big_spenders", r.written().Audience)
	r.Contains(<-r.log, "unknown type")
	r.Contains(<-r.log, "messageId=3")
	status, _ = r.do("GET", "/v1/collections/users/profiles/user_id:bob/traits", "")
	r.Equal(http.StatusNotFound, status, "what was refused has had no effect")
}

// A page in a browser on this machine can neither post messages nor define anything,
// unless it is of an origin that is allowed.
func TestWebPages(t *testing.T) {
	const shop = "https://shop.example"
	r := start(t, func(o *Options) { o.Origins = []string{shop} })
	for _, c := range []struct {
		path, body, key string
		headers         map[string]string
		status          int
	}{
		{"/v1/track", `{"userId":"ann","event":"E"}`, writeKey, map[string]string{"Origin": "https://evil.example", "Content-Type": "text/plain"}, http.StatusForbidden},
		{"/v1/track", `{"userId":"ann","event":"E"}`, writeKey, map[string]string{"Origin": shop, "Content-Type": "text/plain"}, http.StatusOK},
		{"/v1/definitions/plan", `{}`, token, map[string]string{"Content-Type": "text/plain"}, http.StatusUnsupportedMediaType},
		{"/v1/definitions/plan", `{}`, token, map[string]string{}, http.StatusUnsupportedMediaType},
		{"/v1/definitions/plan", `{}`, token, map[string]string{"Content-Type": "application/json"}, http.StatusOK},
	} {
		request, err := http.NewRequest("POST", "http://"+r.addr+c.path, strings.NewReader(c.body))
		r.NoError(err)
		request.SetBasicAuth(c.key, "")
		for name, value := range c.headers {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		r.NoError(err)
		r.NoError(response.Body.Close())
		r.Equal(c.status, response.StatusCode, c)
		r.Equal(c.headers["Origin"] == shop, response.Header.Get("Access-Control-Allow-Origin") == shop)
	}
}

func TestWhoHasNoTokenReadsNothing(t *testing.T) {
	r := start(t, nil)
	r.post("/v1/track", `{"userId":"ann","event":"Login"}`)
	for _, path := range []string{
		"GET /v1/explain?audience=big_spenders&user=ann",
		"GET /v1/progress",
		"GET /v1/collections/users/profiles/user_id:ann/traits",
		"GET /v1/definitions",
		"PUT /v1/definitions",
		"POST /v1/definitions/plan",
	} {
		method, path, _ := strings.Cut(path, " ")
		for _, authorization := range []string{"", token, "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3crets", "Basic " + token} {
			status, answer := r.doAs(authorization, method, path, "{}")
			r.Equal(http.StatusUnauthorized, status, "%s as %q: %s", path, authorization, answer)
			r.Contains(answer, `"code":"unauthenticated"`)
		}
	}
}

// What is under way when the end comes is answered, and what follows from it is
// sent. Then nothing is left.
func TestShutdown(t *testing.T) {
	hook, posted := receiver(t, http.StatusOK)
	r := start(t, func(o *Options) { o.WebhookURL, o.WebhookSecret = hook.URL, secret })
	conn, err := net.Dial("tcp", r.addr)
	r.NoError(err)
	defer conn.Close()
	const body = `{"userId":"ann","event":"Order Completed","properties":{"total":100}}`
	fmt.Fprintf(conn, "POST /v1/track?writeKey="+writeKey+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(body))
	from := bufio.NewReader(conn)
	line, err := from.ReadString('\n')
	r.NoError(err)
	r.Equal("HTTP/1.1 100 Continue\r\n", line) // it reads the body
	_, err = from.ReadString('\n')
	r.NoError(err)

	r.NotEmpty(running())
	r.stop()
	r.Contains(<-r.log, "shutting down")
	_, err = io.WriteString(conn, body)
	r.NoError(err)
	response, err := http.ReadResponse(from, nil)
	r.NoError(err)
	r.Equal(http.StatusOK, response.StatusCode)
	r.NoError(response.Body.Close())

	r.NoError(<-r.ended)
	r.Equal("ann", r.written().Profile)
	r.Contains(string((<-posted).body), `"userId":"ann"`)

	hook.Close()
	http.DefaultClient.CloseIdleConnections()
	r.Eventually(func() bool { return len(running()) == 0 }, time.Minute, time.Millisecond, "still running: %s", running())
}

// running returns the goroutines of the library, of the service and of servers.
func running() (stacks []string) {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	for i, stack := range strings.Split(string(all), "\n\n") {
		of := func(what string) bool { return strings.Contains(stack, what) }
		// The first is the one that asks; that of a test waits for it.
		if i > 0 && !of("testing.tRunner") && (of("muster-go/muster/") || of("net/http.")) {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

func TestShutdownTellsWhatCouldNotBeSent(t *testing.T) {
	hook, posted := receiver(t, http.StatusServiceUnavailable)
	r := start(t, func(o *Options) { o.WebhookURL, o.WebhookSecret = hook.URL, secret })
	r.post("/v1/track", `{"userId":"ann","event":"Order Completed","properties":{"total":100}}`)
	<-posted
	r.stop()
	var unsent *destination.StatusError
	r.ErrorAs(<-r.ended, &unsent)
	r.Equal(http.StatusServiceUnavailable, unsent.Code)
	r.Equal("ann", r.written().Profile, "the line is written")
	r.Contains(<-r.log+<-r.log, "not delivered")
}

// What waits for a webhook is in the folder: the next service sends it, under the same id.
// One that has no webhook forgets it.
func TestTheNextServiceSendsWhatWaits(t *testing.T) {
	folder := t.TempDir()
	var first []byte
	for i, status := range []int{http.StatusServiceUnavailable, http.StatusOK} {
		hook, posted := receiver(t, status)
		r := start(t, func(o *Options) {
			o.WebhookURL, o.WebhookSecret, o.Data = hook.URL, secret, folder
			o.Clock = audience.NewManualClock(begin.Add(time.Duration(i) * time.Hour))
		})
		if i == 0 {
			r.post("/v1/track", `{"userId":"ann","event":"Order Completed","properties":{"total":100}}`)
			first = (<-posted).body
		} else {
			r.JSONEq(string(first), string((<-posted).body))
		}
		r.stop()
		r.NoError(<-r.ended, "nothing is lost by ending")
	}
	r := start(t, func(o *Options) { o.Data = folder })
	r.Contains(<-r.log, "there is no webhook any more")
	r.Equal(`{"definitions":[],"destinations":[]}`+"\n", r.get("/v1/progress"))
}

func TestItDoesNotBeginWithWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	start(t, func(o *Options) { o.Data = folder })
	for name, c := range map[string]struct {
		with    func(*Options)
		message string
	}{
		"no secret":        {func(o *Options) { o.WebhookURL = "http://localhost:1" }, "-webhook-secret: invalid input"},
		"a bad URL":        {func(o *Options) { o.WebhookURL, o.WebhookSecret = "ftp://x", secret }, "-webhook-url: webhook: invalid input"},
		"a secret, no URL": {func(o *Options) { o.WebhookSecret = secret }, "-webhook-url"},
		"an address":       {func(o *Options) { o.Addr = "nowhere" }, "-addr: listen tcp"},
		"a folder in use":  {func(o *Options) { o.Data = folder }, "the store is open elsewhere"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, c.with)
			r.Empty(r.addr, "it does not say that it answers")
			r.ErrorContains(<-r.ended, c.message)
		})
	}
}
