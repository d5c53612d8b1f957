package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/cmd/muster/internal/schema"
)

const (
	buyers = `{"audiences": [{"key": "buyers", "where": {"event": {"name": "Order Completed", "window": {"within": "1d"}}}}]}`
	orders = `{"type":"track","userId":"ann","event":"Order Completed","timestamp":"2026-01-02T00:00:00Z","messageId":"1"}` + "\n" +
		`{"type":"delete","userId":"ben"}` + "\n" +
		`{"type":"track","userId":"ben","event":"Order Completed","timestamp":"2026-01-01T12:00:00Z","messageId":"2"}` + "\n"
	entered = `{"audience":"buyers","profile":"ann","type":"entered","at":"2026-01-02T00:00:00.000000000Z","cause":"event"}` + "\n" +
		`{"audience":"buyers","profile":"ben","type":"entered","at":"2026-01-02T00:00:00.000000000Z","cause":"event"}` + "\n"
)

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func TestFilesMayBeCompressedOrTheStandardInput(t *testing.T) {
	definitions, log := file(t, "d", buyers), file(t, "log", orders)
	for _, tc := range []struct{ stdin, definitions, log string }{
		{"", definitions, log},
		{orders, definitions, "-"},
		{buyers, "-", log},
		{zipped(t, orders), definitions, "-"},
		{"", file(t, "d", zipped(t, buyers)), file(t, "log", zipped(t, orders))},
	} {
		got := ran(tc.stdin, "replay", "-quiet", "-definitions", tc.definitions, "-events", tc.log)
		require.Equal(t, result{statusDone, entered, ""}, got)
	}
	cut := zipped(t, orders)
	got := ran(cut[:len(cut)-4], "replay", "-skip-bad", "-definitions", definitions, "-events", "-")
	require.Equal(t, statusFailed, got.status)
	require.Contains(t, got.err, "muster: -:4: unexpected EOF")
	got = ran(cut[:3], "check", definitions, "-events", "-")
	require.Equal(t, result{statusFailed, "", "muster: -: unexpected EOF\n"}, got)
}

func TestBadLinesCanBePassedOver(t *testing.T) {
	bad := "nonsense\n" + `{"type":"\u001b[31m"}` + "\n"
	definitions := file(t, "d", buyers)
	got := ran(bad+orders, "replay", "-definitions", definitions, "-events", "-", "-skip-bad")
	require.Equal(t, statusDone, got.status)
	require.Equal(t, entered, got.out)
	require.Contains(t, got.err, "skipped -:1: ")
	require.Contains(t, got.err, "2 bad lines skipped\n")
	require.NotContains(t, got.err, "\x1b")
	got = ran(orders+bad, "replay", "-definitions", definitions, "-events", "-")
	require.Equal(t, statusFailed, got.status)
	require.Equal(t, entered, got.out, "what came before the bad line is out")
	require.Contains(t, got.err, "muster: -:4: ")
	// What the engine refuses is bad as well: a trait that is computed.
	computed := file(t, "d", `{"traits": [{"key": "orders", "type": "count", "event": "E"}]}`)
	got = ran(`{"type":"identify","userId":"ann","timestamp":"2026-01-02","traits":{"orders":5}}`, "replay", "-definitions", computed, "-events", "-")
	require.Equal(t, statusFailed, got.status)
	require.Equal(t, "muster: -:1: the engine computes this trait: \"orders\"\n", got.err)
	got = ran(bad+orders, "check", definitions, "-events", "-", "-skip-bad")
	require.Equal(t, statusDone, got.status)
	got = ran(bad, "check", definitions, "-events", "-", "-skip-bad")
	require.Equal(t, statusFailed, got.status)
	require.Contains(t, got.err, "muster: -: there is no message in it\n")
}

