package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// result is what a run of the program did.
type result struct {
	out, err string // standard output and error
	error    error
}

// lines returns the transitions on standard output, shortened to
// "u1 entered buyers 2026-01-01T00:00:00.000000000Z event".
func (r result) lines() []string {
	replacer := strings.NewReplacer(`{"audience":"`, "", `","profile":"`, " ", `","type":"`, " ", `","at":"`, " ", `","cause":"`, " ", `"}`, "")
	lines := []string{}
	for line := range strings.Lines(r.out) {
		lines = append(lines, strings.TrimSpace(replacer.Replace(line)))
	}
	return lines
}

// replayed runs the program. Its watch shows a time that is step later at each
// look.
func replayed(stdin string, step time.Duration, args ...string) result {
	var out, err bytes.Buffer
	now := time.Unix(0, 0)
	std := streams{in: strings.NewReader(stdin), out: &out, err: &err, now: func() time.Time {
		now = now.Add(step)
		return now
	}}
	failure := run(context.Background(), args, std)
	return result{out: out.String(), err: err.String(), error: failure}
}

// file writes a file of the test and returns its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

// One audience, those who bought in the last day, and three who are in it for
// a day each. The second message comes late.
const (
	buyers = `{"audiences": [{"key": "buyers", "where": {"event": {"name": "Order Completed", "window": {"within": "1d"}}}}]}`
	ann    = `{"type":"track","userId":"ann","event":"Order Completed","timestamp":"2026-01-02T00:00:00Z","messageId":"1"}` + "\n"
	ben    = `{"type":"track","userId":"ben","event":"Order Completed","timestamp":"2026-01-01T12:00:00Z","messageId":"2"}` + "\n"
	cho    = `{"type":"track","userId":"cho","event":"Order Completed","timestamp":"2026-01-03T00:00:00Z","messageId":"3"}` + "\n"
)

var untilCho = []string{
	"buyers ann entered 2026-01-02T00:00:00.000000000Z event",
	"buyers ben entered 2026-01-02T00:00:00.000000000Z event", // when it became known
	"buyers ben exited 2026-01-02T12:00:00.000000000Z time",   // a day after it happened
	"buyers cho entered 2026-01-03T00:00:00.000000000Z event",
	"buyers ann exited 2026-01-03T00:00:00.000000000Z time", // due at the last message's time
}

func TestShopWithoutFlags(t *testing.T) {
	got := replayed("", time.Millisecond)
	require.NoError(t, got.error)
	golden(t, "shop.out", got.out)
	golden(t, "shop.err", got.err)
}

