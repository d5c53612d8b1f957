package sequence_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/profile"
)

// TestLongHistories goes on long enough for events to leave the window and be
// dropped, thousands of times over. The model is told only what is near it.
func TestLongHistories(t *testing.T) {
	env, err := celfilter.NewEnv(nil)
	require.NoError(t, err)
	seed := uint64(time.Now().UnixNano())
	traits, err := profile.NewObject(map[string]any{"least": 1})
	require.NoError(t, err)
	for run := range 12 {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(run)))}
		m := g.model()
		for m.Window.IsZero() {
			m = g.model()
		}
		matcher, err := sequence.Compile(m.Funnel, env)
		require.NoError(t, err)
		if run%2 == 0 {
			matcher.GoThrough(run / 2)
		}
		state := matcher.NewState()
		var near []fact
		for now := range 1500 {
			near = slices.DeleteFunc(near, func(f fact) bool { return now-f.at > seconds(m.Window.Max) })
			for range g.IntN(2) {
				f := g.fact(0, now)
				near = append(near, f)
				e := f.event()
				state.Add(&e, sequence.Traits{User: &traits}, second(now).UnixNano())
			}
			require.Equal(t, m.best(near, now) != nil, state.At(second(now).UnixNano()).True,
				fmt.Sprintf("seed %d, run %d: %v\n%v at %d", seed, run, m.Steps, near, now))
		}
	}
}

// TestExpiredStateIsDropped has a thousand times more events than are ever in
// the window, and then none.
func TestExpiredStateIsDropped(t *testing.T) {
	for _, f := range []funnel.Funnel{bought, abandoned, cheaper} {
		m, err := sequence.CompileAlone(f.Within(time.Minute).WithWindow(profile.Within(time.Hour)))
		require.NoError(t, err)
		events := shopping(t)
		s, before := m.NewState(), heap()
		var now time.Time
		for i := range 60_000 {
			now = second(60 * i)
			e := events[i%len(events)]
			e.Time = now
			s.Add(&e, sequence.Traits{}, now.UnixNano())
			s.At(now.UnixNano())
		}
		require.Less(t, heap()-before, int64(128<<10))
		require.False(t, s.At(now.Add(profile.Day).UnixNano()).True)
	}
}