// The bar is for a terminal, and for what takes longer than a second.
func TestProgress(t *testing.T) {
	definitions := file(t, "d", buyers)
	log := file(t, "log", strings.Repeat(strings.Split(orders, "\n")[0]+"\n", 3000))
	args := []string{"replay", "-quiet", "-definitions", definitions, "-events", log}
	got := ran("", args...)
	require.Empty(t, got.err, "no terminal")
	got = ranSlowly(context.Background(), "", 1500*time.Millisecond, args...)
	require.Equal(t, statusDone, got.status)
	require.Contains(t, got.err, "\rreading "+log+" [==========")
	require.Contains(t, got.err, " %, 2s left, 1024 messages")
	require.True(t, strings.HasSuffix(got.err, " \r"), "the bar is gone in the end: %q", got.err)
	got = ranSlowly(context.Background(), "", 1500*time.Millisecond, append(args[:4:4], "-events", file(t, "short", orders))...)
	require.Empty(t, got.err, "a few lines are no long work")
	got = ranSlowly(context.Background(), strings.Repeat(strings.Split(orders, "\n")[0]+"\n", 1024), 1500*time.Millisecond, append(args[:4:4], "-events", "-")...)
	require.Contains(t, got.err, "\rreading - 1024 messages", "how long the standard input is nobody knows")
}

func TestAnInterrupt(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	interrupt()
	for _, args := range [][]string{
		{"replay", "-definitions", file(t, "d", buyers), "-events", file(t, "log", orders)},
		{"check", file(t, "d", buyers), "-events", file(t, "log", orders)},
		{"test", file(t, "script.txt", "track ann Visit\n")},
	} {
		got := ranSlowly(ctx, "", time.Millisecond, args...)
		require.Equal(t, statusInterrupted, got.status, got.err)
		require.Empty(t, got.out)
	}
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
	definitions, log := file(t, "d", buyers), file(t, "log", orders)
	many := file(t, "many", manyBuyers(1000))
	for _, args := range [][]string{
		{"replay", "-definitions", definitions, "-events", log},
		{"replay", "-definitions", definitions, "-events", many}, // found full halfway
		{"explain", "buyers", "ann", "-definitions", definitions, "-events", log},
		{"preview", "buyers", "-definitions", definitions, "-events", log},
		{"export", "buyers", "-definitions", definitions, "-events", log},
		{"plan", definitions, definitions},
		{"check", "-json", definitions},
		{"fmt", definitions},
		{"schema"},
	} {
		var errs bytes.Buffer
		status := run(context.Background(), args, streams{in: strings.NewReader(""), out: &fullDisk{left: 5}, err: &errs, now: time.Now})
		require.Equal(t, statusFailed, status, args)
		require.Contains(t, errs.String(), errFull.Error(), args)
	}
}

// manyBuyers returns a log in which each of so many users buys.
func manyBuyers(users int) string {
	var log strings.Builder
	line, _, _ := strings.Cut(orders, "\n")
	for i := range users {
		log.WriteString(strings.Replace(line, `"ann"`, `"ann`+strings.Repeat("n", i)+`"`, 1) + "\n")
	}
	return log.String()
}

func TestTestUpdatesScripts(t *testing.T) {
	definitions := file(t, "buyers.json", buyers)
	script := file(t, "script.txt", "track ann \"Order Completed\"\nexpect members of buyers: ben\n")
	got := ran("", "test", "-update", definitions, script)
	require.Equal(t, result{statusDone, "updated " + script + "\n1 script, 1 expectation, 0 failures\n", ""}, got)
	text, err := os.ReadFile(script)
	require.NoError(t, err)
	require.Equal(t, "track ann \"Order Completed\"\nexpect members of buyers: ann\n", string(text))
	require.Equal(t, result{statusDone, "1 script, 1 expectation, 0 failures\n", ""}, ran("", "test", definitions, script))
}

