package celfilter

import (
	"math"
	"math/bits"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/muster-go/muster/profile"
)

// arithmetic lowers an operation on two ints or two doubles. CEL has none on
// one of each. Texts and lists can be added too: that is left to cel-go.
func (l *lowerer) arithmetic(operator string, a, b ast.Expr) (value, bool) {
	x, ok := l.value(a)
	if !ok {
		return nil, false
	}
	y, ok := l.value(b)
	if !ok {
		return nil, false
	}
	return func(in *Input) (profile.Value, Result) {
		v, r := x(in)
		if r != True {
			return v, r
		}
		w, r := y(in)
		if r != True {
			return w, r
		}
		if v.Kind() != w.Kind() {
			return profile.Value{}, Miss
		}
		switch v.Kind() {
		case profile.Int:
			i, _ := v.Int()
			j, _ := w.Int()
			n, ok := calculateInt(operator, i, j)
			if !ok {
				return profile.Value{}, Miss
			}
			return profile.IntValue(n), True
		case profile.Float:
			f, _ := v.Float()
			g, _ := w.Float()
			return calculateFloat(operator, f, g)
		case profile.String, profile.List:
			if operator == operators.Add {
				return profile.Value{}, undecided
			}
		}
		return profile.Value{}, Miss
	}, true
}

// calculateInt calculates as CEL does: an overflow and a division by zero are
// errors.
func calculateInt(operator string, i, j int64) (n int64, ok bool) {
	switch operator {
	case operators.Add:
		n = i + j
		return n, (n > i) == (j > 0)
	case operators.Subtract:
		n = i - j
		return n, (n < i) == (j > 0)
	case operators.Multiply:
		return multiply(i, j)
	}
	if j == 0 || i == math.MinInt64 && j == -1 {
		return 0, false
	}
	if operator == operators.Divide {
		return i / j, true
	}
	return i % j, true
}

func multiply(i, j int64) (n int64, ok bool) {
	high, low := bits.Mul64(magnitude(i), magnitude(j))
	negative := (i < 0) != (j < 0)
	if high != 0 || low > 1<<63 || low == 1<<63 && !negative {
		return 0, false
	}
	return i * j, true
}

func magnitude(i int64) uint64 {
	if i < 0 {
		return -uint64(i)
	}
	return uint64(i)
}

// calculateFloat leaves what is no JSON number to cel-go: NaN and the
// infinities have CEL's rules of their own, and no packed value.
func calculateFloat(operator string, f, g float64) (profile.Value, Result) {
	var n float64
	switch operator {
	case operators.Add:
		n = f + g
	case operators.Subtract:
		n = f - g
	case operators.Multiply:
		n = f * g
	case operators.Divide:
		n = f / g
	default:
		return profile.Value{}, Miss // CEL has no modulo of doubles
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return profile.Value{}, undecided
	}
	return profile.FloatValue(n), True
}

func (l *lowerer) negation(e ast.Expr) (value, bool) {
	x, ok := l.value(e)
	if !ok {
		return nil, false
	}
	return func(in *Input) (profile.Value, Result) {
		v, r := x(in)
		if r != True {
			return v, r
		}
		if n, ok := v.Int(); ok && n != math.MinInt64 {
			return profile.IntValue(-n), True
		}
		if f, ok := v.Float(); ok && v.Kind() == profile.Float {
			return profile.FloatValue(-f), True
		}
		return profile.Value{}, Miss
	}, true
}

// double lowers the conversion of a number; of texts it is left to cel-go.
func (l *lowerer) double(e ast.Expr) (value, bool) {
	x, ok := l.value(e)
	if !ok {
		return nil, false
	}
	return func(in *Input) (profile.Value, Result) {
		v, r := x(in)
		if n, ok := v.Int(); ok && r == True {
			return profile.FloatValue(float64(n)), True
		}
		if r == True && v.Kind() != profile.Float {
			return v, undecided
		}
		return v, r
	}, true
}
