package celfilter

import (
	"bytes"
	"cmp"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/muster-go/muster/profile"
)

// relation is a comparison, as the set of orders that satisfy it: a bit each
// for less, equal and greater.
type relation uint8

const (
	less relation = 1 << iota
	equal
	greater
)

var relations = map[string]relation{
	operators.Equals:        equal,
	operators.NotEquals:     less | greater,
	operators.Less:          less,
	operators.LessEquals:    less | equal,
	operators.Greater:       greater,
	operators.GreaterEquals: greater | equal,
}

// of answers the comparison for operands in order c: -1, 0 or 1.
func (op relation) of(c int) Result { return Result(op >> (c + 1) & 1) }

// unlike answers it for operands that have no order, such as a text and a
// number: they are not equal, and anything else is an error.
func (op relation) unlike() Result {
	switch op {
	case equal:
		return False
	case less | greater:
		return True
	}
	return Miss
}

// alike answers it for operands that can only be equal or not.
func (op relation) alike(same bool) Result {
	if op != equal && op != less|greater {
		return Miss
	}
	return resultOf(same == (op == equal))
}

// swapped is the comparison with its operands exchanged.
func (op relation) swapped() relation {
	return op&equal | op&less<<2 | op&greater>>2
}

func (l *lowerer) comparison(op relation, a, b ast.Expr) (test, bool) {
	if x, ok := l.instant(a); ok {
		if y, ok := l.instant(b); ok {
			return compareInstants(op, x, y), true
		}
		return nil, false
	}
	if name, ok := l.name(a); ok {
		return l.compareName(op, name, b)
	}
	if name, ok := l.name(b); ok {
		return l.compareName(op.swapped(), name, a)
	}
	x, ok := l.value(a)
	if !ok {
		return nil, false
	}
	if c, ok := operand(b); ok {
		return compareConstant(op, x, c), true
	}
	y, ok := l.value(b)
	if !ok {
		return nil, false
	}
	if c, ok := operand(a); ok {
		return compareConstant(op.swapped(), y, c), true
	}
	return func(in *Input) Result {
		v, r := x(in)
		if r != True {
			return r
		}
		w, r := y(in)
		if r != True {
			return r
		}
		return compare(op, v, w)
	}, true
}

// compareConstant is compare with one side known, and its kind decided once.
func compareConstant(op relation, x value, c profile.Value) test {
	switch c.Kind() {
	case profile.String:
		text, _ := c.Text()
		return compareText(op, x, text)
	case profile.Int:
		return compareInt(op, x, c)
	case profile.Float:
		return compareFloat(op, x, c)
	}
	return func(in *Input) Result {
		v, r := x(in)
		if r != True {
			return r
		}
		return compare(op, v, c)
	}
}

func compareText(op relation, x value, text string) test {
	if same := op == equal; same || op == less|greater {
		return func(in *Input) Result {
			v, r := x(in)
			if r != True {
				return r
			}
			b, ok := v.Bytes()
			return resultOf((ok && string(b) == text) == same)
		}
	}
	want := []byte(text)
	return func(in *Input) Result {
		v, r := x(in)
		if r != True {
			return r
		}
		b, ok := v.Bytes()
		if !ok {
			return Miss
		}
		return op.of(bytes.Compare(b, want))
	}
}

func compareInt(op relation, x value, c profile.Value) test {
	n, _ := c.Int()
	f := float64(n)
	return func(in *Input) Result {
		v, r := x(in)
		if r != True {
			return r
		}
		if i, ok := v.Int(); ok {
			return op.of(cmp.Compare(i, n))
		}
		if hasDigits(v) {
			return compareExactly(op, v, c)
		}
		if g, ok := v.Float(); ok {
			return op.of(cmp.Compare(g, f))
		}
		return op.unlike()
	}
}

func compareFloat(op relation, x value, c profile.Value) test {
	f, _ := c.Float()
	return func(in *Input) Result {
		v, r := x(in)
		if r != True {
			return r
		}
		if hasDigits(v) {
			return compareExactly(op, v, c)
		}
		if g, ok := v.Float(); ok {
			return op.of(cmp.Compare(g, f))
		}
		return op.unlike()
	}
}

// compare answers a comparison as cel-go does. Lists and maps are left to it.
func compare(op relation, v, w profile.Value) Result {
	switch v.Kind() {
	case profile.Null:
		return op.alike(w.IsNull())
	case profile.False, profile.True:
		if _, ok := w.Bool(); ok {
			return op.of(cmp.Compare(v.Kind(), w.Kind()))
		}
	case profile.Int, profile.Float:
		if c, ok := compareNumbers(v, w); ok {
			if hasDigits(v) || hasDigits(w) {
				return compareExactly(op, v, w)
			}
			return op.of(c)
		}
	case profile.String:
		if b, ok := w.Bytes(); ok {
			a, _ := v.Bytes()
			return op.of(bytes.Compare(a, b))
		}
	default:
		if w.Kind() == v.Kind() && op.unlike() != Miss {
			return undecided
		}
	}
	return op.unlike()
}

func hasDigits(v profile.Value) bool {
	_, has := v.Digits()
	return has
}

// compareNumbers orders numbers as cel-go does: an int beside a double is
// rounded to one. The doubles here are never NaN.
func compareNumbers(v, w profile.Value) (c int, ok bool) {
	if i, ok := v.Int(); ok {
		if n, ok := w.Int(); ok {
			return cmp.Compare(i, n), true
		}
	}
	f, _ := v.Float()
	g, ok := w.Float()
	return cmp.Compare(f, g), ok
}

// instant lowers an expression of type timestamp: a variable, or a constant.
func (l *lowerer) instant(e ast.Expr) (func(*Input) (int64, bool), bool) {
	if v, ok := variableOf(e, l.names); ok && v.kind == timeVar {
		return v.time, true
	}
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != "timestamp" || len(e.AsCall().Args()) != 1 {
		return nil, false
	}
	text, ok := stringLiteral(e.AsCall().Args()[0])
	if !ok {
		return nil, false
	}
	t, err := parseTimestamp(text)
	if err != nil {
		return nil, false
	}
	at, ok := nanoseconds(t)
	return func(*Input) (int64, bool) { return at, true }, ok
}

func compareInstants(op relation, x, y func(*Input) (int64, bool)) test {
	return func(in *Input) Result {
		a, ok := x(in)
		if !ok {
			return Miss
		}
		b, ok := y(in)
		if !ok {
			return Miss
		}
		return op.of(cmp.Compare(a, b))
	}
}

// name lowers the name of an event, and the id of the profile.
func (l *lowerer) name(e ast.Expr) (text, bool) {
	v, ok := variableOf(e, l.names)
	if !ok || v.kind != nameVar && v.kind != idVar {
		return nil, false
	}
	return func(in *Input) ([]byte, Result) {
		name, ok := v.text(in)
		if !ok {
			return nil, Miss
		}
		return bytesOf(name), True
	}, true
}

func (l *lowerer) compareName(op relation, name text, other ast.Expr) (test, bool) {
	if _, ok := l.instant(other); ok {
		return nil, false
	}
	y, ok := l.text(other)
	if !ok {
		return nil, false
	}
	return func(in *Input) Result {
		a, r := name(in)
		if r != True {
			return r
		}
		b, r := y(in)
		switch {
		case r == notText:
			return op.unlike()
		case r != True:
			return r
		}
		return op.of(bytes.Compare(a, b))
	}, true
}
