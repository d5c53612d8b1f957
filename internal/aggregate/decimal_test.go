package aggregate

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// asWritten is the number that a double is written as.
func asWritten(f float64) *big.Rat {
	x, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
	if !ok {
		panic("no finite double")
	}
	return x
}

func TestSumsAreExactInDecimal(t *testing.T) {
	for name, tc := range map[string]struct {
		of        []float64
		sum, mean float64
	}{
		"SPEC's":               {[]float64{20.58, 13.35, 66.07}, 100, 100.0 / 3},
		"tenths":               {[]float64{0.1, 0.2}, 0.3, 0.15},
		"ten tenths":           {[]float64{.1, .1, .1, .1, .1, .1, .1, .1, .1, .1}, 1, 0.1},
		"what cancels":         {[]float64{0.1, 0.7, -0.8}, 0, 0},
		"thousandths":          {[]float64{1.005, 2.675, -3.68}, 0, 0},
		"of different size":    {[]float64{1e22, 0.1, -1e22}, 0.1, 0.1 / 3},
		"largest and smallest": {[]float64{1e308, 5e-324, -1e308}, 5e-324, 0},
		"digits beyond cents":  {[]float64{1234567890.123, 0.877}, 1234567891, 617283945.5},
		"negative":             {[]float64{-20.58, -13.35, -66.07}, -100, -100.0 / 3},
	} {
		var d decimal
		for _, f := range tc.of {
			d.addFloat(f)
		}
		require.Equal(t, tc.sum, d.float(1), name)
		require.Equal(t, tc.mean, d.float(uint64(len(tc.of))), name)
		for _, f := range tc.of {
			d.addFloat(-f)
		}
		require.Zero(t, d.float(1), name)
	}
}

// A sum of doubles of any size is that of exact arithmetic, rounded once,
// however many have come and gone.
func TestSumDoesNotDriftOverManyEnterLeavePairs(t *testing.T) {
	const pairs, length = 40_000, 1000
	random := rand.New(rand.NewPCG(1, 1))
	window := profile.Within(length)
	sums := Of(trait.Sum("s", "e", "p").Within(window.Max))
	means := Of(trait.Average("a", "e", "p").Within(window.Max))
	exact := new(big.Int) // times 10^400
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(400), nil)
	scaled := func(f float64) *big.Int {
		x := asWritten(f)
		return x.Mul(x, new(big.Rat).SetInt(scale)).Num()
	}
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
		exact.Add(exact, scaled(f))
		naive += f
		if len(held) > length {
			exact.Sub(exact, scaled(held[0]))
			naive -= held[0]
			held = held[1:]
		}
		sum, _ := sums.At(at)
		mean, _ := means.At(at)
		if at%100 != 0 && at < pairs-10 {
			continue
		}
		total := new(big.Rat).SetFrac(exact, scale)
		want, _ := total.Float64()
		require.Equal(t, profile.FloatValue(want), sum, at)
		worst = max(worst, math.Abs(naive-want)/math.Abs(want))
		want, _ = total.Quo(total, big.NewRat(int64(len(held)), 1)).Float64()
		require.Equal(t, profile.FloatValue(want), mean, at)
	}
	require.NotZero(t, worst, "too easy: a running sum of doubles gets it right")
	sum, _ := sums.At(pairs + length)
	require.True(t, sum.IsNull())
}

func TestSumBeyondTheLargestDoubleIsAbsentUntilValuesLeave(t *testing.T) {
	a := Of(trait.Sum("s", "e", "p").Within(10))
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
	a := Of(trait.Sum("s", "e", "p").Within(10))
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

// A sum outgrows an int64, on either side of zero.
func TestDecimalGrows(t *testing.T) {
	for _, sign := range []float64{1, -1} {
		f := sign * math.Nextafter(0x1p17, 0) // ends with the last bit but one of a word
		for range 64 {
			f *= 2
			var sum decimal
			exact := new(big.Rat)
			for i := range 3000 {
				sum.addFloat(f)
				exact.Add(exact, asWritten(f))
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

// FuzzDecimal holds sums and means of three doubles of any bits, and of an
// int, to math/big.
func FuzzDecimal(f *testing.F) {
	f.Add(uint64(1), uint64(1)<<63|1, math.Float64bits(math.MaxFloat64), int64(math.MinInt64), uint64(3))
	f.Add(uint64(3), uint64(2), uint64(2), int64(0), uint64(2))
	f.Add(math.Float64bits(0x1p53), math.Float64bits(1), math.Float64bits(0x1p-1074), int64(1), uint64(1))
	f.Add(uint64(1), uint64(0), uint64(0), int64(0), uint64(math.MaxUint64))
	f.Fuzz(checkDecimal)
}

func TestDecimalOfRandomBits(t *testing.T) {
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
		checkDecimal(t, bits[0], bits[1], bits[2], int64(n)>>random.IntN(64), max(n>>random.IntN(64), 1))
	}
	// Means so small that what decides a rounding is left of the division only.
	for range 60_000 {
		checkDecimal(t, 0, 0, 0, random.Int64N(16), math.MaxUint64-random.Uint64N(1<<60))
	}
}

func checkDecimal(t *testing.T, a, b, c uint64, i int64, n uint64) {
	if n == 0 {
		return
	}
	var sum decimal
	exact := new(big.Rat)
	for _, bits := range []uint64{a, b, c} {
		x := math.Float64frombits(bits)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		sum.addFloat(x)
		exact.Add(exact, asWritten(x))
	}
	sum.add(i)
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
	require.LessOrEqual(t, sum.unscaled().BitLen(), 8*350)
	sum.sub(i)
	for _, bits := range []uint64{c, a, b} {
		if x := math.Float64frombits(bits); !math.IsNaN(x) && !math.IsInf(x, 0) {
			sum.addFloat(-x)
		}
	}
	rest, ok := sum.int()
	require.True(t, ok)
	require.Zero(t, rest)
}
