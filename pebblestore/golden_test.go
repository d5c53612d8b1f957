package pebblestore_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

var golden = flag.Bool("golden", false, "make the golden directory anew: for a new version of the format only")

// A directory that an earlier version of this package has written are read as it was
// meant. There is one for each version of the format.
func TestTheGoldenDirectoriesAreRead(t *testing.T) {
	const versions = 2
	if *golden {
		makeGolden(t, fmt.Sprintf("testdata/format-%d", versions))
	}
	for version := 1; version <= versions; version++ {
		dir := fmt.Sprintf("testdata/format-%d", version)
		want, err := os.ReadFile(filepath.Join(dir, "contents.txt"))
		require.NoError(t, err)
		got, err := goldenDump(filepath.Join(dir, "store"), t)
		require.NoError(t, err)
		require.Equal(t, string(want), strings.Join(got, "\n"), dir)
	}
}

func makeGolden(t *testing.T, dir string) {
	require.NoError(t, os.RemoveAll(dir))
	s, err := pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{CacheBytes: 1 << 20})
	require.NoError(t, err)
	fill(t, s, 77, 120)
	require.NoError(t, s.Close())
	s, err = pebblestore.Open(filepath.Join(dir, "store"), pebblestore.Options{CacheBytes: 1 << 20})
	require.NoError(t, err) // which made tables of the log
	require.NoError(t, profile.Apply(t.Context(), s, shopStart.AddDate(0, 1, 0), &profile.PutIDs{Ref: profile.UserRef("last")},
		&profile.SetPosition{Name: "log", Offset: "12"}))
	require.NoError(t, s.Close())
	want, err := goldenDump(filepath.Join(dir, "store"), t)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "contents.txt"), []byte(strings.Join(want, "\n")), 0o644))
}

// goldenDump reads a copy in memory: opening a store changes its files.
func goldenDump(dir string, t *testing.T) ([]string, error) {
	fs := vfs.NewMem()
	_, err := vfs.Clone(vfs.Default, fs, dir, "store")
	require.NoError(t, err)
	s := open(t, fs, pebblestore.Options{})
	defer s.Close()
	sound(t, s)
	return dump(s)
}