func TestShopWithTraits(t *testing.T) {
	got := replayed("", time.Millisecond, "-traits")
	require.NoError(t, got.error)
	golden(t, "shop_traits.out", got.out)
	golden(t, "shop.err", got.err) // the summary is the same
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestLateMessagesAndTimeAlone(t *testing.T) {
	got := replayed("", time.Millisecond,
		"-definitions", file(t, "buyers.json", buyers), "-events", file(t, "log.ndjson", ann+ben+cho))
	require.NoError(t, got.error)
	require.Equal(t, untilCho, got.lines())
	require.Equal(t, `3 messages in 4ms, 750 events/s
5 transitions, 0 trait changes until 2026-01-03T00:00:00Z

AUDIENCE  MEMBERS
buyers    1
`, got.err)
}

// A sum of the last day's totals, and those who spent 100 or more in it. The
// trait changes before the audience, and time alone changes both.
func TestTraitsComeBeforeTheAudiencesThatReadThem(t *testing.T) {
	definitions := file(t, "spenders.json", `{
		"traits": [{"key": "spent", "type": "sum", "event": "Order Completed", "property": "total", "window": {"within": "1d"}}],
		"audiences": [{"key": "big_spenders", "where": {"trait": "traits.spent >= 100"}}]
	}`)
	order := func(id, at, total string) string {
		return `{"type":"track","userId":"ann","event":"Order Completed","timestamp":"` + at + `","messageId":"` + id + `","properties":{"total":` + total + "}}\n"
	}
	log := order("1", "2026-01-01T00:00:00Z", "60") + order("2", "2026-01-01T12:00:00Z", "59.5")
	args := []string{"-definitions", definitions, "-events", "-", "-until", "2026-02-01"}

	got := replayed(log, time.Millisecond, append(args, "-traits")...)
	require.NoError(t, got.error)
	require.Equal(t, `{"trait":"spent","profile":"ann","old":null,"new":60,"at":"2026-01-01T00:00:00.000000000Z","cause":"event"}
{"trait":"spent","profile":"ann","old":60,"new":119.5,"at":"2026-01-01T12:00:00.000000000Z","cause":"event"}
{"audience":"big_spenders","profile":"ann","type":"entered","at":"2026-01-01T12:00:00.000000000Z","cause":"event"}
{"trait":"spent","profile":"ann","old":119.5,"new":59.5,"at":"2026-01-02T00:00:00.000000000Z","cause":"time"}
{"audience":"big_spenders","profile":"ann","type":"exited","at":"2026-01-02T00:00:00.000000000Z","cause":"time"}
{"trait":"spent","profile":"ann","old":59.5,"new":null,"at":"2026-01-02T12:00:00.000000000Z","cause":"time"}
`, got.out)
	require.Equal(t, `2 messages in 3ms, 667 events/s
2 transitions, 4 trait changes until 2026-02-01T00:00:00Z

AUDIENCE      MEMBERS
big_spenders  0

TRAIT  PROFILES
spent  0
`, got.err)

	got = replayed(log, time.Millisecond, args...)
	require.NoError(t, got.error)
	require.Equal(t, []string{
		"big_spenders ann entered 2026-01-01T12:00:00.000000000Z event",
		"big_spenders ann exited 2026-01-02T00:00:00.000000000Z time",
	}, got.lines())
}

func TestStdin(t *testing.T) {
	definitions := file(t, "buyers.json", buyers)
	got := replayed(ann+ben+cho, time.Millisecond, "-definitions", definitions, "-events", "-")
	require.NoError(t, got.error)
	require.Equal(t, untilCho, got.lines())

	log := file(t, "log.ndjson", ann+ben+cho)
	got = replayed(buyers, time.Millisecond, "-definitions", "-", "-events", log)
	require.NoError(t, got.error)
	require.Equal(t, untilCho, got.lines())
}

func TestGzip(t *testing.T) {
	// The name does not tell; and gzip files may be joined to one.
	log := zipped(t, ann+ben) + zipped(t, cho)
	got := replayed("", time.Millisecond,
		"-definitions", file(t, "buyers", zipped(t, buyers)), "-events", file(t, "log.ndjson", log))
	require.NoError(t, got.error)
	require.Equal(t, untilCho, got.lines())

	got = replayed(log, time.Millisecond, "-definitions", file(t, "buyers.json", buyers), "-events", "-")
	require.NoError(t, got.error)
	require.Equal(t, untilCho, got.lines())
}

func TestGzipThatIsCutOff(t *testing.T) {
	whole := zipped(t, ann+ben+cho)
	for _, size := range []int{3, len(whole) - 4} {
		got := replayed(whole[:size], time.Millisecond,
			"-definitions", file(t, "buyers.json", buyers), "-events", "-", "-skip-bad")
		require.ErrorIs(t, got.error, io.ErrUnexpectedEOF)
	}
}

func TestUntil(t *testing.T) {
	for _, test := range []struct {
		until string
		want  []string // after untilCho
		last  string
	}{
		{"2026-01-03T23:59:59.999999999Z", nil, "2026-01-03T23:59:59.999999999Z"},
		{"2026-01-04", []string{"buyers cho exited 2026-01-04T00:00:00.000000000Z time"}, "2026-01-04T00:00:00Z"},
		{"2026-01-01", nil, "2026-01-03T00:00:00Z"}, // time does not go back
	} {
		got := replayed(ann+ben+cho, time.Millisecond,
			"-definitions", file(t, "buyers.json", buyers), "-events", "-", "-until", test.until)
		require.NoError(t, got.error, test.until)
		require.Equal(t, append(untilCho[:len(untilCho):len(untilCho)], test.want...), got.lines(), test.until)
		require.Contains(t, got.err, " trait changes until "+test.last+"\n")
	}
}

func TestBadLineStops(t *testing.T) {
	log := file(t, "log.ndjson", ann+ben+"\n"+`{"type":"trac","userId":"ben"}`+"\n"+cho)
	got := replayed("", time.Millisecond, "-definitions", file(t, "buyers.json", buyers), "-events", log)
	require.EqualError(t, got.error, log+`:4: unknown type "trac"`)
	require.ErrorIs(t, got.error, profile.ErrInvalid)
	require.Equal(t, untilCho[:2], got.lines(), "what came before the bad line is out")
	require.Empty(t, got.err, "no summary of half a log")
}

func TestSkipBad(t *testing.T) {
	log := "{\n" + ann + `{"type":"track","userId":"ben","event":"Order Completed"}` + "\n" + ben + cho + "nonsense"
	got := replayed(log, time.Millisecond,
		"-definitions", file(t, "buyers.json", buyers), "-events", "-", "-skip-bad")
	require.NoError(t, got.error)
	require.Equal(t, untilCho, got.lines())
	require.Contains(t, got.err, "3 messages in 4ms, 750 events/s\n3 bad lines skipped\n")
}

func TestEmptyLog(t *testing.T) {
	got := replayed("", time.Millisecond, "-events", "-")
	require.NoError(t, got.error)
	require.Empty(t, got.out)
	require.Contains(t, got.err, "0 messages in 1ms, 0 events/s\n0 transitions, 0 trait changes\n")
}

func TestProgressOnceASecond(t *testing.T) {
	got := replayed(ann+ben+cho, 600*time.Millisecond, "-definitions", file(t, "buyers.json", buyers), "-events", "-")
	require.NoError(t, got.error)
	first, _, _ := strings.Cut(got.err, "\n")
	require.Equal(t, "2 messages, 2 transitions, 0 trait changes, at 2026-01-02T00:00:00Z, 2 events/s", first)
	require.Equal(t, 1, strings.Count(got.err, "messages,"), "the third message comes too soon after it")
}

func TestBadDefinitions(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`{"audiences": [}`, "invalid character '}'"},
		{`{"audiences": [{"key": "a", "wher": {}}]}`, `unknown field "wher"`},
		{`{"audiences": [{"key": "A", "where": {"event": {"name": "x"}}}]}`, `audience "A": key: bad key`},
		{`{"traits": [{"key": "a", "type": "sum", "event": "x"}]}`, `trait "a": `},
		{`{"audiences": [{"key": "a", "where": {"not": {"trait": "now > 1"}}}]}`, `audience "a": where.not.trait: `},
	} {
		path := file(t, "bad.json", test.text)
		got := replayed("", time.Millisecond, "-definitions", path)
		require.ErrorContains(t, got.error, path+": ")
		require.ErrorContains(t, got.error, test.want)
		require.Empty(t, got.out)
	}
}

