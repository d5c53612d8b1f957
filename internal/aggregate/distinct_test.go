package aggregate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/aggregate"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// A condition on distinct values answers what counting them anew does, in every window, with
// events that come late or are to come, and says exactly when that changes.
func TestDistinctAgainstCountingAnew(t *testing.T) {
	windows := append(slices.Clone(someWindows), profile.WithinMonths(1), profile.BetweenMonths(1, 2),
		profile.Last(profile.UnitDay, "Europe/Berlin"), profile.This(profile.UnitWeek, ""), profile.Until(time.Unix(0, 1500)))
	held, changed := 0, 0
	for seed := range uint64(1500) {
		rng := rand.New(rand.NewPCG(seed, 3))
		w := windows[rng.IntN(len(windows))]
		step := int64(1)
		if w.Unit != profile.NoUnit || w.MaxMonths > 0 {
			step = int64(8 * time.Hour)
		}
		window := horizon.NewWindow(w)
		of := aggregate.Range{Min: rng.IntN(4), Max: math.MaxInt}
		if of.Enough = of.Min; of.Min == 0 || rng.IntN(2) == 0 {
			of.Max = of.Min + rng.IntN(3)
			of.Enough = of.Max + 1
		}
		type event struct {
			start, end int64
			value      int64
		}
		var events []event
		state := aggregate.NewDistinct(of, window)
		count := func(t int64) (truth bool) {
			values := map[int64]bool{}
			for _, e := range events {
				if e.start <= t && t < e.end {
					values[e.value] = true
				}
			}
			return of.Min <= len(values) && len(values) <= of.Max
		}
		values := 1 + rng.Int64N(8)
		now := 1000 * step
		for range 50 {
			for range rng.IntN(4) {
				at := now + step*(rng.Int64N(60)-45)
				if rng.IntN(3) > 0 {
					at = now
				}
				v := rng.Int64N(values)
				start, end := window.Span(at)
				events = append(events, event{start, end, v})
				value := profile.IntValue(v)
				if rng.IntN(4) == 0 {
					value = profile.FloatValue(float64(v)) // the same
				}
				state.Add(at, value, now)
				state.Add(at, profile.Value{}, now) // has none
			}
			got := state.Holds(now)
			want := horizon.Verdict{True: count(now), Until: horizon.Never}
			for _, e := range events {
				for _, edge := range []int64{e.start, e.end} {
					if edge > now && edge < want.Until && count(edge) != want.True {
						want.Until = edge
					}
				}
			}
			if got != want {
				require.Equal(t, want, got, "seed %d at %d: %+v in %s: %v", seed, now, of, w, events)
			}
			if got.True {
				held++
			}
			if want.Until != horizon.Never {
				changed++
			}
			if rng.IntN(3) == 0 && want.Until != horizon.Never {
				now = want.Until
			} else if rng.IntN(2) == 0 {
				now += step * rng.Int64N(20)
			}
		}
	}
	require.Greater(t, held, 10_000)
	require.Greater(t, changed, 10_000)
}

// What is kept is bounded by the count that is asked for, and nothing when all is over.
func TestDistinctKeepsNoMoreThanDecides(t *testing.T) {
	window := horizon.NewWindow(profile.Within(profile.Day))
	state := aggregate.NewDistinct(aggregate.Range{Min: 10, Max: math.MaxInt, Enough: 10}, window)
	now := int64(0)
	size := 0
	for i := range int64(100_000) {
		now += int64(time.Second)
		state.Add(now, profile.IntValue(i), now)
		require.Equal(t, i >= 9, state.Holds(now).True)
		size = max(size, state.Size())
	}
	require.Less(t, size, 6000)
	now += int64(profile.Day)
	require.Equal(t, horizon.Always(false), state.Holds(now))
	require.True(t, state.Spent(profile.Value{}, horizon.Never))
}

// BenchmarkDistinct is an event and its answer: a leaf of 15 distinct values in 30 days, of ten and
// of a million that events have, and of 1000, beside a count of distinct values that a computed
// trait keeps.
func BenchmarkDistinct(b *testing.B) {
	window := horizon.NewWindow(profile.Within(30 * profile.Day))
	for _, values := range []int64{10, 1_000_000} {
		for _, k := range []int{15, 1000} {
			b.Run(fmt.Sprintf("%d_of_%d", k, values), func(b *testing.B) {
				benchDistinct(b, values, aggregate.NewDistinct(aggregate.Range{Min: k, Max: math.MaxInt, Enough: k}, window), (*aggregate.State).Holds)
			})
		}
		b.Run(fmt.Sprintf("trait_of_%d", values), func(b *testing.B) {
			state := aggregate.Of(trait.Computed{Type: trait.TypeUniqueListCount, Window: profile.Within(30 * profile.Day)})
			benchDistinct(b, values, state, func(s *aggregate.State, now int64) horizon.Verdict {
				_, until := s.At(now)
				return horizon.Verdict{Until: until}
			})
		})
	}
}

func benchDistinct(b *testing.B, values int64, state *aggregate.State, answer func(*aggregate.State, int64) horizon.Verdict) {
	rng := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	now := int64(0)
	for b.Loop() {
		now += 1 + rng.Int64N(2*int64(time.Hour))
		state.Add(now, profile.IntValue(rng.Int64N(values)), now)
		answer(state, now)
	}
}
