package pebblestore_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

var (
	largerProfiles = flag.Int("larger-profiles", 5_000_000, "how many profiles BenchmarkLargerThanMemory has")
	largerCache    = flag.Int64("larger-cache", 256<<20, "the bytes of its two caches together")
)

// BenchmarkLargerThanMemory loads many more profiles than the caches hold, three events each,
// with hot ones, one in a hundred, between them, and timers that fire; then events of hot and
// of cold profiles; and makes an audience of all, beside the data. It says after each part how
// much is in memory, and how many states of profiles, and blocks of the store, were found there.
func BenchmarkLargerThanMemory(b *testing.B) {
	for range b.N {
		ctx := context.Background()
		s, err := pebblestore.Open(b.TempDir(), pebblestore.Options{CacheBytes: *largerCache / 2, SyncInterval: 100 * time.Millisecond})
		require.NoError(b, err)
		clock := audience.NewManualClock(shopStart)
		e, err := audience.New(ctx, s, audience.Options{Clock: clock, CacheBytes: *largerCache / 2})
		require.NoError(b, err)
		require.NoError(b, e.Create(ctx, audience.Define("seen").Members(audience.Performed("View").AtLeast(2)),
			audience.Define("recent").Members(audience.Performed("View").Within(profile.Day))))
		n, events := *largerProfiles, 0
		rng := rand.New(rand.NewPCG(1, 2))
		step := 3 * profile.Day / time.Duration(n) // each comes in within three days: two thirds have exited by then
		track := func(user int) {
			events++
			clock.Set(shopStart.Add(time.Duration(events) * step / 3))
			err := e.Track(ctx, profile.Event{Profile: fmt.Sprintf("user-%08d", user), Name: "View", MessageID: fmt.Sprint(events), Time: clock.Now()})
			if err != nil {
				b.Fatal(err)
			}
		}
		part := func(name string, do func()) {
			start, from, before := time.Now(), cpu(b), events
			was, err := s.Metrics(ctx)
			require.NoError(b, err)
			stats := e.Stats()
			do()
			took, spent := time.Since(start), cpu(b)-from
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			is, err := s.Metrics(ctx)
			require.NoError(b, err)
			hits, misses := is.BlockHits-was.BlockHits, is.BlockMisses-was.BlockMisses
			units := max(events-before, 1)
			now := e.Stats()
			touched, read, fired := now.Touched-stats.Touched, now.Read-stats.Read, now.Timers-stats.Timers
			b.Logf("%-28s %9d events, %7.0f a second, %5.1f us of CPU each; %d timers; heap %d MB, resident %d MB, states found %.1f %% of %d, blocks %.1f %% of %d, disk %d MB",
				name, events-before, float64(units)/took.Seconds(), float64(spent.Microseconds())/float64(units),
				fired, m.HeapAlloc>>20, resident()>>20, 100*(1-float64(read)/float64(max(touched, 1))), touched, 100*float64(hits)/float64(max(hits+misses, 1)), hits+misses, is.DiskBytes>>20)
			b.ReportMetric(float64(resident()>>20), name+"-MB")
		}
		for quarter := range 4 {
			part(fmt.Sprintf("load-%d/4", quarter+1), func() {
				for user := quarter * n / 4; user < (quarter+1)*n/4; user++ {
					track(user)
					track(rng.IntN(user/100 + 1)) // hot ones
					track(max(0, user-rng.IntN(1000)))
				}
			})
		}
		part("hot", func() {
			for range n / 10 {
				track(rng.IntN(n/100 + 1))
			}
		})
		part("cold", func() {
			for range n / 10 {
				track(rng.IntN(n))
			}
		})
		start := time.Now()
		part("backfill", func() {
			require.NoError(b, e.Create(ctx, audience.Define("often").Members(audience.Performed("View").AtLeast(3))))
		})
		b.ReportMetric(float64(n)/time.Since(start).Seconds(), "backfilled/s")
		part("timers", func() {
			clock.Set(clock.Now().Add(2 * profile.Day))
			require.NoError(b, e.Advance(ctx, clock.Now()))
		})
		recent, err := e.MemberCount(ctx, "recent")
		require.NoError(b, err)
		require.Zero(b, recent)
		seen, err := e.MemberCount(ctx, "seen")
		require.NoError(b, err)
		require.Positive(b, seen)
		require.NoError(b, e.Close())
		require.NoError(b, s.Close())
	}
}
