package aggregate

import (
	"math"
	"math/bits"
)

// accumulator is an exact sum of int64s and float64s: a number in fixed point,
// wide enough for the lowest bit of the smallest double and the highest of the
// largest, of which it keeps the words in use. What is subtracted leaves no
// trace, and no sum overflows. For amounts of money that is two to four words,
// for anything at all no more than 36.
//
// It is the long accumulator of Kulisch; see R. Neal, "Fast exact summation
// using small and large superaccumulators", arXiv:1505.05571.
type accumulator struct {
	// words is in two's complement, the lowest first. Bit 0 of words[i] has
	// the weight 2^(64*(low+i)-bias).
	words []uint64
	low   int
}

// bias makes the lowest bit of the smallest double, 2^-1074, bit 14, and puts
// that of an integer at the start of the word unit.
const (
	unit = 17
	bias = 64 * unit
)

func (a *accumulator) reset() { a.words = a.words[:0] }

func (a *accumulator) addInt(n int64) { a.add(unit, uint64(n), uint64(n>>63)) }

func (a *accumulator) subInt(n int64) {
	lo, hi := negate(uint64(n), uint64(n>>63))
	a.add(unit, lo, hi)
}

// addFloat adds f, which is finite.
func (a *accumulator) addFloat(f float64) {
	const fraction = 1<<52 - 1
	b := math.Float64bits(f)
	exponent, m := int(b>>52&0x7ff), b&fraction
	if exponent == 0 {
		exponent = 1 // subnormal, or zero
	} else {
		m |= fraction + 1
	}
	if m == 0 {
		return
	}
	at := exponent - 1075 + bias // |f| is m * 2^(exponent-1075)
	lo, hi := m<<(at%64), m>>(64-at%64)
	if f < 0 {
		lo, hi = negate(lo, hi)
	}
	a.add(at/64, lo, hi)
}

// negate returns -x for x of 128 bits in two's complement.
func negate(lo, hi uint64) (uint64, uint64) {
	lo, borrow := bits.Sub64(0, lo, 0)
	hi, _ = bits.Sub64(0, hi, borrow)
	return lo, hi
}

// add adds a number of 128 bits in two's complement, its lowest bit being that
// of word at.
func (a *accumulator) add(at int, lo, hi uint64) {
	a.cover(at, at+2)
	w := a.words[at-a.low:]
	before := signWord(w[len(w)-1])
	sign := signWord(hi)
	var carry uint64
	w[0], carry = bits.Add64(w[0], lo, 0)
	w[1], carry = bits.Add64(w[1], hi, carry)
	// Adding the sign and the carry changes nothing once they cancel out.
	for i := 2; i < len(w) && sign+carry != 0; i++ {
		w[i], carry = bits.Add64(w[i], sign, carry)
	}
	if after := signWord(w[len(w)-1]); before == sign && after != sign {
		a.words = append(a.words, sign) // the sum has outgrown its words
	}
}

// signWord returns the word that continues a number whose highest word is top.
func signWord(top uint64) uint64 { return uint64(int64(top) >> 63) }

// cover makes sure that there are the words [from, to).
func (a *accumulator) cover(from, to int) {
	if len(a.words) == 0 {
		a.low = from
		a.words = append(a.words, 0, 0) // from and to are two apart
		return
	}
	if from < a.low {
		grown := make([]uint64, a.low-from+len(a.words))
		copy(grown[a.low-from:], a.words)
		a.words, a.low = grown, from
	}
	for a.low+len(a.words) < to {
		a.words = append(a.words, signWord(a.words[len(a.words)-1]))
	}
}

// int returns the sum if it is an int64.
func (a *accumulator) int() (n int64, ok bool) {
	var lo uint64
	for i, w := range a.words {
		switch at := a.low + i; {
		case at == unit:
			lo = w
		case at < unit && w != 0, at > unit && w != signWord(lo):
			return 0, false
		}
	}
	return int64(lo), true
}

// float returns the sum divided by n > 0, rounded once, to the nearest double
// and to the even one of two. Beyond the doubles it is an infinity.
func (a *accumulator) float(n uint64) float64 {
	if len(a.words) == 0 {
		return 0
	}
	var room [40]uint64
	w, low := append(room[:2], a.words...), a.low-2 // two words for a quotient's fraction
	negative := signWord(w[len(w)-1]) != 0
	if negative {
		borrow := uint64(0)
		for i := range w {
			w[i], borrow = bits.Sub64(0, w[i], borrow)
		}
	}
	inexact := false
	if n > 1 {
		rest := uint64(0)
		for i := len(w) - 1; i >= 0; i-- {
			w[i], rest = bits.Div64(rest, w[i], n)
		}
		inexact = rest != 0
	}
	f := round(w, 64*low-bias, inexact)
	if negative {
		return -f
	}
	return f
}

// round returns w * 2^exponent as a double, to the nearest, to the even one of
// two; inexact says that the true value is a little more.
func round(w []uint64, exponent int, inexact bool) float64 {
	top := len(w) - 1
	for top >= 0 && w[top] == 0 {
		top--
	}
	if top < 0 {
		return 0
	}
	length := 64*top + bits.Len64(w[top])
	// drop is the number of bits below those of a double, which end with
	// 2^-1074 if not before. The words that float adds make it positive.
	drop := max(length-53, -1074-exponent)
	if drop > length {
		return 0 // less than half of the smallest double
	}
	m := bitsFrom(w, drop) // at most 53 of them are left
	half := bitsFrom(w, drop-1)&1 != 0
	if half {
		if !inexact {
			inexact = anyBelow(w, drop-1)
		}
		if inexact || m&1 != 0 {
			m++
		}
	}
	return math.Ldexp(float64(m), exponent+drop)
}

// bitsFrom returns 64 bits of w from bit i on.
func bitsFrom(w []uint64, i int) uint64 {
	var m uint64
	if i/64 < len(w) {
		m = w[i/64] >> (i % 64)
	}
	if i/64+1 < len(w) {
		m |= w[i/64+1] << (64 - i%64)
	}
	return m
}

// anyBelow reports whether one of the bits [0, i) of w is set.
func anyBelow(w []uint64, i int) bool {
	for _, word := range w[:i/64] {
		if word != 0 {
			return true
		}
	}
	return i%64 != 0 && w[i/64]<<(64-i%64) != 0
}
