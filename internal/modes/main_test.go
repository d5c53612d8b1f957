package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConditionsAreCountedByOperand(t *testing.T) {
	dir := t.TempDir()
	source := `package p
type s struct{ mute, stale bool; n int }
func (x s) f() bool {
	if x.mute && x.n > 1 || (x.stale) { // 2
	}
	for !x.mute { // 1
	}
	switch {
	case x.stale: // 1
	case x.n == 1:
	}
	if x.n > 2 {
	}
	return x.n > 1 && x.mute // 1
}
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.go"), []byte(source), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a_test.go"), []byte(source), 0o600))
	var out strings.Builder
	require.NoError(t, run(dir, []string{"mute", "stale"}, &out))
	require.Contains(t, out.String(), "   5 conditions\n")
	require.Equal(t, 2, strings.Count(out.String(), "\n"), "tests do not count")
	require.Error(t, run(filepath.Join(dir, "none"), nil, &out))
}
