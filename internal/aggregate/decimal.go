package aggregate

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// decimal is an exact sum of numbers in decimal: a double counts as the number
// that it is written as, the shortest that reads as that double, so 20.58 + 13.35 +
// 66.07 is 100. Most sums are an int64 times a power of ten; one that outgrows that
// is a big integer of at most 350 bytes, until it is reset.
type decimal struct {
	small int64
	large *big.Int // instead of small; nil: not needed
	scale int      // digits after the point
}

// add adds a whole number.
func (d *decimal) add(i int64) { d.addScaled(i, 0) }

// sub takes a whole number away.
func (d *decimal) sub(i int64) {
	if i != math.MinInt64 {
		d.addScaled(-i, 0)
		return
	}
	d.addScaled(math.MaxInt64, 0)
	d.addScaled(1, 0)
}

// addFloat adds a finite double.
func (d *decimal) addFloat(f float64) {
	mantissa, exponent := decimalOf(f)
	for ; exponent > 0 && d.large == nil; exponent-- {
		m, ok := mul10(mantissa)
		if !ok {
			break
		}
		mantissa = m
	}
	if exponent > 0 {
		d.grow()
		x := new(big.Int).Mul(big.NewInt(mantissa), pow10(exponent+d.scale))
		d.large.Add(d.large, x)
		return
	}
	d.addScaled(mantissa, -exponent)
}

// addScaled adds m / 10^scale.
func (d *decimal) addScaled(m int64, scale int) {
	if d.large == nil && d.addSmall(m, scale) {
		return
	}
	d.grow()
	if scale > d.scale {
		d.large.Mul(d.large, pow10(scale-d.scale))
		d.scale = scale
	}
	x := big.NewInt(m)
	if scale < d.scale {
		x.Mul(x, pow10(d.scale-scale))
	}
	d.large.Add(d.large, x)
}

// addSmall adds m / 10^scale if an int64 holds the sum; else it changes nothing.
func (d *decimal) addSmall(m int64, scale int) bool {
	sum, ok := d.small, true
	for s := d.scale; s < scale; s++ {
		if sum, ok = mul10(sum); !ok {
			return false
		}
	}
	for s := scale; s < d.scale; s++ {
		if m, ok = mul10(m); !ok {
			return false
		}
	}
	total := sum + m
	if (total > sum) != (m > 0) && m != 0 {
		return false
	}
	d.small, d.scale = total, max(d.scale, scale)
	return true
}

func (d *decimal) grow() {
	if d.large == nil {
		d.large, d.small = big.NewInt(d.small), 0
	}
}

func (d *decimal) reset() { *d = decimal{} }

// int returns the sum if it is an int64.
func (d *decimal) int() (int64, bool) {
	if d.large == nil && d.scale == 0 {
		return d.small, true
	}
	whole, rest := new(big.Int).QuoRem(d.unscaled(), pow10(d.scale), new(big.Int))
	return whole.Int64(), rest.Sign() == 0 && whole.IsInt64()
}

func (d *decimal) unscaled() *big.Int {
	if d.large != nil {
		return d.large
	}
	return big.NewInt(d.small)
}

// float returns the double that is nearest to the sum divided by n: an infinity
// beyond the doubles.
func (d *decimal) float(n uint64) float64 {
	const exact = 1 << 53 // whole numbers up to it are doubles
	if d.large == nil && max(d.small, -d.small) <= exact && d.scale < 16 {
		if hi, by := bits.Mul64(n, powers[d.scale]); hi == 0 && by <= exact {
			return float64(d.small) / float64(by) // both exact: it is rounded once
		}
	}
	by := new(big.Int).Mul(new(big.Int).SetUint64(n), pow10(d.scale))
	f, _ := new(big.Rat).SetFrac(d.unscaled(), by).Float64()
	return f
}

// decimalOf returns a finite double as it is written: mantissa · 10^exponent.
func decimalOf(f float64) (mantissa int64, exponent int) {
	// Most are whole, or have two digits after the point. Of at most 15 digits no
	// two numbers are the same double, so what reads as f is what it is written as.
	const digits15 = 1e15
	if whole := math.Trunc(f); whole == f && math.Abs(f) < digits15 {
		return int64(f), 0
	}
	if cents := math.Round(f * 100); math.Abs(cents) < digits15 && cents/100 == f {
		return int64(cents), -2
	}
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], f, 'e', -1, 64)
	negative, after := false, -1 // digits after the point; -1: it has not come
	for i, c := range text {
		switch {
		case c == '-':
			negative = true
		case c == '.':
			after = 0
		case c == 'e':
			exponent, _ = strconv.Atoi(string(text[i+1:]))
			exponent -= max(after, 0)
			if negative {
				mantissa = -mantissa
			}
			return mantissa, exponent
		default:
			mantissa = mantissa*10 + int64(c-'0') // at most 17 digits
			if after >= 0 {
				after++
			}
		}
	}
	return mantissa, exponent
}

func mul10(m int64) (int64, bool) {
	if m > math.MaxInt64/10 || m < math.MinInt64/10 {
		return 0, false
	}
	return m * 10, true
}

// powers are those of ten that a double holds exactly as a divisor.
var powers = [16]uint64{1, 10, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

func pow10(n int) *big.Int {
	if n < len(powers) {
		return new(big.Int).SetUint64(powers[n])
	}
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}
