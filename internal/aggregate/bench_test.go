package aggregate_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/aggregate"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// The benchmarks have ten thousand events in a window.
const (
	perEvent   = int64(time.Second)
	spanOfTime = 10_000 * time.Second
)

// BenchmarkSumByHand is what the sum in a window is measured against: a running
// sum of doubles over a slice, which drifts and takes no late event.
func BenchmarkSumByHand(b *testing.B) {
	type entry struct {
		at    int64
		total float64
	}
	var held []entry
	sum, now := 0.0, int64(0)
	values := someTotals()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now += perEvent
		f, _ := values[i%len(values)].Float()
		held = append(held, entry{now, f})
		sum += f
		for held[0].at+int64(spanOfTime) <= now {
			sum -= held[0].total
			held = held[1:]
		}
	}
	_ = sum
}

func BenchmarkAddAndAt(b *testing.B) {
	for _, typ := range everyType {
		for name, window := range map[string]profile.Window{"ever": {}, "window": profile.Within(spanOfTime)} {
			b.Run(typ.String()+"/"+name, func(b *testing.B) {
				benchmarkAdd(b, typ, window, func(int) time.Duration { return 0 })
			})
		}
		b.Run(typ.String()+"/window/late", func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 1))
			benchmarkAdd(b, typ, profile.Within(spanOfTime), func(int) time.Duration {
				return time.Duration(random.Int64N(int64(spanOfTime * 8 / 9)))
			})
		})
	}
}

func benchmarkAdd(b *testing.B, typ trait.Type, window profile.Window, late func(i int) time.Duration) {
	a := aggregate.Of(trait.Computed{Type: typ, Window: window})
	values := someTotals()
	if typ >= trait.TypeMostFrequent {
		for i := range values {
			values[i] = profile.StringValue(fmt.Sprintf("product-%d", i%50))
		}
	}
	now := int64(0)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now += perEvent
		a.Add(now-int64(late(i)), values[i%len(values)], now)
		a.At(now)
	}
}

func someTotals() []profile.Value {
	random := rand.New(rand.NewPCG(3, 3))
	values := make([]profile.Value, 1024)
	for i := range values {
		values[i] = profile.FloatValue(float64(random.IntN(100_000)) / 100)
	}
	return values
}

// BenchmarkUniqueValues reports the bytes that a count of unique values takes
// for each of 100,000 values of 20 bytes, those included.
func BenchmarkUniqueValues(b *testing.B) {
	const n = 100_000
	values := make([]profile.Value, n)
	for i := range values {
		values[i] = profile.StringValue(fmt.Sprintf("product-%012d", i))
	}
	for name, window := range map[string]profile.Window{"ever": {}, "window": profile.Within(spanOfTime)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a, size := uniqueOf(values, window)
				b.ReportMetric(size, "bytes/value")
				runtime.KeepAlive(a)
			}
		})
	}
}

// uniqueOf returns an aggregate of values and the bytes it takes for each.
func uniqueOf(values []profile.Value, window profile.Window) (*aggregate.State, float64) {
	before := heapInUse()
	a := aggregate.Of(trait.Computed{Type: trait.TypeUniqueListCount, Window: window})
	for i, v := range values {
		a.Add(int64(i), v, int64(i))
	}
	return a, float64(heapInUse()-before) / float64(len(values))
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The promise of BenchmarkUniqueValues, kept.
func TestUniqueListCountStaysWithin64BytesAValue(t *testing.T) {
	values := make([]profile.Value, 100_000)
	for i := range values {
		values[i] = profile.StringValue(fmt.Sprintf("product-%012d", i))
	}
	for _, window := range []profile.Window{{}, profile.Within(spanOfTime)} {
		a, size := uniqueOf(values, window)
		v, _ := a.At(int64(len(values)))
		require.Equal(t, profile.IntValue(100_000), v)
		require.Less(t, size, 64.0, window)
	}
}
