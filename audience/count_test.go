package audience

import (
	"math/rand/v2"
	"testing"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/stretchr/testify/require"
)

// TestMatchesAnswerAsCountingAnewWould holds what a count leaf remembers, with
// all that it drops, against counting all times at every instant.
func TestMatchesAnswerAsCountingAnewWould(t *testing.T) {
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		l := countLeaf{min: 1 + rng.IntN(4), max: maxCount}
		switch rng.IntN(3) {
		case 0:
			l.min--
			l.max = l.min
		case 1:
			l.min, l.max = 0, l.min-1
		}
		if rng.IntN(4) > 0 {
			l.from = int64(rng.IntN(2) * rng.IntN(12))
			l.to = l.from + 1 + int64(rng.IntN(12))
		}
		var m matches
		var all []int64
		truth := func(t int64) bool {
			n := 0
			for _, at := range all {
				if at+l.from <= t && (l.to == 0 || t < at+l.to) {
					n++
				}
			}
			return l.holds(n)
		}
		now := int64(100)
		for range 60 {
			if rng.IntN(3) == 0 {
				now += int64(rng.IntN(6))
			}
			at := now - 20 + int64(rng.IntN(30))
			all = append(all, at)
			m.add(&l, at, now)
			v := m.at(&l, now)
			require.Equal(t, truth(now), v.True, "seed %d at %d", seed, now)
			for u := now; u < now+60; u++ {
				if u < v.Until {
					require.Equal(t, v.True, truth(u), "seed %d: holds at %d", seed, u)
				} else {
					require.NotEqual(t, v.True, truth(u), "seed %d: until %d", seed, u)
					break
				}
			}
		}
	}
}

func TestMatchesRememberLittle(t *testing.T) {
	l := countLeaf{min: 1, max: maxCount, to: 1000}
	var m matches
	for at := range int64(1_000_000) {
		m.add(&l, at, at)
		require.LessOrEqual(t, cap(m.times), 16)
	}
	require.Equal(t, horizon.Verdict{True: true, Until: 999_999 + 1000}, m.at(&l, 999_999))
}
