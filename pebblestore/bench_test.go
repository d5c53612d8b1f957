package pebblestore_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// unwaited is a store for which nobody waits: the engine acknowledges at once, as with an
// interval, whatever is synced when.
type unwaited struct{ profile.Store }

func (unwaited) Durable(context.Context, profile.Mark) error { return nil }

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
				disk += ingest(b, unwaited{s}, events)
				require.NoError(b, s.Close())
			}
			per := float64(b.N) * n * 1000
			b.ReportMetric(float64(memory)/per, "memory-us/event")
			b.ReportMetric(float64(disk)/per, "disk-us/event")
			b.ReportMetric(float64(disk)/float64(memory), "times")
		})
	}
}
