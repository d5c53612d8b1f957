package aggregate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/aggregate"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

var everyType = []trait.Type{
	trait.TypeCount, trait.TypeSum, trait.TypeMin, trait.TypeMax, trait.TypeAverage,
	trait.TypeMostFrequent, trait.TypeFirst, trait.TypeLast, trait.TypeUniqueList, trait.TypeUniqueListCount,
}

var someWindows = []profile.Window{
	{}, profile.Within(1), profile.Within(12), profile.Within(60),
	profile.Between(5, 20), profile.Between(19, 20), profile.Between(1, 90),
}

// Of every type in every window the aggregate answers what recomputation from
// all events does, at every instant until its horizon, and the horizon is an
// instant at which an event comes or goes.
func TestAggregateAgainstRecomputation(t *testing.T) {
	runs := 60
	if testing.Short() {
		runs = 10
	}
	for _, typ := range everyType {
		for _, window := range someWindows {
			t.Run(fmt.Sprintf("%s/%s", typ, window), func(t *testing.T) {
				values := 0
				for seed := range uint64(runs) {
					values += playAgainstModel(t, typ, window, seed)
				}
				require.Greater(t, values, runs, "hardly any run had a value")
			})
		}
	}
}

// playAgainstModel returns the number of times that the trait was present.
func playAgainstModel(t *testing.T, typ trait.Type, window profile.Window, seed uint64) (present int) {
	random := rand.New(rand.NewPCG(seed, uint64(typ)))
	def := trait.Computed{Type: typ, Window: window}
	if typ == trait.TypeMostFrequent {
		def.MinFrequency = random.IntN(4)
	}
	m := &model{def: def}
	state := aggregate.Of(def)
	value := someValues(random)
	now := int64(1000)
	for range 60 {
		for range random.IntN(4) {
			e := event{at: now, value: value()}
			switch random.IntN(4) {
			case 0:
				e.at -= random.Int64N(100)
			case 1:
				e.at += random.Int64N(30)
			}
			m.events = append(m.events, e)
			state.Add(e.at, e.value, now)
		}
		got, until := state.At(now)
		want := m.at(now)
		require.Equal(t, want.String(), got.String(), "seed %d at %d: %v", seed, now, m.events)
		if !got.IsNull() {
			present++
		}
		checkHorizon(t, m, want, now, until)
		switch random.IntN(3) {
		case 0:
			now += random.Int64N(25)
		case 1:
			if until != horizon.Never {
				now = until
			}
		}
	}
	return present
}

func checkHorizon(t *testing.T, m *model, want profile.Value, now, until int64) {
	t.Helper()
	require.Greater(t, until, now)
	isChange := until == horizon.Never
	for _, change := range m.changes() {
		switch {
		case change == until:
			isChange = true
		case change > now && change < until:
			require.Equal(t, want.String(), m.at(change).String(), "at %d, before %d: %v", change, until, m.events)
		}
	}
	require.True(t, isChange, "nothing comes or goes at %d: %v", until, m.events)
}

// someValues returns a source of values, of a mix that differs from run to run.
func someValues(random *rand.Rand) func() profile.Value {
	one := profile.IntValue(1)
	small := []func() profile.Value{
		func() profile.Value { return profile.IntValue(random.Int64N(5) - 2) },
		func() profile.Value { return profile.FloatValue(float64(random.IntN(9)-4) / 2) },
		func() profile.Value { return profile.FloatValue(math.Copysign(0, -1)) },
		func() profile.Value { return profile.StringValue(fmt.Sprint(random.IntN(4))) },
		func() profile.Value { return profile.FloatValue(random.NormFloat64()) },
		func() profile.Value { return profile.Value{} },
		func() profile.Value { return profile.BoolValue(random.IntN(2) == 0) },
		func() profile.Value { return profile.ListValue(one, profile.FloatValue(float64(random.IntN(3)))) },
		func() profile.Value {
			o, _ := profile.NewObject(map[string]any{"a": random.IntN(2), "b": []any{1.0, nil, "x"}})
			return o.Value()
		},
	}
	wild := []func() profile.Value{
		func() profile.Value { return profile.IntValue(int64(random.Uint64())) },
		func() profile.Value { return profile.IntValue(math.MaxInt64) },
		func() profile.Value { return profile.IntValue(math.MinInt64) },
		func() profile.Value { return profile.FloatValue(1 << 63) },
		func() profile.Value { return profile.FloatValue(math.MaxFloat64) },
		func() profile.Value { return profile.FloatValue(-math.MaxFloat64) },
		func() profile.Value { return profile.FloatValue(math.Float64frombits(random.Uint64())) },
		func() profile.Value { return profile.FloatValue(5e-324 * float64(random.IntN(9))) },
	}
	sources := small[:1+random.IntN(len(small))]
	if random.IntN(3) == 0 {
		sources = append(append([]func() profile.Value{}, sources...), wild[:1+random.IntN(len(wild))]...)
	}
	return func() profile.Value { return sources[random.IntN(len(sources))]() }
}
