package pebblestore_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

var flips = flag.Int("flips", 8, "how many bytes of each file are flipped")

// large makes an event that takes many bytes, which no compression makes few.
func large(rng *rand.Rand, user string, n int) *profile.PutEvent {
	text := make([]byte, n)
	for i := range text {
		text[i] = byte('!' + rng.IntN(90))
	}
	o, err := profile.NewObject(map[string]any{"text": string(text)})
	if err != nil {
		panic(err) // of the test's own data
	}
	return &profile.PutEvent{Event: profile.Event{Profile: user, Name: "large", Time: shopStart, Properties: o}}
}

// A flipped byte of any file is an error of Open, of a reader or of Verify, or makes no
// difference.
func TestAFlippedByteIsNeverAWrongAnswer(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	fs := vfs.NewMem()
	s := open(t, fs, pebblestore.Options{CacheBytes: 1 << 20})
	c := newChanges(6)
	for range 7 { // some of it in tables, the rest in the log
		for range 20 {
			require.NoError(t, profile.Apply(t.Context(), s, c.now, c.batch()...))
		}
		require.NoError(t, profile.Apply(t.Context(), s, shopStart.Add(profile.Day), large(rng, "large", 60<<10)))
	}
	want, err := dump(s)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	files, err := fs.List("store")
	require.NoError(t, err)
	slices.Sort(files)
	kinds, caught := map[string]int{}, 0
	for _, name := range files {
		info, err := fs.Stat(fs.PathJoin("store", name))
		require.NoError(t, err)
		for range min(info.Size(), int64(*flips)) {
			at := rng.Int64N(info.Size())
			copied := vfs.NewMem()
			_, err := vfs.Clone(fs, copied, "store", "store")
			require.NoError(t, err)
			flip(t, copied, copied.PathJoin("store", name), at, byte(1)<<rng.IntN(8))
			if err := differs(copied, want); err != nil {
				require.NotContains(t, err.Error(), "wrong answer", "%s at %d of %d", name, at, info.Size())
				caught++
			}
			kinds[strings.TrimLeft(name, "0123456789")]++
		}
	}
	t.Logf("flipped bytes of %v: %d were errors", kinds, caught)
	require.Contains(t, kinds, ".sst")
	require.Contains(t, kinds, ".log")
	require.Greater(t, caught, *flips)
}

func flip(t *testing.T, fs vfs.FS, name string, at int64, bit byte) {
	f, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	require.NoError(t, err)
	var b [1]byte
	_, err = f.ReadAt(b[:], at)
	require.NoError(t, err)
	b[0] ^= bit
	_, err = f.WriteAt(b[:], at)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// differs returns nil if a store has what is wanted, and an error else.
func differs(fs vfs.FS, want []string) (err error) {
	s, err := pebblestore.Open("store", pebblestore.Options{FS: fs, CacheBytes: 1 << 20})
	if err != nil {
		return err
	}
	defer s.Close()
	got, err := dump(s)
	if err != nil {
		return err
	}
	if !slices.Equal(want, got) {
		return fmt.Errorf("wrong answer")
	}
	report, err := s.Verify(context.Background())
	if err == nil && len(report.Damages) > 0 {
		err = fmt.Errorf("damages: %v", report.Damages)
	}
	return err
}
