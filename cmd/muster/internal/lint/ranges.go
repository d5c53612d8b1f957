package lint

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/parser"
)

// comparison is a variable compared with a constant.
type comparison struct {
	of       variable
	operator string
	constant ref.Val
}

// turned is what an operator is with its sides exchanged, opposite what it is negated.
var (
	turned = map[string]string{
		operators.Equals: operators.Equals, operators.NotEquals: operators.NotEquals,
		operators.Less: operators.Greater, operators.LessEquals: operators.GreaterEquals,
		operators.Greater: operators.Less, operators.GreaterEquals: operators.LessEquals,
	}
	opposite = map[string]string{
		operators.Equals: operators.NotEquals, operators.NotEquals: operators.Equals,
		operators.Less: operators.GreaterEquals, operators.LessEquals: operators.Greater,
		operators.Greater: operators.LessEquals, operators.GreaterEquals: operators.Less,
	}
)

// comparisonOf returns the comparison that an expression is.
func comparisonOf(e ast.Expr) (comparison, bool) {
	name, args := call(e)
	if turned[name] == "" {
		return comparison{}, false
	}
	left, right := args[0], args[1]
	if _, ok := literal(left); ok {
		left, right, name = right, left, turned[name]
	}
	of, isVariable := variableOf(left)
	value, isConstant := literal(right)
	return comparison{of, name, value}, isVariable && isConstant
}

// literal returns the constant that an expression is. A number with a sign is one.
func literal(e ast.Expr) (ref.Val, bool) {
	if e.Kind() == ast.LiteralKind {
		return e.AsLiteral(), true
	}
	if name, args := call(e); name == operators.Negate {
		if n, ok := literal(args[0]); ok {
			if n, ok := number(n); ok {
				return types.Double(-n), true
			}
		}
	}
	return nil, false
}

// number returns a constant as a number. One beyond 2^53 is rounded, which makes no two
// comparisons contradict each other that do not, but by less than their rounding.
func number(v ref.Val) (float64, bool) {
	switch v := v.(type) {
	case types.Int:
		return float64(v), true
	case types.Uint:
		return float64(v), true
	case types.Double:
		return float64(v), true
	}
	return 0, false
}

// contradict reports whether no value of some variable is as all comparisons among the
// expressions want it.
func contradict(all []ast.Expr) bool {
	numbers := map[string]*ranges{}
	equal := map[string]ref.Val{}
	var other []comparison
	for _, e := range all {
		c, ok := comparisonOf(e)
		if !ok {
			continue
		}
		if n, ok := number(c.constant); ok {
			if numbers[c.of.path] == nil {
				numbers[c.of.path] = &ranges{}
			}
			numbers[c.of.path].add(c.operator, n)
			continue
		}
		if c.operator != operators.Equals {
			other = append(other, c)
			continue
		}
		if is := equal[c.of.path]; is != nil && is.Equal(c.constant) == types.False {
			return true
		}
		equal[c.of.path] = c.constant
	}
	for path, r := range numbers {
		if r.empty() || r.bounded() && equal[path] != nil {
			return true // no number is a text
		}
	}
	for _, c := range other {
		if c.operator == operators.NotEquals && equal[c.of.path] != nil && c.constant.Equal(equal[c.of.path]) == types.True {
			return true
		}
	}
	return false
}

// ranges is what comparisons leave of the numbers. The zero value is all of them.
type ranges struct {
	low, high         float64
	hasLow, hasHigh   bool
	openLow, openHigh bool // the bound itself is not among them
	not               []float64
}

// add takes away what a comparison with n excludes.
func (r *ranges) add(operator string, n float64) {
	switch operator {
	case operators.Equals:
		r.above(n, false)
		r.below(n, false)
	case operators.NotEquals:
		r.not = append(r.not, n)
	case operators.Less, operators.LessEquals:
		r.below(n, operator == operators.Less)
	case operators.Greater, operators.GreaterEquals:
		r.above(n, operator == operators.Greater)
	}
}

func (r *ranges) above(n float64, open bool) {
	if !r.hasLow || n > r.low || n == r.low && open {
		r.low, r.hasLow, r.openLow = n, true, open
	}
}

func (r *ranges) below(n float64, open bool) {
	if !r.hasHigh || n < r.high || n == r.high && open {
		r.high, r.hasHigh, r.openHigh = n, true, open
	}
}

// bounded reports whether only numbers are left: what is unequal to one may be a text.
func (r *ranges) bounded() bool { return r.hasLow || r.hasHigh }

// empty reports whether nothing is left.
func (r *ranges) empty() bool {
	if !r.hasLow || !r.hasHigh {
		return false
	}
	if r.low > r.high || r.low == r.high && (r.openLow || r.openHigh) {
		return true
	}
	for _, n := range r.not {
		if r.low == r.high && n == r.low {
			return true
		}
	}
	return false
}

// unparsed writes an expression as text.
func unparsed(e ast.Expr) (string, bool) {
	text, err := parser.Unparse(e, ast.NewSourceInfo(nil))
	return text, err == nil
}
