package state

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// TestPeriodsAnswerAsCountingAnewWould holds what a leaf remembers of periods against going
// through all events at every instant, and its ends to instants at which the answer changes,
// or those at which it may.
func TestPeriodsAnswerAsCountingAnewWould(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 2))
		periods, length := 1+rng.IntN(6), int64(1+rng.IntN(8))
		l := network.Count{Min: 1 + rng.IntN(periods), Max: network.MaxCount, Periods: periods, Length: length}
		l.Window = horizon.NewWindow(profile.Within(time.Duration(int64(periods) * length)))
		var m matches
		var all []int64
		truth := func(t int64) bool {
			in := map[int64]bool{}
			for _, at := range all {
				if i := (t - at) / length; at <= t && i < int64(periods) {
					in[i] = true
				}
			}
			return len(in) >= l.Min
		}
		now := int64(100)
		for range 60 {
			now += int64(rng.IntN(2) * rng.IntN(6))
			at := now - int64(rng.IntN(30)) + int64(rng.IntN(8))
			all = append(all, at)
			m.Add(&l, at, now)
			v := m.At(&l, now)
			if truth(now) != v.True || v.Until <= now {
				t.Fatalf("seed %d at %d: %v", seed, now, v)
			}
			for u := now + 1; u < min(v.Until, now+60); u++ {
				if truth(u) != v.True {
					t.Fatalf("seed %d at %d: %v, and at %d it is not", seed, now, v, u)
				}
			}
			future := 0
			for _, x := range m.Times {
				if x-int64(periods)*length > now {
					future++
				}
			}
			if len(m.Times)-future > 2*periods+2 {
				t.Fatalf("seed %d: %d times for %d periods", seed, len(m.Times), periods)
			}
		}
	}
}

func TestPeriodsRememberLittle(t *testing.T) {
	l := network.Count{Min: 15, Max: network.MaxCount, Periods: 30, Length: int64(profile.Day)}
	l.Window = horizon.NewWindow(profile.Within(30 * profile.Day))
	var m matches
	for at := int64(0); at < 200*int64(profile.Day); at += int64(time.Minute) {
		m.Add(&l, at, at)
		if len(m.Times) > 62 {
			t.Fatal(len(m.Times))
		}
	}
	require.LessOrEqual(t, cap(m.Times), 128)
}

// BenchmarkPeriods is a leaf of 15 of the last 30 days beside one that counts 15 events in
// 30 days: an event, and the answer.
func BenchmarkPeriods(b *testing.B) {
	window := horizon.NewWindow(profile.Within(30 * profile.Day))
	for name, every := range map[string]time.Duration{"hourly": time.Hour, "daily": profile.Day, "seldom": 45 * time.Hour} {
		for kind, l := range map[string]network.Count{
			"count":     {Min: 15, Max: network.MaxCount, Window: window},
			"regularly": {Min: 15, Max: network.MaxCount, Window: window, Periods: 30, Length: int64(profile.Day)},
		} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 1))
				b.ReportAllocs()
				var m matches
				now := int64(0)
				for b.Loop() {
					now += 1 + rng.Int64N(2*int64(every))
					m.Add(&l, now, now)
					m.At(&l, now)
				}
			})
		}
	}
}
