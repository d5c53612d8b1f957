package aggregate

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// A sum of doubles of any size is that of exact arithmetic, rounded once,
// however many have come and gone.
func TestSumDoesNotDriftOverAMillionEnterLeavePairs(t *testing.T) {
	const pairs, length = 1_000_000, 1000
	random := rand.New(rand.NewPCG(1, 1))
	window := profile.Within(length)
	sums := New(trait.Sum("s", "e", "p").Within(window.Max))
	means := New(trait.Average("a", "e", "p").Within(window.Max))
	exact := new(big.Float).SetPrec(2300)
	var held []float64
	naive, worst := 0.0, 0.0
	for at := range int64(pairs) {
		f := math.Ldexp(random.Float64()-0.5, random.IntN(2000)-1000)
		if at%2 == 0 {
			f = math.Round(random.Float64()*1e6) / 100 // an amount of money
		}
		sums.Add(at, profile.FloatValue(f), at)
		means.Add(at, profile.FloatValue(f), at)
		held = append(held, f)
		exact.Add(exact, new(big.Float).SetFloat64(f))
		naive += f
		if len(held) > length {
			exact.Sub(exact, new(big.Float).SetFloat64(held[0]))
			naive -= held[0]
			held = held[1:]
		}
		sum, _ := sums.At(at)
		mean, _ := means.At(at)
		if at%100 != 0 && at < pairs-10 {
			continue
		}
		want, _ := exact.Float64()
		require.Equal(t, profile.FloatValue(want), sum, at)
		worst = max(worst, math.Abs(naive-want)/math.Abs(want))
		total, _ := exact.Rat(nil)
		want, _ = total.Quo(total, big.NewRat(int64(len(held)), 1)).Float64()
		require.Equal(t, profile.FloatValue(want), mean, at)
	}
	require.NotZero(t, worst, "too easy: a running sum of doubles gets it right")
	sum, _ := sums.At(pairs + length)
	require.True(t, sum.IsNull())
}

func TestSumBeyondTheLargestDoubleIsAbsentUntilValuesLeave(t *testing.T) {
	a := New(trait.Sum("s", "e", "p").Within(10))
	a.Add(0, profile.FloatValue(math.MaxFloat64), 0)
	a.Add(5, profile.FloatValue(math.MaxFloat64), 5)
	a.Add(6, profile.FloatValue(0.1), 6)
	v, until := a.At(6)
	require.True(t, v.IsNull())
	require.EqualValues(t, 10, until)
	v, _ = a.At(10)
	require.Equal(t, profile.FloatValue(math.MaxFloat64), v)
	v, _ = a.At(15)
	require.Equal(t, profile.FloatValue(0.1), v)
}

func TestSumOfIntsBeyondInt64IsADoubleUntilValuesLeave(t *testing.T) {
	a := New(trait.Sum("s", "e", "p").Within(10))
	a.Add(0, profile.IntValue(math.MaxInt64), 0)
	a.Add(5, profile.IntValue(3), 5)
	v, _ := a.At(5)
	require.Equal(t, profile.FloatValue(1<<63), v)
	v, _ = a.At(10)
	require.Equal(t, profile.IntValue(3), v)
	a.Add(10, profile.FloatValue(1), 10)
	v, _ = a.At(10)
	require.Equal(t, profile.FloatValue(4), v)
	v, _ = a.At(15)
	require.Equal(t, profile.FloatValue(1), v)
}

// Words are added as a sum outgrows them, on either side of zero.
func TestAccumulatorGrows(t *testing.T) {
	for _, sign := range []float64{1, -1} {
		f := sign * math.Nextafter(0x1p17, 0) // ends with the last bit but one of a word
		for range 64 {
			f *= 2
			var sum accumulator
			exact := new(big.Rat)
			for i := range 3000 {
				sum.addFloat(f)
				exact.Add(exact, new(big.Rat).SetFloat64(f))
				if i%500 == 0 {
					want, _ := exact.Float64()
					require.Equal(t, want, sum.float(1))
				}
			}
			want, _ := exact.Float64()
			require.Equal(t, want, sum.float(1))
			for range 3000 {
				sum.addFloat(-f)
			}
			require.Zero(t, sum.float(1))
		}
	}
}

// FuzzAccumulator holds sums and means of three doubles of any bits, and of an
// int, to math/big.
func FuzzAccumulator(f *testing.F) {
	f.Add(uint64(1), uint64(1)<<63|1, math.Float64bits(math.MaxFloat64), int64(math.MinInt64), uint64(3))
	f.Add(uint64(3), uint64(2), uint64(2), int64(0), uint64(2))
	f.Add(math.Float64bits(0x1p53), math.Float64bits(1), math.Float64bits(0x1p-1074), int64(1), uint64(1))
	f.Add(uint64(1), uint64(0), uint64(0), int64(0), uint64(math.MaxUint64))
	f.Fuzz(checkAccumulator)
}

func TestAccumulatorOfRandomBits(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	for range 20_000 {
		n := random.Uint64()
		bits := [3]uint64{}
		for i := range bits {
			bits[i] = random.Uint64()
			if random.IntN(2) == 0 { // near the others, so that roundings matter
				bits[i] = bits[0]&^(0x7f<<52) | random.Uint64N(0x7f)<<52 ^ random.Uint64N(4)
			}
		}
		checkAccumulator(t, bits[0], bits[1], bits[2], int64(n)>>random.IntN(64), max(n>>random.IntN(64), 1))
	}
	// Means so small that what decides a rounding is left of the division only.
	for range 60_000 {
		checkAccumulator(t, 0, 0, 0, random.Int64N(16), math.MaxUint64-random.Uint64N(1<<60))
	}
}

func checkAccumulator(t *testing.T, a, b, c uint64, i int64, n uint64) {
	if n == 0 {
		return
	}
	var sum accumulator
	exact := new(big.Rat)
	for _, bits := range []uint64{a, b, c} {
		x := math.Float64frombits(bits)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		sum.addFloat(x)
		exact.Add(exact, new(big.Rat).SetFloat64(x))
	}
	sum.addInt(i)
	exact.Add(exact, new(big.Rat).SetInt64(i))
	for _, by := range []uint64{1, n} {
		want, _ := new(big.Rat).Quo(exact, new(big.Rat).SetInt(new(big.Int).SetUint64(by))).Float64()
		require.Equal(t, math.Float64bits(want), math.Float64bits(sum.float(by)), "%s / %d", exact, by)
	}
	got, ok := sum.int()
	require.Equal(t, exact.IsInt() && exact.Num().IsInt64(), ok)
	if ok {
		require.Equal(t, exact.Num().Int64(), got)
	}
	require.LessOrEqual(t, len(sum.words), 36)
	sum.subInt(i)
	for _, bits := range []uint64{c, a, b} {
		if x := math.Float64frombits(bits); !math.IsNaN(x) && !math.IsInf(x, 0) {
			sum.addFloat(-x)
		}
	}
	rest, ok := sum.int()
	require.True(t, ok)
	require.Zero(t, rest)
}
