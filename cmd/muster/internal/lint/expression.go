package lint

import (
	"strconv"
	"strings"

	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/parser"
	"github.com/muster-go/muster/profile"
)

// parse returns the tree of an expression that compiles. Without macros has(x) and
// all(...) are calls like others.
func (l *linter) parse(cel string) (ast.Expr, bool) {
	plain, err := parser.NewParser()
	if err != nil {
		l.fails(err)
		return nil, false
	}
	tree, errs := plain.Parse(common.NewTextSource(cel))
	if len(errs.GetErrors()) > 0 {
		l.fails(message(errs.ToDisplayString()))
		return nil, false
	}
	return tree.Expr(), true
}

// call returns the name of the function that an expression calls and what it calls it
// with, a receiver first; "" for another expression.
func call(e ast.Expr) (string, []ast.Expr) {
	if e.Kind() != ast.CallKind {
		return "", nil
	}
	c := e.AsCall()
	args := c.Args()
	if c.IsMemberFunction() {
		args = append([]ast.Expr{c.Target()}, args...)
	}
	return c.FunctionName(), args
}

// variable is a value that an expression reads.
type variable struct {
	path  string   // "traits.address.city", as it is written in CEL
	names []string // "traits", "address", "city"
}

// variableOf returns the variable that an expression is, made of selections and of
// indexes by a constant text.
func variableOf(e ast.Expr) (variable, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return variable{e.AsIdent(), []string{e.AsIdent()}}, true
	case ast.SelectKind:
		of, ok := variableOf(e.AsSelect().Operand())
		return of.field(e.AsSelect().FieldName()), ok
	}
	if name, args := call(e); name == operators.Index {
		of, ok := variableOf(args[0])
		key, isText := text(args[1])
		return of.field(key), ok && isText
	}
	return variable{}, false
}

func (v variable) field(name string) variable {
	path := v.path + "." + name
	if strings.ContainsFunc(name, func(r rune) bool { return !isLetter(r) }) {
		path = v.path + "[" + strconv.Quote(name) + "]"
	}
	return variable{path, append(v.names[:len(v.names):len(v.names)], name)}
}

func isLetter(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// traitOf returns the name of the trait that a variable is, or is in, and whether it is
// the account's; ok is false for what is none.
func (v variable) traitOf() (name string, ofAccount, ok bool) {
	switch {
	case len(v.names) >= 2 && v.names[0] == "traits":
		return v.names[1], false, true
	case len(v.names) >= 3 && v.names[0] == "account" && v.names[1] == "traits":
		return v.names[2], true, true
	}
	return "", false, false
}

// subjectOf returns whose trait it is in a condition of the subject at hand.
func (l *linter) subjectOf(ofAccount bool) profile.Subject {
	if ofAccount {
		return profile.Account
	}
	return l.of
}

// text returns the constant text that an expression is.
func text(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// children returns the parts of an expression.
func children(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	case ast.CallKind:
		_, args := call(e)
		return args
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.MapKind:
		var parts []ast.Expr
		for _, entry := range e.AsMap().Entries() {
			parts = append(parts, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
		return parts
	}
	return nil
}
