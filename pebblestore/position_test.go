package pebblestore_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// A reader of a log that the machine stops, again and again, and whatever was not synced is
// lost of, goes on behind the position that is left: in the end the state is that of a store in memory
// that was let alone, ids of what was told included. No message has an id by which one that
// is taken twice would be found.
func TestAfterCrashesAReaderGoesOnFromThePosition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 13))
	var log []profile.Message
	at := shopStart
	for range 300 {
		at = at.Add(time.Duration(rng.IntN(600)) * time.Second)
		m := profile.Message{Type: profile.Track, UserID: fmt.Sprint("u", rng.IntN(6)), Name: "Buy", Time: at}
		switch rng.IntN(8) {
		case 0:
			m.Name = "" // it is refused
		case 1:
			m.AnonymousID = fmt.Sprint("a", rng.IntN(3))
		}
		log = append(log, m)
	}
	begin := func(s profile.Store) *audience.Engine {
		e, err := audience.New(t.Context(), s, audience.Options{Clock: audience.NewManualClock(profile.MinTime), Shards: 1})
		require.NoError(t, err)
		if len(e.List()) == 0 {
			require.NoError(t, e.Create(t.Context(), audience.Define("lately").Members(audience.Performed("Buy").AtLeast(2).Within(40*time.Minute))))
		}
		return e
	}
	// read takes some of the log from behind the position, and says whether that was all.
	read := func(e *audience.Engine, some int) (all bool) {
		p, err := e.Position(t.Context(), "log")
		require.NoError(t, err)
		next := 0
		if p.Offset != "" {
			next, err = strconv.Atoi(p.Offset)
			require.NoError(t, err)
			next++
		}
		for ; next < len(log) && some > 0; some-- {
			piece := log[next:min(next+1+some%4, len(log))]
			offsets := make([]string, len(piece))
			for i := range piece {
				offsets[i] = strconv.Itoa(next + i)
			}
			_, err := e.Replay(audience.WithPosition(t.Context(), "log", offsets...), piece...)
			require.NoError(t, err)
			next += len(piece)
		}
		if next < len(log) {
			return false
		}
		require.NoError(t, e.Advance(t.Context(), at.Add(2*time.Hour)))
		return true
	}
	alone := profile.NewMemStore()
	e := begin(alone)
	require.True(t, read(e, len(log)))
	require.NoError(t, e.Close())
	want := export(t, alone)
	for _, interval := range []time.Duration{0, 20 * time.Millisecond} {
		fs, crashes := vfs.NewCrashableMem(), 0
		s := open(t, fs, pebblestore.Options{SyncInterval: interval})
		e := begin(s)
		for !read(e, 1+rng.IntN(20)) {
			crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
			require.NoError(t, e.Close())
			require.NoError(t, s.Close())
			if crashes++; crashes%3 == 0 { // it was closed first
				crashed = fs.CrashClone(vfs.CrashCloneCfg{})
			}
			fs = crashed
			s = open(t, fs, pebblestore.Options{SyncInterval: interval})
			sound(t, s)
			e = begin(s)
		}
		require.NoError(t, e.Close())
		require.Greater(t, crashes, 3)
		require.Equal(t, want, export(t, s))
		require.NoError(t, s.Close())
	}
}
