package lint

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/muster-go/muster/internal/celfilter"
)

// truth is what an expression or a condition can be.
type truth struct {
	isTrue, isFalse bool // it can be
	misses          bool // it can be neither, for what it reads may be missing
}

var (
	open   = truth{isTrue: true, isFalse: true, misses: true}
	always = truth{isTrue: true}
	never  = truth{isFalse: true}
)

func (t truth) not() truth { return truth{t.isFalse, t.isTrue, t.misses} }

// condition returns t as a condition has it, where a miss is false.
func (t truth) condition() truth { return truth{isTrue: t.isTrue, isFalse: t.isFalse || t.misses} }

func (t truth) and(u truth) truth {
	return truth{
		isTrue:  t.isTrue && u.isTrue,
		isFalse: t.isFalse || u.isFalse,
		misses:  t.misses && (u.misses || u.isTrue) || u.misses && t.isTrue,
	}
}

func (t truth) or(u truth) truth { return t.not().and(u.not()).not() }

// judge finds what cannot be true, or cannot be false.
func (l *linter) judge(t truth, path, what string) {
	t = t.condition()
	switch {
	case t == always:
		l.find(AlwaysTrue, path, "%s is always true", what)
	case t == never:
		l.find(NeverTrue, path, "%s is never true", what)
	}
}

// truthOfFilter returns what the filter of an event can be; without one it is true, and
// nobody is told so.
func (l *linter) truthOfFilter(cel string) (t truth) {
	if cel == "" {
		return open
	}
	l.ofUsers(func() { t = l.truthOf(cel) })
	return t
}

// truthOf returns what an expression can be.
func (l *linter) truthOf(cel string) truth {
	e, ok := l.parse(cel)
	if !ok {
		return open
	}
	return l.truth(e)
}

func (l *linter) truth(e ast.Expr) truth {
	if e.Kind() == ast.LiteralKind {
		if b, ok := e.AsLiteral().(types.Bool); ok {
			return truth{isTrue: bool(b), isFalse: !bool(b)}
		}
		return open
	}
	name, args := call(e)
	switch name {
	case operators.LogicalAnd:
		return l.conjunction(operands(e, operators.LogicalAnd, nil))
	case operators.LogicalOr:
		t := never
		for _, arg := range operands(e, operators.LogicalOr, nil) {
			t = t.or(l.truth(arg))
		}
		return t
	case operators.LogicalNot:
		return l.truth(args[0]).not()
	}
	if !reads(e) {
		return constant(l, e)
	}
	if c, ok := comparisonOf(e); ok {
		return l.comparison(c)
	}
	return open
}

// conjunction returns what several expressions are together: never true where two of
// them contradict each other.
func (l *linter) conjunction(all []ast.Expr) truth {
	t := always
	for _, e := range all {
		t = t.and(l.truth(e))
	}
	if contradict(all) {
		t.isTrue = false
	}
	return t
}

// operands takes a chain of one operator apart.
func operands(e ast.Expr, operator string, into []ast.Expr) []ast.Expr {
	if name, args := call(e); name == operator {
		for _, arg := range args {
			into = operands(arg, operator, into)
		}
		return into
	}
	return append(into, e)
}

// reads reports whether an expression reads any variable.
func reads(e ast.Expr) bool {
	if e.Kind() == ast.IdentKind || e.Kind() == ast.ComprehensionKind {
		return true
	}
	for _, child := range children(e) {
		if reads(child) {
			return true
		}
	}
	return false
}

// constant returns what an expression is that reads nothing.
func constant(l *linter, e ast.Expr) truth {
	cel, ok := unparsed(e)
	if !ok {
		return open
	}
	f, err := l.env.Trait(cel)
	if err != nil {
		return open // as a part, it is no condition: a list, say
	}
	switch f.Eval(&celfilter.Input{}) {
	case celfilter.True:
		return always
	case celfilter.False:
		return never
	}
	return truth{misses: true}
}

// comparison returns what a comparison can be, as far as the definitions say what the
// variable is.
func (l *linter) comparison(c comparison) truth {
	name, ofAccount, ok := c.of.traitOf()
	if !ok || len(c.of.names) > 3 || !ofAccount && len(c.of.names) > 2 {
		return open
	}
	of := l.subjectOf(ofAccount)
	if !l.defined.counts(name, of) {
		return open
	}
	// A count is there, and a whole number of 0 or more.
	n, isNumber := number(c.constant)
	if !isNumber {
		switch c.operator {
		case operators.Equals:
			return never
		case operators.NotEquals:
			return always
		}
		return truth{misses: true}
	}
	var r ranges
	r.low, r.hasLow = 0, true
	inside := r
	inside.add(c.operator, n)
	outside := r
	outside.add(opposite[c.operator], n)
	return truth{isTrue: !inside.empty(), isFalse: !outside.empty()}
}
