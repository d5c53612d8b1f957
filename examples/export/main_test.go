package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

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

// exported runs the program and returns what it prints.
func exported(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), args, &out))
	return out.String()
}

func TestStdout(t *testing.T) {
	golden(t, "stdout.txt", exported(t, "-stdout"))
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	golden(t, "files.txt", strings.ReplaceAll(exported(t, "-dir", dir, "-raw"), dir, "DIR"))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 5)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		golden(t, e.Name(), string(text))
	}
}

func TestNewFolder(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	first, _, _ := strings.Cut(exported(t), "\n")
	dir := strings.TrimSuffix(strings.TrimPrefix(first, "In "), ":")
	require.Equal(t, temp, filepath.Dir(dir))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 5)
}

func TestNobody(t *testing.T) {
	require.Contains(t, exported(t, "-stdout", "-users", "0"), "== recent_buyers.csv (unformatted)\nkey,external_ids\n\n")
}

func TestBadArguments(t *testing.T) {
	for want, args := range map[string][]string{
		"unexpected argument": {"x"},
		"exclude each other":  {"-stdout", "-dir", "x"},
		"no such file":        {"-dir", filepath.Join(t.TempDir(), "none")},
	} {
		require.ErrorContains(t, run(context.Background(), args, &bytes.Buffer{}), want)
	}
}
