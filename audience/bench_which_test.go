package audience_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// BenchmarkWhichEvents is what an event costs beside ten thousand audiences on products: with one
// leaf more, a count of events of one name, of several, of a prefix or of any, with none, and with
// ten thousand prefixes with which no event begins. Each has an engine of its own, and they take
// turns. What a leaf costs is what it is above none.
func BenchmarkWhichEvents(b *testing.B) {
	ctx := context.Background()
	base := benchAudiences()
	for i := range 10_000 {
		base = append(base, audience.Define(fmt.Sprintf("product_%d", i)).Members(
			audience.Performed("Product Viewed").Where(fmt.Sprintf(`properties.product_id == "none-%d"`, i)).Within(30*profile.Day)))
	}
	month := func(e audience.Event) []audience.Definition {
		return []audience.Definition{audience.Define("more").Members(e.AtLeast(3).Within(30 * profile.Day))}
	}
	var prefixes []audience.Definition
	for i := range 10_000 {
		prefixes = append(prefixes, audience.Define(fmt.Sprintf("prefix_%d", i)).Members(audience.PerformedPrefix(fmt.Sprintf("Product %d", i))))
	}
	cases := []struct {
		name string
		defs []audience.Definition
	}{
		{"none", nil},
		{"name", month(audience.Performed("Product Viewed"))},
		{"names", month(audience.Performed("Product Viewed", "Order Completed"))},
		{"prefix", month(audience.PerformedPrefix("Product "))},
		{"any", month(audience.PerformedAny())},
		{"10000-prefixes", prefixes},
	}
	engines, clocks := make([]*audience.Engine, len(cases)), make([]*audience.ManualClock, len(cases))
	for i, c := range cases {
		engines[i], clocks[i] = benchEngine(b, 1, append(base[:len(base):len(base)], c.defs...)...)
	}
	events := benchLog(200_000, 20_000)
	span, n := events[len(events)-1].Time.Sub(events[0].Time)+time.Hour, 0
	next := func() profile.Event {
		ev := events[n%len(events)]
		ev.Time = ev.Time.Add(time.Duration(n/len(events)) * span)
		n++
		return ev
	}
	take := func(i int, ev profile.Event) {
		clocks[i].Set(ev.Time)
		if err := engines[i].Track(ctx, ev); err != nil {
			b.Fatal(err)
		}
	}
	for range 100_000 { // until most users are known
		ev := next()
		for i := range cases {
			take(i, ev)
		}
	}
	// Of rounds of a thousand events the least, as others may be at work on the machine.
	const some = 1000
	least := make([]time.Duration, len(cases))
	var chunk []profile.Event
	for b.Loop() {
		chunk = chunk[:0]
		for range some {
			chunk = append(chunk, next())
		}
		for i := range cases {
			begun := time.Now()
			for _, ev := range chunk {
				take(i, ev)
			}
			if took := time.Since(begun); least[i] == 0 || took < least[i] {
				least[i] = took
			}
		}
	}
	for i, c := range cases {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, ev := range chunk {
			take(i, ev)
		}
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(least[i])/some, c.name+"-ns/event")
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/some, c.name+"-allocs/event")
	}
}
