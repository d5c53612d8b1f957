package celfilter

import (
	"maps"
	"math"
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/muster-go/muster/profile"
)

// reads is what a filter reads of each map of its own event, profile and
// account.
type reads struct {
	names [idsVar + 1][]string
	all   [idsVar + 1]bool
	id    bool // the id of the profile
}

func (r *reads) of(k kind) (names []string, all bool) {
	return slices.Clone(r.names[k]), r.all[k]
}

// readsOf collects what an expression reads. A loop variable that hides a
// variable only makes the answer larger than need be.
func readsOf(root ast.Expr, names map[string]variable) reads {
	var r reads
	var found [idsVar + 1]map[string]bool
	own := func(e ast.Expr) (kind, bool) {
		v, ok := variableOf(e, names)
		return v.kind, ok && v.isMap() && v.step < 0
	}
	add := func(k kind, name string) {
		if found[k] == nil {
			found[k] = map[string]bool{}
		}
		found[k][name] = true
	}
	var walk func(e ast.Expr)
	walk = func(e ast.Expr) {
		if v, ok := variableOf(e, names); ok && v.kind == idVar {
			r.id = true
		}
		if k, ok := own(e); ok {
			r.all[k] = true
			return
		}
		if operand, name, ok := selection(e); ok {
			if k, ok := own(operand); ok {
				add(k, name)
				return
			}
		}
		if name, operand, ok := membership(e); ok {
			if k, ok := own(operand); ok {
				add(k, name)
				return
			}
		}
		for _, child := range children(e) {
			walk(child)
		}
	}
	walk(root)
	for k := range found {
		r.names[k] = slices.Sorted(maps.Keys(found[k]))
	}
	return r
}

// membership splits "name" in x.
func membership(e ast.Expr) (name string, operand ast.Expr, ok bool) {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.In {
		return "", nil, false
	}
	args := e.AsCall().Args()
	name, ok = stringLiteral(args[0])
	return name, args[1], ok
}

// children returns the operands of e.
func children(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			return append([]ast.Expr{call.Target()}, call.Args()...)
		}
		return call.Args()
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.MapKind:
		var all []ast.Expr
		for _, entry := range e.AsMap().Entries() {
			all = append(all, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
		return all
	case ast.StructKind:
		var all []ast.Expr
		for _, field := range e.AsStruct().Fields() {
			all = append(all, field.AsStructField().Value())
		}
		return all
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		return []ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()}
	}
	return nil
}

// equalities finds the top-level conjuncts `properties.k == constant`. Where
// cel-go's equality is looser than profile's, for numbers beyond 2^53, there is
// none: an index on the value would lose events.
func equalities(e ast.Expr, names map[string]variable, dict *profile.Dict) []Equality {
	if e.Kind() != ast.CallKind {
		return nil
	}
	args := e.AsCall().Args()
	switch e.AsCall().FunctionName() {
	case operators.LogicalAnd:
		var all []Equality
		for _, arg := range args {
			all = append(all, equalities(arg, names, dict)...)
		}
		return all
	case operators.Equals:
		for i := range args {
			p, ok := readPath(args[i], names, dict)
			if !ok || p.root != (variable{propertiesVar, -1}) || len(p.rest) > 0 {
				continue
			}
			if v, ok := constant(args[1-i]); ok && indexable(v) {
				return []Equality{{Key: p.key, Value: v}}
			}
		}
	}
	return nil
}

func indexable(v profile.Value) bool {
	if f, ok := v.Float(); ok {
		return math.Abs(f) < 1<<53
	}
	return v.Kind() != profile.Null
}

// operand returns a literal that values are compared with: beside constants a uint,
// which is as good as an int there, if it is one.
func operand(e ast.Expr) (profile.Value, bool) {
	if e.Kind() == ast.LiteralKind {
		if n, ok := e.AsLiteral().(types.Uint); ok {
			return profile.IntValue(int64(n)), n <= math.MaxInt64
		}
	}
	return constant(e)
}

// constant returns a literal as a packed value.
func constant(e ast.Expr) (profile.Value, bool) {
	if e.Kind() != ast.LiteralKind {
		return profile.Value{}, false
	}
	switch v := e.AsLiteral().(type) {
	case types.Bool:
		return profile.BoolValue(bool(v)), true
	case types.Int:
		return profile.IntValue(int64(v)), true
	case types.Double:
		// Only finite doubles have a literal, but 1e999 is one too.
		return profile.FloatValue(float64(v)), !math.IsInf(float64(v), 0)
	case types.String:
		return profile.StringValue(string(v)), true
	case types.Null:
		return profile.Value{}, true
	}
	return profile.Value{}, false
}

// readPath returns the path that e reads, not one that it tests for.
func readPath(e ast.Expr, names map[string]variable, dict *profile.Dict) (*path, bool) {
	if e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly() {
		return nil, false
	}
	return pathOf(e, names, dict)
}
