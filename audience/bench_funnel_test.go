package audience_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// BenchmarkFunnel takes the same 200,000 events through two conditions on
// events and through a funnel of the two, whose second step is about the product
// of the first.
func BenchmarkFunnel(b *testing.B) {
	const n, window = 200_000, 7 * profile.Day
	viewed := funnel.Start("viewed", "Product Viewed").WithWindow(profile.Within(window))
	const same = "properties.product_id == steps.viewed.properties.product_id"
	for _, c := range []struct {
		name  string
		where audience.Condition
	}{
		{"leaves", audience.All(
			audience.Performed("Product Viewed").Within(window),
			audience.Performed("Order Completed").Within(window),
		)},
		{"followed", audience.Funnel(viewed.Followed("ordered", "Order Completed").Where(same).Within(profile.Day))},
		{"not followed", audience.Funnel(viewed.NotFollowed("ordered", "Order Completed").Where(same).Within(profile.Day))},
	} {
		for _, perUser := range []int{100, 10} {
			events := benchLog(n, n/perUser)
			b.Run(fmt.Sprint(c.name, "/", perUser), func(b *testing.B) {
				b.ReportAllocs()
				for range b.N {
					b.StopTimer()
					e, clock := benchEngine(b, 1, audience.Define("a").Members(c.where))
					b.StartTimer()
					benchIngest(b, e, clock, events)
				}
				perEvent(b, n)
			})
		}
	}
}

// BenchmarkFunnelMemory reports what the engine keeps of a funnel for each first
// step that is open, beside the events: the difference to an engine that has
// the same events and users, and a condition that keeps nothing of them.
func BenchmarkFunnelMemory(b *testing.B) {
	const users = 20_000
	at := benchStart
	heap := func(where audience.Condition, open int) float64 {
		e, clock := benchEngine(b, 1, audience.Define("a").Members(where))
		clock.Set(at)
		properties := make([]profile.Object, open)
		for i := range properties {
			o, err := profile.NewObject(map[string]any{"product_id": fmt.Sprintf("p%07d", i)})
			require.NoError(b, err)
			properties[i] = o
		}
		for u := range users {
			for i := range open {
				require.NoError(b, e.Track(context.Background(), profile.Event{
					Profile: fmt.Sprintf("user-%06d", u), Name: "Product Viewed", Time: at, Properties: properties[i],
				}))
			}
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		runtime.KeepAlive(e)
		return float64(m.HeapAlloc)
	}
	f := funnel.Start("viewed", "Product Viewed").NotFollowed("ordered", "Order Completed").Within(time.Hour).
		Where("properties.product_id == steps.viewed.properties.product_id").WithWindow(profile.Within(profile.Week))
	for _, open := range []int{1, 2, 10} {
		b.Run(fmt.Sprint(open), func(b *testing.B) {
			for range b.N {
				// Both have a cell and a timer; the count keeps one time beside.
				without := heap(audience.Performed("Product Viewed").AtLeast(1).Within(profile.Week), open)
				with := heap(audience.Funnel(f), open)
				b.ReportMetric((with-without)/users/float64(open), "bytes/open-step")
			}
		})
	}
}
