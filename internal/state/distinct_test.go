package state

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/muster-go/muster/internal/aggregate"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// BenchmarkDistinctDays is a leaf of 15 different days of the last 30, beside one that counts 15
// events in 30 days: an event, and the answer.
func BenchmarkDistinctDays(b *testing.B) {
	l := network.Count{Min: 15, Max: network.MaxCount, Window: horizon.NewWindow(profile.Within(30 * profile.Day))}
	for name, every := range map[string]time.Duration{"hourly": time.Hour, "daily": profile.Day} {
		const end = int64(200 * 365 * profile.Day)
		run := func(kind string, begin func(), add func(now int64)) {
			b.Run(name+"/"+kind, func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 1))
				b.ReportAllocs()
				begin()
				now := int64(0)
				for b.Loop() {
					now += 1 + rng.Int64N(2*int64(every))
					if now > end { // and so once in as many events that it costs nothing
						now = 0
						begin()
					}
					add(now)
				}
			})
		}
		var m matches
		run("count", func() { m = matches{} }, func(now int64) {
			m.Add(&l, now, now)
			m.At(&l, now)
		})
		days := horizon.NewUnits(profile.UnitDay, "Europe/Berlin")
		var distinct *aggregate.State
		run("distinct", func() {
			distinct = newAggregate(&network.Node{Kind: network.KindEvent, Distinct: true, Count: l})
		}, func(now int64) {
			distinct.Add(now, profile.IntValue(days.Begin(now)), now)
			distinct.Holds(now)
		})
	}
}