func TestBadArguments(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-definitions", "absent.json"}, "absent.json: open absent.json: "},
		{[]string{"-events", "absent.ndjson"}, "absent.ndjson: open absent.ndjson: "},
		{[]string{"-until", "soon"}, `invalid value "soon" for flag -until: not a time such as`},
		{[]string{"-until", "2526-01-01"}, "not a time such as"},
		{[]string{"-evens", "x"}, "flag provided but not defined: -evens"},
		{[]string{"log.ndjson"}, `unexpected argument "log.ndjson"`},
		{[]string{"-definitions", "-", "-events", "-"}, "cannot both be stdin"},
	} {
		got := replayed("", time.Millisecond, test.args...)
		require.ErrorContains(t, got.error, test.want)
		require.Empty(t, got.out)
	}
}

func TestHelp(t *testing.T) {
	got := replayed("", time.Millisecond, "-h")
	require.NoError(t, got.error)
	require.Contains(t, got.err, "-skip-bad\n")
	require.Empty(t, got.out)
}

// fullDisk takes a number of bytes.
type fullDisk struct{ left int }

var errFull = errors.New("disk is full")

func (d *fullDisk) Write(p []byte) (int, error) {
	n := min(len(p), d.left)
	d.left -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func TestOutputThatCannotBeWritten(t *testing.T) {
	std := streams{in: strings.NewReader(""), err: io.Discard, now: time.Now}

	std.out = &fullDisk{left: 500} // found full by the last flush
	require.ErrorIs(t, run(context.Background(), nil, std), errFull)

	// Found full halfway: the engine is stopped. Each of a thousand users enters.
	var log strings.Builder
	for i := range 1000 {
		log.WriteString(strings.Replace(ann, `"ann"`, `"ann`+strings.Repeat("n", i)+`"`, 1))
	}
	std.in = strings.NewReader(log.String())
	std.out = &fullDisk{left: 500}
	err := run(context.Background(), []string{"-events", "-"}, std)
	require.ErrorIs(t, err, errFull)
	var callback *audience.CallbackError
	require.ErrorAs(t, err, &callback)
}

func TestInterrupt(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	interrupt()
	std := streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard, now: time.Now}
	require.ErrorIs(t, run(ctx, nil, std), context.Canceled)
}

// What the engine refuses is bad as well: a trait that is computed.
func TestSkipBadPassesOverAllThatIsRefused(t *testing.T) {
	definitions := file(t, "d.json", `{"traits": [{"key": "orders", "type": "count", "event": "Order Completed"}],
		"audiences": [{"key": "buyers", "where": {"trait": "traits.orders > 0"}}]}`)
	bad := `{"type":"identify","userId":"ann","anonymousId":"a1","traits":{"orders":5},"timestamp":"2026-01-01T00:00:00Z"}` + "\n" +
		`{"type":"track","userId":"undefined","event":"Order Completed","timestamp":"2026-01-01T00:00:00Z"}` + "\n" +
		`{"type":"\u001b[31m"}` + "\n"
	got := replayed(bad+ann, time.Millisecond, "-definitions", definitions, "-events", "-", "-skip-bad")
	require.NoError(t, got.error)
	require.Equal(t, []string{"buyers ann entered 2026-01-02T00:00:00.000000000Z event"}, got.lines())
	require.Contains(t, got.err, `skipped -:1: the engine computes this trait: "orders"`)
	require.Contains(t, got.err, "skipped -:2: neither userId nor anonymousId")
	require.Contains(t, got.err, "3 bad lines skipped")
	require.NotContains(t, got.err, "\x1b")

	got = replayed(bad, time.Millisecond, "-definitions", definitions, "-events", "-", "-skip-bad")
	require.ErrorIs(t, got.error, errAllBad)
	got = replayed(bad+ann, time.Millisecond, "-definitions", definitions, "-events", "-")
	require.ErrorContains(t, got.error, `-:1: the engine computes this trait: "orders"`)
}
