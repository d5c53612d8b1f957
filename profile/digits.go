package profile

import (
	"bytes"
	"cmp"
	"math"
	"strconv"
)

// wholeValue returns a whole number that is written in digits alone, maybe after a
// sign. ok is false if it is beyond the range of a float64.
func wholeValue(digits []byte) (v Value, ok bool) {
	if n, err := strconv.ParseInt(string(digits), 10, 64); err == nil {
		return IntValue(n), true
	}
	f, err := strconv.ParseFloat(string(digits), 64)
	if err != nil {
		return Value{}, false
	}
	v = FloatValue(f)
	if !bytes.Equal(v.digits(), digits) {
		v.data = bytes.Clone(digits)
	}
	return v, true
}

// digits returns those of a whole number.
func (v Value) digits() []byte {
	switch {
	case v.kind == Int:
		return strconv.AppendInt(nil, int64(v.num), 10)
	case v.data != nil:
		return v.data
	}
	return strconv.AppendFloat(nil, math.Float64frombits(v.num), 'f', -1, 64)
}

// compareDigits orders numbers that are one as a float64.
func compareDigits(v, w Value) int {
	if v.data == nil && w.data == nil {
		return 0
	}
	a, b := v.digits(), w.digits()
	c := cmp.Or(cmp.Compare(len(a), len(b)), bytes.Compare(a, b))
	if a[0] == '-' {
		return -c
	}
	return c
}
