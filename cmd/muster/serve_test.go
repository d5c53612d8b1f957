package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// served is a service that runs.
type served struct {
	*require.Assertions
	addr   string
	out    chan string // the lines of its standard output
	stop   context.CancelFunc
	status chan int
}

func startServe(t *testing.T, definitions string, args ...string) *served {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	out, outTo := io.Pipe()
	errs, errsTo := io.Pipe()
	s := &served{require.New(t), "", make(chan string, 100), cancel, make(chan int, 1)}
	go func() {
		defer close(s.out)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			s.out <- lines.Text()
		}
	}()
	args = append([]string{"serve", "-addr", "127.0.0.1:0", "-write-key", "wk", "-token", "s3cret", "-definitions", file(t, "d.json", definitions), "-data", "memory"}, args...)
	go func() {
		s.status <- run(ctx, args, streams{in: strings.NewReader(""), out: outTo, err: errsTo, now: time.Now})
		_ = outTo.Close()
		_ = errsTo.Close()
	}()
	said := bufio.NewReader(errs)
	s.addr = listens(t, said)
	go func() { _, _ = io.Copy(io.Discard, said) }()
	return s
}

// listens reads what a service says until it listens, and returns where.
func listens(t *testing.T, said *bufio.Reader) string {
	for {
		line, err := said.ReadString('\n')
		require.NoError(t, err)
		if at, ok := strings.CutPrefix(line, "Listening on http://"); ok {
			return strings.TrimSuffix(at, ". To try it:\n")
		}
	}
}

