package csvexport_test

import (
	"context"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/csvexport"
)

// names returns what is in a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestWriteFile(t *testing.T) {
	store, dir := shop(t), t.TempDir()
	path := filepath.Join(dir, "buyers.csv")
	export := csvexport.Export{Key: "buyers", Format: csvexport.IndexedColumns}
	want, _ := written(t, store, export)
	for range 2 { // the second takes the place of the first
		result, err := export.WriteFile(context.Background(), path, store)
		require.NoError(t, err)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, want, string(text))
		require.Equal(t, int64(len(text)), result.Bytes)
		require.Equal(t, crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)), result.CRC32C)
		require.Equal(t, []string{"buyers.csv"}, names(t, dir))
	}
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode())
	}
}

func TestWriteFileHere(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := csvexport.Export{Key: "buyers"}.WriteFile(context.Background(), "buyers.csv", shop(t))
	require.NoError(t, err)
	require.Equal(t, []string{"buyers.csv"}, names(t, "."))
}

// Whatever goes wrong, what was there before stays, and nothing else is left.
func TestWriteFileFails(t *testing.T) {
	store := crowd(t, 20_000)
	snapshot, err := store.Snapshot(context.Background())
	require.NoError(t, err)
	defer snapshot.Close()
	dir := t.TempDir()
	path := filepath.Join(dir, "buyers.csv")
	require.NoError(t, os.WriteFile(path, []byte("before"), 0o600))
	unchanged := func(t *testing.T) {
		t.Helper()
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "before", string(text))
		require.Equal(t, []string{"buyers.csv"}, names(t, dir))
	}

	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		export := csvexport.Export{Key: "buyers", Progress: func(csvexport.Progress) {
			require.Len(t, names(t, dir), 2)
			cancel()
		}}
		_, err := export.WriteFile(ctx, path, store)
		require.ErrorIs(t, err, context.Canceled)
		unchanged(t)
	})
	t.Run("cancelled at the end", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		export := csvexport.Export{Key: "buyers", Progress: func(p csvexport.Progress) {
			if p.Profiles == p.Total {
				cancel()
			}
		}}
		_, err := export.WriteFile(ctx, path, store)
		require.ErrorIs(t, err, context.Canceled)
		unchanged(t)
	})
	t.Run("unreadable", func(t *testing.T) {
		_, err := csvexport.Export{Key: "buyers"}.WriteFile(context.Background(), path, &broken{snapshot, "u019999", breaks})
		require.ErrorIs(t, err, errBroken)
		unchanged(t)
	})
	t.Run("unknown", func(t *testing.T) {
		_, err := csvexport.Export{Key: "x"}.WriteFile(context.Background(), path, store)
		require.Error(t, err)
		unchanged(t)
	})
	t.Run("a panic", func(t *testing.T) {
		export := csvexport.Export{Key: "buyers", Progress: func(csvexport.Progress) { panic("the caller's own") }}
		require.PanicsWithValue(t, "the caller's own", func() {
			_, _ = export.WriteFile(context.Background(), path, store)
		})
		unchanged(t)
	})
	t.Run("no such folder", func(t *testing.T) {
		_, err := csvexport.Export{Key: "buyers"}.WriteFile(context.Background(), filepath.Join(dir, "none", "buyers.csv"), store)
		require.ErrorIs(t, err, fs.ErrNotExist)
		unchanged(t)
	})
	t.Run("a folder is there", func(t *testing.T) {
		taken := filepath.Join(t.TempDir(), "folder")
		require.NoError(t, os.Mkdir(taken, 0o700))
		_, err := csvexport.Export{Key: "buyers"}.WriteFile(context.Background(), taken, store)
		require.Error(t, err)
		require.Equal(t, []string{"folder"}, names(t, filepath.Dir(taken)))
	})
}

// What a process that died left behind is gone after the next export; what another
// one is writing, and what is somebody else's, stays.
func TestTheNextExportRemovesWhatADeadOneLeft(t *testing.T) {
	s := shop(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "buyers.csv")
	old := time.Now().Add(-25 * time.Hour)
	for name, at := range map[string]time.Time{
		".buyers.csv.123.part": old, ".buyers.csv.456.part": time.Now(), ".others.csv.123.part": old, ".buyers.csv.swp": old,
	} {
		other := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(other, nil, 0o600))
		require.NoError(t, os.Chtimes(other, at, at))
	}
	_, err := csvexport.Export{Key: "buyers"}.WriteFile(t.Context(), path, s)
	require.NoError(t, err)
	require.Equal(t, []string{".buyers.csv.456.part", ".buyers.csv.swp", ".others.csv.123.part", "buyers.csv"}, names(t, dir))
}
