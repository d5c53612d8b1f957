package audience_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// BenchmarkBackfill makes an audience of a million users with three events each
// while events go on, and reports the longest time that one of these took.
func BenchmarkBackfill(b *testing.B) {
	const users = 1_000_000
	ctx := context.Background()
	clock := audience.NewManualClock(benchStart)
	e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	require.NoError(b, err)
	ids := make([]string, users)
	for i := range ids {
		ids[i] = fmt.Sprintf("user-%07d", i)
		for n := range 3 {
			require.NoError(b, e.Track(ctx, profile.Event{Profile: ids[i], Name: "View", Time: benchStart.Add(-time.Duration(n*i) * time.Second / 10)}))
		}
	}
	longest, events := time.Duration(0), 0
	b.ResetTimer()
	for n := range b.N {
		done := make(chan error)
		go func() {
			done <- e.Create(ctx, audience.Define(fmt.Sprint("a", n)).Members(
				audience.Performed("View").AtLeast(2).Within(profile.Day)))
		}()
		for running := true; running; events++ {
			select {
			case err := <-done:
				require.NoError(b, err)
				running = false
			default:
				before := time.Now()
				if err := e.Track(ctx, profile.Event{Profile: ids[events*7919%users], Name: "View", Time: benchStart}); err != nil {
					b.Fatal(err)
				}
				longest = max(longest, time.Since(before))
			}
		}
	}
	b.ReportMetric(float64(longest.Microseconds())/1000, "ms-longest-event")
	b.ReportMetric(float64(users)*float64(b.N)/b.Elapsed().Seconds(), "profiles/s")
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