// do sends a request as somebody, and returns the status and the body of the answer.
func (s *served) do(as, method, path, body string) (int, string) {
	r, err := http.NewRequest(method, "http://"+s.addr+path, strings.NewReader(body))
	s.NoError(err)
	r.SetBasicAuth(as, "")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	s.NoError(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	s.NoError(err)
	return answer.StatusCode, strings.TrimSpace(string(text))
}

func (s *served) line() string {
	line, ok := <-s.out
	s.True(ok, "there is no line")
	return line
}

func TestServe(t *testing.T) {
	s := startServe(t, buyers, "-traits", "-retention", "90d")
	status, text := s.do("wk", "POST", "/v1/track", `{"userId":"ann","event":"Order Completed"}`)
	s.Equal(http.StatusOK, status, text)
	s.Regexp(`^{"audience":"buyers","profile":"ann","type":"entered","at":".*","cause":"event"}$`, s.line())

	status, text = s.do("s3cret", "GET", "/v1/collections/users/profiles/user_id:ann/traits", "")
	s.Equal(http.StatusOK, status)
	s.Contains(text, `{"traits":{"buyers":true}`)
	status, text = s.do("s3cret", "GET", "/v1/explain?audience=buyers&user=ann&format=text", "")
	s.Equal(http.StatusOK, status)
	s.Contains(text, "ann is in buyers at ")
	status, text = s.do("s3cret", "GET", "/v1/explain?audience=buyers&user=ben", "")
	s.Equal(http.StatusOK, status)
	s.Contains(text, `"member":false`)
	status, text = s.do("s3cret", "GET", "/v1/definitions", "")
	s.Equal(http.StatusOK, status)
	s.JSONEq(strings.Replace(buyers, "{", `{"traits": [], `, 1), text)

	const next = `{"traits":[{"key":"orders","type":"count","event":"Order Completed","window":{"within":"1d"}}],"audiences":[{"key":"loyal","where":{"event":{"name":"Order Completed","count":{"exactly":1},"window":{"within":"1d"}}}}]}`
	status, planned := s.do("s3cret", "POST", "/v1/definitions/plan?delete=true", next)
	s.Equal(http.StatusOK, status)
	s.JSONEq(`{"unchanged":0,"steps":[{"action":"create","trait":"orders"},
		{"action":"create","audience":"loyal","count":{"enter":1,"exit":0}},
		{"action":"delete","audience":"buyers","count":{"enter":0,"exit":1}}]}`, planned)
	status, text = s.do("s3cret", "PUT", "/v1/definitions?delete=true", next)
	s.Equal(http.StatusOK, status)
	s.Contains(text, `"action":"delete"`)
	s.Contains(s.line(), `"trait":"orders"`)
	s.Contains(s.line(), `"audience":"loyal","profile":"ann","type":"entered"`)
	s.Contains(s.line(), `"audience":"buyers","profile":"ann","type":"exited"`)

	s.stop()
	s.Equal(statusDone, <-s.status, "to be interrupted is how a service ends")
	_, more := <-s.out
	s.False(more)
	_, err := net.Dial("tcp", s.addr)
	s.Error(err)
}

// With a store in a folder the next service has what the last one had, and makes its
// definitions those of the file: it can be started again and again.
func TestServeGoesOnWithAStore(t *testing.T) {
	folder := t.TempDir()
	for _, user := range []string{"ann", "ben", "cho"} {
		s := startServe(t, buyers, "-data", folder)
		status, text := s.do("wk", "POST", "/v1/track", `{"userId":"`+user+`","event":"Order Completed"}`)
		s.Equal(http.StatusOK, status, text)
		for !strings.Contains(s.line(), `"profile":"`+user+`","type":"entered"`) {
			t.Log("a line may be written again")
		}
		status, text = s.do("s3cret", "GET", "/v1/explain?audience=buyers&user=ann", "")
		s.Equal(http.StatusOK, status)
		s.Contains(text, `"member":true`)
		s.stop()
		s.Equal(statusDone, <-s.status)
	}
	refused := func(data string) result {
		return ran("", "serve", "-addr", "127.0.0.1:0", "-definitions", file(t, "d.json", buyers), "-data", data)
	}
	got := refused(file(t, "none", ""))
	require.Equal(t, statusFailed, got.status)
	require.Contains(t, got.err, "muster: -data: ")
	got = refused("")
	require.Equal(t, statusFailed, got.status)
	require.Contains(t, got.err, `-data: no folder is named; "memory" keeps nothing`)

	s := startServe(t, buyers, "-data", folder) // one service at a time
	got = refused(folder)
	require.Equal(t, statusFailed, got.status)
	require.Contains(t, got.err, "the store is open elsewhere")
	s.stop()
	s.Equal(statusDone, <-s.status)
}

// Without a word everything is kept, in a folder where the command was called.
func TestServeKeepsByDefault(t *testing.T) {
	definitions := file(t, "d.json", buyers)
	t.Chdir(t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // it ends as soon as it runs
	status := run(ctx, []string{"serve", "-addr", "127.0.0.1:0", "-definitions", definitions}, streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard, now: time.Now})
	require.Contains(t, []int{statusDone, statusInterrupted, statusFailed}, status)
	require.DirExists(t, "muster-data")
}

func TestServeRefuses(t *testing.T) {
	s := startServe(t, buyers)
	for _, tc := range []struct {
		as, method, path, body string
		status                 int
		code                   string
	}{
		{"s3cret", "POST", "/v1/track", `{"userId":"ann","event":"E"}`, http.StatusUnauthorized, "unauthenticated"},
		{"wk", "GET", "/v1/definitions", "", http.StatusUnauthorized, "unauthenticated"},
		{"wk", "PUT", "/v1/definitions", "{}", http.StatusUnauthorized, "unauthenticated"},
		{"wk", "GET", "/v1/explain?audience=buyers&user=ann", "", http.StatusUnauthorized, "unauthenticated"},
		{"s3cret", "PUT", "/v1/definitions", "", http.StatusUnsupportedMediaType, "unsupported_media_type"},
		{"s3cret", "PUT", "/v1/definitions", `{"audience":[]}`, http.StatusBadRequest, "invalid_request"},
		{"s3cret", "PUT", "/v1/definitions?delete=1", "{}", http.StatusBadRequest, "invalid_request"},
		{"s3cret", "PUT", "/v1/definitions", `{"traits":[{"key":"buyers","type":"count","event":"E"}]}`, http.StatusConflict, "conflict"},
		{"s3cret", "PUT", "/v1/definitions", `{"audiences":[{"key":"a","where":{"audience":"none"}}]}`, http.StatusBadRequest, "invalid_request"},
		{"s3cret", "PUT", "/v1/definitions", `{"description":"` + strings.Repeat("x", 4<<20) + `"}`, http.StatusRequestEntityTooLarge, "too_large"},
		{"s3cret", "GET", "/v1/explain?audience=buyers", "", http.StatusBadRequest, "invalid_request"},
		{"s3cret", "GET", "/v1/explain?audience=none&account=acme", "", http.StatusNotFound, "not_found"},
		{"s3cret", "GET", "/v1/nonsense", "", http.StatusNotFound, "not_found"},
	} {
		status, text := s.do(tc.as, tc.method, tc.path, tc.body)
		s.Equal(tc.status, status, "%s %s: %s", tc.method, tc.path, text)
		s.Contains(text, `{"error":{"code":"`+tc.code+`","message":"`)
	}
	status, text := s.do("s3cret", "PUT", "/v1/definitions?delete=true", "{}")
	s.Equal(http.StatusOK, status, text)
	status, text = s.do("s3cret", "PUT", "/v1/definitions", buyers)
	s.Equal(http.StatusConflict, status)
	s.Contains(text, "buyers_2", "what to do about a key that was deleted")
}

func TestServeDoesNotBeginWithWhatIsWrong(t *testing.T) {
	definitions := file(t, "d.json", buyers)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busy.Close()
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"-definitions", file(t, "bad.json", `{"audience":[]}`)}, `:1:2: unknown field "audience", did you mean "audiences"?`},
		{[]string{"-definitions", definitions, "-addr", "nowhere"}, "muster: -addr: listen tcp: address nowhere: missing port"},
		{[]string{"-definitions", definitions, "-addr", busy.Addr().String()}, "muster: -addr: listen tcp " + busy.Addr().String()},
		{[]string{"-definitions", definitions, "-retention", "x"}, `muster: -retention: invalid input: duration "x"`},
		{[]string{"-definitions", definitions, "-addr", "127.0.0.1:0", "-origins", "x"}, "muster: ingest: "},
		{[]string{"-definitions", definitions, "-addr", "127.0.0.1:0", "-retention", "1h"},
			`d.json:1:91: audience "buyers": where.event.window: window is longer than the retention: within 1d, the store keeps events for 1h`},
		{[]string{"-definitions", definitions, "x"}, `muster: unexpected argument "x"`},
	} {
		got := ran("", append([]string{"serve", "-data", "memory"}, tc.args...)...)
		require.Equal(t, statusFailed, got.status)
		require.Contains(t, got.err, tc.want)
	}
}

// Whoever reads the lines is to know that one is missing, wherever the rest is kept.
func TestServeEndsWhenALineCannotBeWritten(t *testing.T) {
	for _, data := range []string{"memory", t.TempDir()} {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		errs, errsTo := io.Pipe()
		status := make(chan int, 1)
		args := []string{"serve", "-addr", "127.0.0.1:0", "-write-key", "wk", "-data", data, "-definitions", file(t, "d.json", buyers)}
		go func() {
			status <- run(ctx, args, streams{in: strings.NewReader(""), out: &fullDisk{left: 5}, err: errsTo, now: time.Now})
			_ = errsTo.Close()
		}()
		lines := bufio.NewReader(errs)
		at := listens(t, lines)
		rest := make(chan string)
		go func() {
			text, _ := io.ReadAll(lines)
			rest <- string(text)
		}()
		s := &served{Assertions: require.New(t), addr: at}
		got, text := s.do("wk", "POST", "/v1/track", `{"userId":"ann","event":"Order Completed"}`)
		s.Equal(http.StatusOK, got, text)
		require.Equal(t, statusFailed, <-status)
		require.Contains(t, <-rest, errFull.Error())
		require.NoError(t, ctx.Err())
	}
}
