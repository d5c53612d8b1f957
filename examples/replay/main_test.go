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

// Every form tells the same story: a visitor looks, turns out to be ann, who is on
// the plan pro, and buys for 60, for acme.
func TestFormats(t *testing.T) {
	definitions := file(t, "d.json", `{"audiences": [
		{"key": "buyers", "where": {"event": {"name": "Order Completed", "where": "properties.total == 60"}}},
		{"key": "lookers", "where": {"event": {"name": "Product Viewed"}}},
		{"key": "pros", "where": {"trait": "traits.plan == \"pro\""}}
	]}`)
	for name, log := range map[string]string{
		"segment": `
{"type":"track","anonymousId":"a1","event":"Product Viewed","timestamp":"2026-01-01T00:00:00Z","messageId":"1"}
{"type":"identify","userId":"ann","anonymousId":"a1","traits":{"plan":"pro"},"timestamp":"2026-01-02T00:00:00Z","messageId":"2"}
{"type":"track","userId":"ann","event":"Order Completed","properties":{"total":60},"timestamp":"2026-01-03T00:00:00Z","messageId":"3"}`,
		"rudderstack": `
{"batch":[{"type":"track","anonymousId":"a1","event":"Product Viewed","originalTimestamp":"2026-01-01T00:00:00.000Z","messageId":"1","channel":"web"}]}
{"type":"identify","userId":"ann","anonymousId":"a1","context":{"traits":{"plan":"pro"}},"originalTimestamp":"2026-01-02T00:00:00.000Z","messageId":"2"}
{"type":"track","userId":"ann","event":"Order Completed","properties":{"total":60},"originalTimestamp":"2026-01-03T00:00:00.000Z","messageId":"3"}`,
		"warehouse": `
{"table":"tracks","id":"1","anonymous_id":"a1","event":"product_viewed","event_text":"Product Viewed","timestamp":"2026-01-01 00:00:00 UTC","context_ip":"::1"}
{"table":"identifies","id":"2","user_id":"ann","anonymous_id":"a1","plan":"pro","received_at":"2026-01-02 00:00:00+00","uuid_ts":"2026-02-02"}
{"id":"3","user_id":"ann","event":"order_completed","event_text":"Order Completed","total":60,"timestamp":"2026-01-03 00:00:00.000"}`,
		"posthog": `
{"uuid":"1","event":"Product Viewed","distinct_id":"a1","properties":{"$device_id":"a1"},"timestamp":"2026-01-01T00:00:00Z"}
{"uuid":"2","event":"$identify","distinct_id":"ann","properties":{"$anon_distinct_id":"a1","$set":{"plan":"pro"}},"timestamp":"2026-01-02T00:00:00Z"}
{"uuid":"3","event":"Order Completed","distinct_id":"ann","properties":{"total":60,"$device_id":"a1"},"timestamp":"2026-01-03T00:00:00Z"}`,
		"amplitude": `
{"$insert_id":"1","event_type":"Product Viewed","device_id":"a1","user_id":null,"event_time":"2026-01-01 00:00:00.000000","event_properties":{}}
{"$insert_id":"2","event_type":"$identify","device_id":"a1","user_id":"ann","event_time":"2026-01-02 00:00:00.000000","user_properties":{"plan":"pro"}}
{"$insert_id":"3","event_type":"Order Completed","device_id":"a1","user_id":"ann","event_time":"2026-01-03 00:00:00.000000","event_properties":{"total":60},"groups":{"company":["acme"]}}`,
		"mixpanel": `
{"event":"Product Viewed","properties":{"time":1767225600,"distinct_id":"$device:a1","$device_id":"a1","$insert_id":"1"}}
{"event":"$identify","properties":{"time":1767312000,"$identified_id":"ann","$anon_id":"$device:a1","$insert_id":"2"}}
{"$distinct_id":"ann","$properties":{"$last_seen":"2026-01-02T00:00:00","plan":"pro","$email":"ann@x.io"}}
{"event":"Order Completed","properties":{"time":1767398400,"distinct_id":"ann","$user_id":"ann","$device_id":"a1","$insert_id":"3","total":60}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got := replayed(log, time.Millisecond, "-definitions", definitions, "-events", "-", "-format", name)
			require.NoError(t, got.error)
			require.Equal(t, []string{
				"lookers a1 entered 2026-01-01T00:00:00.000000000Z event",
				"lookers a1 exited 2026-01-02T00:00:00.000000000Z merge",
				"lookers ann entered 2026-01-02T00:00:00.000000000Z merge",
				"pros ann entered 2026-01-02T00:00:00.000000000Z trait",
				"buyers ann entered 2026-01-03T00:00:00.000000000Z event",
			}, got.lines())
		})
	}
	got := replayed(`{"event":"x"}`, time.Millisecond, "-definitions", definitions, "-events", "-", "-format", "mixpanel")
	require.EqualError(t, got.error, "-:1: no event with properties")
	got = replayed("", time.Millisecond, "-format", "heap")
	require.ErrorContains(t, got.error, "want one of amplitude, mixpanel, posthog, rudderstack, segment, warehouse")
}

func TestADeleteLineDeletesTheUser(t *testing.T) {
	got := replayed(ann+`{"type":"delete","userId":"ann"}`+"\n"+ann, time.Millisecond, "-definitions", file(t, "b.json", buyers), "-events", "-")
	require.NoError(t, got.error)
	require.Equal(t, []string{
		"buyers ann entered 2026-01-02T00:00:00.000000000Z event",
		"buyers ann exited 2026-01-02T00:00:00.000000000Z delete",
	}, got.lines(), "and what is sent again stays a duplicate")
	got = replayed(`{"type":"delete"}`, time.Millisecond, "-definitions", file(t, "b.json", buyers), "-events", "-")
	require.ErrorContains(t, got.error, "userId is empty")
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
