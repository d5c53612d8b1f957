package profile

import (
	"bytes"
	"cmp"
	"math"
)

// Compare orders any two values: by kind first (null, booleans, numbers,
// strings, lists, maps), then by value. Numbers compare across Int and Float,
// exactly; lists item by item; maps entry by entry in the order of their keys.
// It serves where an order must not depend on arrival.
func (v Value) Compare(w Value) int {
	if c := cmp.Compare(rank(v.kind), rank(w.kind)); c != 0 {
		return c
	}
	switch v.kind {
	case False, True:
		return cmp.Compare(v.kind, w.kind)
	case Int, Float:
		return compareNumbers(v, w)
	case String:
		return bytes.Compare(v.data, w.data)
	case List:
		return compareLists(v, w)
	case Map:
		return compareMaps(v, w)
	}
	return 0
}

func rank(k Kind) int {
	switch k {
	case Null:
		return 0
	case False, True:
		return 1
	case Int, Float:
		return 2
	case String:
		return 3
	case List:
		return 4
	}
	return 5
}

func compareLists(v, w Value) int {
	a, b := v.data, w.data
	for len(a) > 0 && len(b) > 0 {
		x, n := decodeValue(a, v.dict)
		y, m := decodeValue(b, w.dict)
		if c := x.Compare(y); c != 0 {
			return c
		}
		a, b = a[n:], b[m:]
	}
	return cmp.Compare(len(a), len(b)) // one of them is empty
}

func compareMaps(v, w Value) int {
	a, b := v.data, w.data
	for len(a) > 0 && len(b) > 0 {
		k, x, n := decodeEntry(a, v.dict)
		l, y, m := decodeEntry(b, w.dict)
		if c := cmp.Compare(k, l); c != 0 {
			return c
		}
		if c := x.Compare(y); c != 0 {
			return c
		}
		a, b = a[n:], b[m:]
	}
	return cmp.Compare(len(a), len(b)) // one of them is empty
}

// compareNumbers compares exactly, also where an int64 has no float64. Numbers with
// digits of their own compare by them where they are one as a float64.
func compareNumbers(v, w Value) int {
	var c int
	switch {
	case v.kind == Int && w.kind == Int:
		return cmp.Compare(int64(v.num), int64(w.num))
	case v.kind == Int:
		c = CompareIntFloat(int64(v.num), math.Float64frombits(w.num))
	case w.kind == Int:
		c = -CompareIntFloat(int64(w.num), math.Float64frombits(v.num))
	default:
		c = cmp.Compare(math.Float64frombits(v.num), math.Float64frombits(w.num))
	}
	if c == 0 {
		return compareDigits(v, w)
	}
	return c
}

// CompareIntFloat compares a whole number with a float exactly, without the
// rounding of a conversion.
func CompareIntFloat(n int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	whole := math.Floor(f)
	if c := cmp.Compare(n, int64(whole)); c != 0 {
		return c
	}
	if f > whole {
		return -1
	}
	return 0
}

// Equal reports whether both values are the same JSON value; 1 equals 1.0.
func (v Value) Equal(w Value) bool { return v.Compare(w) == 0 }
