package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A store that was written to a file and made of it again is the same, and a replay goes on
// in it as it would have in the first.
func TestAStoreIsDumpedAndLoaded(t *testing.T) {
	definitions, log := file(t, "d.json", frequent), visitorsLog(600)
	lines := strings.SplitAfter(log, "\n")
	first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")
	path := file(t, "log.ndjson", strings.Join(lines[:300], ""))
	replay := func(folder string) result {
		return ran("", "replay", "-definitions", definitions, "-events", path, "-data", folder)
	}
	require.Equal(t, statusDone, replay(first).status)
	dumped := filepath.Join(t.TempDir(), "store.muster")
	out := ran("", "dump", "-data", first, "-o", dumped)
	require.Equal(t, statusDone, out.status, out.err)
	loaded := ran("", "load", "-data", second, dumped)
	require.Equal(t, statusDone, loaded.status, loaded.err)
	require.Equal(t, out.err, loaded.err)
	digest := ran("", "dump", "-data", second, "-digest")
	require.Contains(t, out.err, "digest "+digest.out)

	require.NoError(t, os.WriteFile(path, []byte(log), 0o644))
	want, got := replay(first), replay(second)
	require.Equal(t, statusDone, want.status, want.err)
	require.Equal(t, want.out, got.out)
	require.NotEmpty(t, got.out)
	require.Equal(t, ran("", "dump", "-data", first, "-digest"), ran("", "dump", "-data", second, "-digest"))

	again := ran("", "load", "-data", second, dumped)
	require.Equal(t, statusFailed, again.status)
	require.Contains(t, again.err, "the store is not empty")
	whole, err := os.ReadFile(dumped)
	require.NoError(t, err)
	third := filepath.Join(t.TempDir(), "third")
	half := ran(string(whole[:len(whole)/2]), "load", "-data", third, "-")
	require.Equal(t, statusFailed, half.status)
	require.Contains(t, half.err, "the export is damaged: it ends too early")
	require.Equal(t, statusDone, ran(string(whole), "load", "-data", third, "-").status, "it was left empty")
	none := ran("", "dump", "-data", filepath.Join(t.TempDir(), "none"))
	require.Equal(t, statusFailed, none.status)
}
