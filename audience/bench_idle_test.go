package audience_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// BenchmarkIdleProfile reports what the engine keeps of a profile 40 days after its
// last event, when all windows are over, beside what a new engine over the same store
// keeps.
func BenchmarkIdleProfile(b *testing.B) {
	const profiles, events = 5000, 20
	ctx := context.Background()
	heap := func() float64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	for b.Loop() {
		store := profile.NewMemStore()
		clock := audience.NewManualClock(start)
		e, err := audience.New(ctx, store, audience.Options{Clock: clock})
		require.NoError(b, err)
		file := audience.File{Traits: []trait.Computed{
			trait.Count("n", "Buy").Within(30 * profile.Day), trait.Sum("total", "Buy", "price").Within(30 * profile.Day),
			trait.UniqueList("skus", "Buy", "sku").Within(30 * profile.Day),
		}}
		for i := range 10 {
			file.Audiences = append(file.Audiences, audience.Define(fmt.Sprint("a", i)).Members(audience.All(
				audience.Performed("Buy").AtLeast(1+i).Within(time.Duration(20+i)*profile.Day),
				audience.Not(audience.Funnel(funnel.Start("s", "Buy").Followed("t", "Buy").
					Where("properties.sku == steps.s.properties.sku").Within(profile.Day).WithWindow(profile.Within(time.Duration(20+i)*profile.Day)))))))
		}
		require.NoError(b, e.CreateFile(ctx, file))
		for i := range events {
			clock.Set(start.Add(time.Duration(i) * time.Hour))
			for p := range profiles {
				require.NoError(b, e.Track(ctx, profile.Event{
					Profile: fmt.Sprint("u", p), Name: "Buy", Props: profile.Props{"price": 9.5, "sku": fmt.Sprint("s", i)},
				}))
			}
		}
		active := heap()
		require.NoError(b, e.Advance(ctx, start.Add(40*profile.Day)))
		idle := heap()
		require.NoError(b, e.Close())
		e = nil
		none := heap()
		e, err = audience.New(ctx, store, audience.Options{Clock: clock})
		require.NoError(b, err)
		fresh := heap()
		runtime.KeepAlive(e)
		b.ReportMetric((active-none)/profiles, "active-B/profile")
		b.ReportMetric((idle-none)/profiles, "idle-B/profile")
		b.ReportMetric((fresh-none)/profiles, "new-engine-B/profile")
		b.ReportMetric(0, "ns/op")
	}
}
