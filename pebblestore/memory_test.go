package pebblestore_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

var manyProfiles = flag.Int("profiles", 40_000, "how many profiles TestMemoryIsBounded has")

// With many times more profiles than the caches hold, what they hold stays within their
// budgets, and what is read again is as it was.
func TestMemoryIsBounded(t *testing.T) {
	const cache = 4 << 20
	ctx := t.Context()
	s, err := pebblestore.Open(t.TempDir(), pebblestore.Options{CacheBytes: cache, SyncInterval: time.Second})
	require.NoError(t, err)
	clock := audience.NewManualClock(shopStart)
	e, err := audience.New(ctx, unwaited{s}, audience.Options{Clock: clock, CacheBytes: cache})
	require.NoError(t, err)
	require.NoError(t, e.Create(ctx, audience.Define("seen").Members(audience.Performed("View").AtLeast(2)),
		audience.Define("recent").Members(audience.Performed("View").Within(profile.Day))))
	rng := rand.New(rand.NewPCG(1, 2))
	track := func(user, i int) {
		clock.Set(shopStart.Add(time.Duration(i) * time.Millisecond))
		require.NoError(t, e.Track(ctx, profile.Event{Profile: fmt.Sprintf("user-%08d", user), Name: "View",
			MessageID: fmt.Sprint(i), Time: clock.Now()}))
	}
	n := *manyProfiles
	var half, full runtime.MemStats
	measure := func(m *runtime.MemStats) {
		runtime.GC()
		runtime.ReadMemStats(m)
		figures, err := s.Metrics(ctx)
		require.NoError(t, err)
		require.LessOrEqual(t, figures.ProfileBytes, int64(cache/2))
		require.LessOrEqual(t, figures.BlockBytes, int64(cache/2*12/10))
		t.Logf("heap %d MB, resident %d MB; profiles %d kB for %d, blocks %d kB; hits %d, misses %d; disk %d kB", m.HeapAlloc>>20, resident()>>20,
			figures.ProfileBytes>>10, figures.CachedProfiles, figures.BlockBytes>>10, figures.BlockHits, figures.BlockMisses, figures.DiskBytes>>10)
	}
	for i := range n {
		track(i, i)
		if i%4 == 0 {
			track(rng.IntN(i/100+1), n+i) // hot ones
		}
		if i == n/2 {
			measure(&half)
		}
	}
	measure(&full)
	require.LessOrEqual(t, full.HeapAlloc, half.HeapAlloc*12/10+cache, "twice as many profiles take no more memory")
	count, err := s.Count(ctx, profile.User)
	require.NoError(t, err)
	require.Equal(t, n, count)
	recent, err := e.MemberCount(ctx, "recent")
	require.NoError(t, err)
	require.Equal(t, n, recent)
	require.NoError(t, e.Close())
	require.NoError(t, s.Close())
}

// resident returns the memory that the system says the process has, in bytes; 0 where it
// does not say so.
func resident() (bytes int64) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
