package celfilter

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/muster-go/muster/profile"
)

// test is a lowered boolean expression.
type test func(*Input) Result

// value is a lowered expression of any kind. The value counts if the result is
// True; else it is Miss or undecided.
type value func(*Input) (profile.Value, Result)

// lowerer turns a checked expression into closures.
type lowerer struct {
	dict  *profile.Dict
	names map[string]variable
	gaps  bool // something was left to cel-go
}

// test lowers a boolean expression; what cannot be lowered is undecided.
func (l *lowerer) test(e ast.Expr) test {
	if t, ok := l.boolean(e); ok {
		return t
	}
	if v, ok := l.value(e); ok {
		return truth(v)
	}
	l.gaps = true
	return func(*Input) Result { return undecided }
}

// result lowers the expression of a formula; nil if it cannot be.
func (l *lowerer) result(e ast.Expr) value {
	v, ok := l.value(e)
	if !ok {
		l.gaps = true
		return nil
	}
	return v
}

// truth takes a value for a boolean.
func truth(v value) test {
	return func(in *Input) Result {
		val, r := v(in)
		if r != True {
			return r
		}
		b, ok := val.Bool()
		if !ok {
			return Miss
		}
		return resultOf(b)
	}
}

// boolean lowers the expressions whose results are booleans, errors apart.
func (l *lowerer) boolean(e ast.Expr) (test, bool) {
	if e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly() {
		p, ok := pathOf(e, l.names, l.dict)
		if !ok {
			return nil, false
		}
		return p.has, true
	}
	if e.Kind() != ast.CallKind {
		return nil, false
	}
	call := e.AsCall()
	args := operands(call)
	switch call.FunctionName() {
	case operators.LogicalAnd:
		return and(l.tests(e, operators.LogicalAnd)), true
	case operators.LogicalOr:
		return or(l.tests(e, operators.LogicalOr)), true
	case operators.LogicalNot:
		return not(l.test(args[0])), true
	case operators.In:
		return l.in(args[0], args[1])
	case "startsWith", "endsWith", "contains", "matches":
		return l.textTest(call.FunctionName(), args)
	}
	if op, ok := relations[call.FunctionName()]; ok {
		return l.comparison(op, args[0], args[1])
	}
	return nil, false
}

// operands returns the arguments of a call, the target of a method first.
func operands(call ast.CallExpr) []ast.Expr {
	if call.IsMemberFunction() {
		return append([]ast.Expr{call.Target()}, call.Args()...)
	}
	return call.Args()
}

// tests lowers the operands of a chain of one boolean operator.
func (l *lowerer) tests(e ast.Expr, operator string) []test {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operator {
		var all []test
		for _, arg := range e.AsCall().Args() {
			all = append(all, l.tests(arg, operator)...)
		}
		return all
	}
	return []test{l.test(e)}
}

// and is CEL's: one False decides, whatever the others; else an error stays
// one. Results are ordered so that the greatest of the others is the answer.
func and(tests []test) test {
	if len(tests) == 2 {
		a, b := tests[0], tests[1]
		return func(in *Input) Result {
			r := a(in)
			if r == False {
				return False
			}
			s := b(in)
			if s == False {
				return False
			}
			return max(r, s)
		}
	}
	return func(in *Input) Result {
		all := True
		for _, t := range tests {
			r := t(in)
			if r == False {
				return False
			}
			all = max(all, r)
		}
		return all
	}
}

// or is the mirror image of and.
func or(tests []test) test {
	return func(in *Input) Result {
		all := False
		for _, t := range tests {
			r := t(in)
			if r == True {
				return True
			}
			all = max(all, r)
		}
		return all
	}
}

func not(t test) test {
	return func(in *Input) Result {
		switch r := t(in); r {
		case False:
			return True
		case True:
			return False
		default:
			return r
		}
	}
}

// value lowers an expression of any kind.
func (l *lowerer) value(e ast.Expr) (value, bool) {
	if c, ok := constant(e); ok {
		return func(*Input) (profile.Value, Result) { return c, True }, true
	}
	if p, ok := readPath(e, l.names, l.dict); ok {
		return p.value(), true
	}
	if t, ok := l.boolean(e); ok {
		return func(in *Input) (profile.Value, Result) {
			r := t(in)
			if r > True {
				return profile.Value{}, r
			}
			return profile.BoolValue(r == True), True
		}, true
	}
	if e.Kind() != ast.CallKind {
		return nil, false
	}
	call := e.AsCall()
	args := operands(call)
	switch call.FunctionName() {
	case operators.Conditional:
		return l.conditional(args[0], args[1], args[2])
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo:
		return l.arithmetic(call.FunctionName(), args[0], args[1])
	case operators.Negate:
		return l.negation(args[0])
	case "size":
		return l.size(args[0])
	case "double":
		return l.double(args[0])
	case "dyn":
		return l.value(args[0])
	}
	return nil, false
}

// value returns the look-up of p, in as few calls as it takes.
func (p *path) value() value {
	if p.root == (variable{propertiesVar, -1}) && len(p.rest) == 0 {
		key := p.key
		return func(in *Input) (profile.Value, Result) {
			v, ok := in.Properties.Lookup(key)
			if !ok {
				return v, Miss
			}
			return v, True
		}
	}
	return func(in *Input) (profile.Value, Result) {
		v, ok := p.find(in)
		if !ok {
			return v, Miss
		}
		return v, True
	}
}

func (l *lowerer) conditional(condition, then, otherwise ast.Expr) (value, bool) {
	a, ok := l.value(then)
	if !ok {
		return nil, false
	}
	b, ok := l.value(otherwise)
	if !ok {
		return nil, false
	}
	c := l.test(condition)
	return func(in *Input) (profile.Value, Result) {
		switch r := c(in); r {
		case True:
			return a(in)
		case False:
			return b(in)
		default:
			return profile.Value{}, r
		}
	}, true
}