func TestTestWritesJUnit(t *testing.T) {
	definitions := file(t, "buyers.json", buyers)
	right := file(t, "right.txt", "track ann \"Order Completed\"\nexpect ann in buyers\nat day 20\nexpect ann not in buyers\n")
	wrong := file(t, "wrong.txt", "track ann \"Order Completed\"\nexpect members of buyers: ben\ndelete audience sellers\n")
	path := filepath.Join(t.TempDir(), "out.xml")
	got := ran("", "test", "-junit", path, "-coverage", definitions, right, wrong)
	require.Equal(t, statusFound, got.status, got.err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var suites struct {
		Suites []suite `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal(text, &suites))
	require.Len(t, suites.Suites, 3)
	for i, want := range []struct {
		name            string
		tests, failures int
	}{{right, 2, 0}, {wrong, 2, 2}, {"coverage", 0, 0}} {
		s := suites.Suites[i]
		require.Equal(t, want.name, s.Name)
		require.Equal(t, want.tests, s.Tests)
		require.Equal(t, want.failures, s.Failures)
		require.Len(t, s.Cases, s.Tests)
	}
	met, not, broken := suites.Suites[0].Cases[0], suites.Suites[1].Cases[0], suites.Suites[1].Cases[1]
	require.Equal(t, "line 2: expect ann in buyers", met.Name)
	require.Nil(t, met.Failure)
	require.Equal(t, "line 2: expect members of buyers: ben", not.Name)
	require.Equal(t, wrong+":2: members of buyers differ (- expected, + found)", not.Failure.Message)
	require.Contains(t, not.Failure.Text, "✗ performed")
	require.Equal(t, "line 3: delete audience sellers", broken.Name)
	require.Contains(t, broken.Failure.Message, "not found")
	got = ran("", "test", "-junit", filepath.Join(path, "none"), definitions, right)
	require.Equal(t, statusFailed, got.status)
}

func TestExportWritesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "buyers.csv")
	args := []string{"export", "buyers", "-definitions", file(t, "d", buyers), "-events", file(t, "log", orders), "-o"}
	got := ran("", append(args, path)...)
	require.Equal(t, result{statusDone, "", path + ": 2 rows, 80 bytes, unformatted, CRC-32C " + got.err[len(got.err)-9:]}, got)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "key,external_ids\r\nann,\"{\"\"user_id\"\":[\"\"ann\"\"]}\"\r\nben,\"{\"\"user_id\"\":[\"\"ben\"\"]}\"\r\n", string(text))
	got = ran("", append(args, filepath.Join(path, "none"))...)
	require.Equal(t, statusFailed, got.status)
}

func TestFmtWritesFiles(t *testing.T) {
	path := file(t, "d.json", buyers)
	printed := ran("", "fmt", path)
	require.Equal(t, result{statusDone, "", ""}, ran("", "fmt", "-w", path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, printed.out, string(text))
	require.Equal(t, result{statusDone, "", ""}, ran("", "fmt", "-check", path))
	require.Equal(t, printed.out, ran(buyers, "fmt", "-").out)
	// One that cannot be read keeps the others from being written.
	other := file(t, "other.json", buyers)
	got := ran("", "fmt", "-w", other, file(t, "bad.json", "{"))
	require.Equal(t, statusFailed, got.status)
	text, err = os.ReadFile(other)
	require.NoError(t, err)
	require.Equal(t, buyers, string(text))
}

func TestSchemaIsWritten(t *testing.T) {
	got := ran("", "schema")
	require.Equal(t, result{statusDone, string(schema.Definitions), ""}, got)
	require.True(t, json.Valid([]byte(got.out)))
}

func TestCompletionScripts(t *testing.T) {
	for shell, has := range map[string]string{
		"bash": "complete ", "zsh": "compdef _muster muster", "fish": "complete -c muster", "pwsh": "Register-ArgumentCompleter",
	} {
		got := ran("", "completion", shell)
		require.Equal(t, statusDone, got.status, got.err)
		require.Contains(t, got.out, has, shell)
	}
	require.Equal(t, statusFailed, ran("", "completion", "csh").status)
}
