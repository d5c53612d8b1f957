package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A function is on the way if its first block ran more often with more events; a block of an
// empty line of code begins one column later.
func TestGrown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.go")
	require.NoError(t, os.WriteFile(file, []byte(`package a

func each(n int) int {
	return n
}

func once() {}

type t struct{}

func (t) each() {
	each(1)
}
`), 0o600))
	few := map[string]string{"3.23": "10", "7.14": "1", "11.17": "10"}
	many := map[string]string{"3.23": "20", "7.14": "1", "11.17": "20"}
	names, err := grown(file, few, many)
	require.NoError(t, err)
	require.Equal(t, []string{"each", "each"}, names)
	names, err = grown(file, few, few)
	require.NoError(t, err)
	require.Empty(t, names)
	_, err = grown(file+"x", few, many)
	require.Error(t, err)
}
