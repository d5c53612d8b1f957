package pebblestore_test

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// cpu returns the processor time that the process has used.
func cpu(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func ingest(tb testing.TB, store profile.Store, events []profile.Event) (spent time.Duration) {
	ctx := context.Background()
	clock := audience.NewManualClock(shopStart)
	e, err := audience.New(ctx, store, audience.Options{Clock: clock})
	require.NoError(tb, err)
	require.NoError(tb, e.Create(ctx, shopAudiences()...))
	_, err = e.Subscribe(func(context.Context, audience.Transition) error { return nil })
	require.NoError(tb, err)
	from := cpu(tb)
	for i := range events {
		clock.Set(events[i].Time)
		if err := e.Track(ctx, events[i]); err != nil {
			tb.Fatal(err)
		}
	}
	spent = cpu(tb) - from
	require.NoError(tb, e.Close())
	return spent
}

// BenchmarkEvent takes a log through ten audiences, in memory and on a disk. The
// processor time counts what runs in the background too.
func BenchmarkEvent(b *testing.B) {
	const n = 200_000
	for _, perUser := range []int{100, 10} {
		events := shopLog(n, n/perUser)
		b.Run(fmt.Sprintf("%d a user", perUser), func(b *testing.B) {
			var memory, disk time.Duration
			for range b.N {
				memory += ingest(b, profile.NewMemStore(), events)
				s, err := pebblestore.Open(b.TempDir(), pebblestore.Options{SyncInterval: 100 * time.Millisecond})
				require.NoError(b, err)
				disk += ingest(b, s, events)
				require.NoError(b, s.Close())
			}
			per := float64(b.N) * n * 1000
			b.ReportMetric(float64(memory)/per, "memory-us/event")
			b.ReportMetric(float64(disk)/per, "disk-us/event")
			b.ReportMetric(float64(disk)/float64(memory), "times")
		})
	}
}

// BenchmarkReplay replays a log through ten audiences, in memory and on a disk: a message a
// call, so that each is a commit, and 256 a call, which are commits of groups.
func BenchmarkReplay(b *testing.B) {
	const n = 100_000
	events := shopLog(n, n/10)
	messages := make([]profile.Message, 0, n)
	for _, ev := range events {
		messages = append(messages, profile.Message{Type: profile.Track, UserID: ev.Profile, Name: ev.Name, Time: ev.Time,
			MessageID: ev.MessageID, Properties: ev.Properties})
	}
	var spent [2][2]time.Duration // in memory, on a disk; one a call, many
	sizes := [2]int{1, 256}
	for range b.N {
		for i, size := range sizes {
			spent[0][i] += replay(b, profile.NewMemStore(), messages, size)
			s, err := pebblestore.Open(b.TempDir(), pebblestore.Options{SyncInterval: 100 * time.Millisecond})
			require.NoError(b, err)
			spent[1][i] += replay(b, s, messages, size)
			require.NoError(b, s.Close())
		}
	}
	per := float64(b.N) * n * 1000
	for i, store := range []string{"memory", "disk"} {
		for k, size := range sizes {
			b.ReportMetric(float64(spent[i][k])/per, fmt.Sprintf("%s-%d-us/event", store, size))
		}
	}
}

func replay(tb testing.TB, store profile.Store, messages []profile.Message, size int) (spent time.Duration) {
	ctx := context.Background()
	e, err := audience.New(ctx, store, audience.Options{Clock: audience.NewManualClock(profile.MinTime), Shards: 1})
	require.NoError(tb, err)
	require.NoError(tb, e.Create(ctx, shopAudiences()...))
	from := cpu(tb)
	for rest := messages; len(rest) > 0; {
		n := min(size, len(rest))
		refused, err := e.Replay(ctx, rest[:n]...)
		require.NoError(tb, err)
		require.Empty(tb, refused)
		rest = rest[n:]
	}
	spent = cpu(tb) - from
	require.NoError(tb, e.Close())
	return spent
}

// BenchmarkCommit is an event a transaction, each waited for until it is on the disk: from
// one goroutine, and from many, which share syncs.
func BenchmarkCommit(b *testing.B) {
	ctx := context.Background()
	for _, goroutines := range []int{1, 64} {
		b.Run(fmt.Sprint(goroutines), func(b *testing.B) {
			s, err := pebblestore.Open(b.TempDir(), pebblestore.Options{})
			require.NoError(b, err)
			events := shopLog(10_000, 1000)
			var next atomic.Int64
			var running sync.WaitGroup
			b.ResetTimer()
			for range goroutines {
				running.Add(1)
				go func() {
					defer running.Done()
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						ev := events[i%int64(len(events))]
						ev.MessageID = ""
						if err := commitOne(ctx, s, ev); err != nil {
							b.Error(err)
							return
						}
					}
				}()
			}
			running.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
			m, err := s.Metrics(ctx)
			require.NoError(b, err)
			b.ReportMetric(float64(b.N)/float64(m.Syncs), "commits/sync")
			b.ReportMetric(float64(m.SyncTotal.Microseconds())/float64(m.Syncs), "us/sync")
			require.NoError(b, s.Close())
		})
	}
}

func commitOne(ctx context.Context, s profile.Store, ev profile.Event) error {
	tx, err := s.Begin(ctx, ev.Time, profile.UserRef(ev.Profile))
	if err != nil {
		return err
	}
	defer tx.Abort()
	if err := tx.Put(&profile.PutEvent{Event: ev}); err != nil {
		return err
	}
	mark, err := tx.Commit()
	if err != nil {
		return err
	}
	return s.Durable(ctx, mark)
}

var stored = flag.Int("stored", 500_000, "how many events BenchmarkSize stores")

// BenchmarkSize stores events of users with 20 each, and says what they take on the disk
// once compacted, and how long it takes to open a store of that size.
func BenchmarkSize(b *testing.B) {
	ctx, dir := context.Background(), b.TempDir()
	s, err := pebblestore.Open(dir, pebblestore.Options{SyncInterval: time.Second})
	require.NoError(b, err)
	events := shopLog(*stored, *stored/20)
	start := time.Now()
	for len(events) > 0 {
		n := min(len(events), 500)
		batch := make([]profile.Change, 0, n)
		for _, ev := range events[:n] {
			batch = append(batch, &profile.PutEvent{Event: ev})
		}
		require.NoError(b, profile.Apply(ctx, s, events[n-1].Time, batch...))
		events = events[n:]
	}
	b.Logf("loaded %.0f events/s", float64(*stored)/time.Since(start).Seconds())
	require.NoError(b, s.Compact(ctx))
	m, err := s.Metrics(ctx)
	require.NoError(b, err)
	require.NoError(b, s.Close())
	b.ResetTimer()
	for range b.N {
		s, err := pebblestore.Open(dir, pebblestore.Options{})
		require.NoError(b, err)
		b.StopTimer()
		require.NoError(b, s.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(m.TableBytes)/float64(*stored), "B/event")
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/open")
}
