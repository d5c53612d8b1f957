package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	buyers = `{"audiences": [{"key": "buyers", "where": {"event": {"name": "Order Completed", "window": {"within": "7d"}}}}]}`
	right  = "track ann \"Order Completed\"\nexpect ann in buyers\nat day 20\nexpect ann not in buyers\n"
	wrong  = "track ann \"Order Completed\"\nexpect members of buyers: ben\n"
)

// result is what a run of the program did.
type result struct {
	status   int
	out, err string
}

// ran runs the program in a folder of its own with some files.
func ran(t *testing.T, files map[string]string, args ...string) result {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	return again(args...)
}

// again runs the program where it is.
func again(args ...string) result {
	var out, errs bytes.Buffer
	status := run(context.Background(), args, &out, &errs)
	return result{status, out.String(), errs.String()}
}

func TestTheShopIsAsItsScriptsExpect(t *testing.T) {
	paths, err := filepath.Glob("shop/*")
	require.NoError(t, err)
	got := again(paths...)
	require.Equal(t, result{passed, "scripts: 2, expectations: 9, failures: 0\n", ""}, got)
}

func TestAnExpectationThatIsNotMet(t *testing.T) {
	files := map[string]string{"buyers.json": buyers, "right.txt": right, "wrong.txt": wrong}
	got := ran(t, files, "buyers.json", "right.txt", "wrong.txt")
	require.Equal(t, result{failed, `wrong.txt:2: members of buyers differ (- expected, + found)
    - ben
    + ann

  why: ben is not in buyers at day 1 00:00
       ✗ performed "Order Completed" at least once within 7d

  why: ann is in buyers at day 1 00:00, until day 8 00:00
       ✓ performed "Order Completed" at least once within 7d, until day 8 00:00
           1 event: day 1 00:00

scripts: 2, expectations: 3, failures: 1
`, ""}, got)
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	files := map[string]string{
		"bad.json": `{"audience": []}`, "bad.txt": "nonsense\n", "worse.txt": "at noon\n", "good.txt": "at day 2\n",
	}
	got := ran(t, files, "bad.json", "bad.txt", "none.txt", "worse.txt", "good.txt")
	require.Equal(t, unusable, got.status)
	require.Empty(t, got.out)
	require.Contains(t, got.err, `bad.json: 1:2: unknown field "audience", did you mean "audiences"?`)
	require.Contains(t, got.err, "bad.txt:1: want a command")
	require.Contains(t, got.err, "none.txt: no such file")
	require.Contains(t, got.err, "worse.txt:1: want a time")
}

func TestWithoutAScriptThereIsNothingToRun(t *testing.T) {
	for _, args := range [][]string{nil, {"shop/definitions.json"}} {
		require.Equal(t, result{unusable, "", "audtest: want at least one script\n"}, again(args...))
	}
}

// An interrupted run is not a failed one.
func TestInterrupted(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("a.txt", []byte("track ann Visit\n"), 0o644))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	require.Equal(t, unusable, run(ctx, []string{"a.txt"}, &out, &errs))
	require.Contains(t, errs.String(), "canceled")
}
