package state

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// TestMatchesAnswerAsCountingAnewWould holds what a count leaf remembers, with
// all that it drops, against counting all times at every instant.
func TestMatchesAnswerAsCountingAnewWould(t *testing.T) {
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		l := network.Count{Min: 1 + rng.IntN(4), Max: network.MaxCount}
		switch rng.IntN(3) {
		case 0:
			l.Min--
			l.Max = l.Min
		case 1:
			l.Min, l.Max = 0, l.Min-1
		}
		var from, to int64
		if rng.IntN(4) > 0 {
			from = int64(rng.IntN(2) * rng.IntN(12))
			to = from + 1 + int64(rng.IntN(12))
		}
		l.Window = horizon.NewWindow(profile.Window{Min: time.Duration(from), Max: time.Duration(to)})
		var m matches
		var all []int64
		truth := func(t int64) bool {
			n := 0
			for _, at := range all {
				if at+from <= t && (to == 0 || t < at+to) {
					n++
				}
			}
			return l.Holds(n)
		}
		now := int64(100)
		for range 60 {
			if rng.IntN(3) == 0 {
				now += int64(rng.IntN(6))
			}
			at := now - 20 + int64(rng.IntN(30))
			all = append(all, at)
			m.Add(&l, at, now)
			v := m.At(&l, now)
			if truth(now) != v.True {
				t.Fatalf("seed %d at %d", seed, now)
			}
			for u := now; u < now+60; u++ {
				if holds := truth(u) == v.True; holds != (u < v.Until) {
					t.Fatalf("seed %d: until %d, and at %d as before: %t", seed, v.Until, u, holds)
				}
				if u >= v.Until {
					break
				}
			}
		}
	}
}

func TestMatchesRememberLittle(t *testing.T) {
	l := network.Count{Min: 1, Max: network.MaxCount, Window: horizon.NewWindow(profile.Within(1000))}
	var m matches
	for at := range int64(1_000_000) {
		m.Add(&l, at, at)
		require.LessOrEqual(t, cap(m.Times), 16)
	}
	require.Equal(t, horizon.Verdict{True: true, Until: 999_999 + 1000}, m.At(&l, 999_999))
}
