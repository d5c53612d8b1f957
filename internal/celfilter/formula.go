package celfilter

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"github.com/muster-go/muster/internal/canonical"
	"github.com/muster-go/muster/profile"
)

// Formula compiles an expression over traits whose result is itself a value of a trait: see
// Filter.Value.
func (e *Env) Formula(src string) (*Filter, error) { return e.compile(e.trait, src, aFormula) }

// sort is what is asked of the result of an expression.
type sort uint8

const (
	aFilter  sort = iota // a boolean
	aFormula             // a value that a trait can have
)

// checkType returns an error for an expression whose result is never what is asked for.
func (s sort) checkType(a *cel.Ast) error {
	out := a.OutputType()
	root := a.NativeRep().Expr().ID()
	switch {
	case s == aFormula && !isValue(out):
		return errorAt(a, root, nil, "the formula is a %s, which no trait can be", out)
	case s == aFilter && !out.IsExactType(cel.BoolType) && !out.IsExactType(cel.DynType):
		return errorAt(a, root, nil, "the filter is a %s, it must be a bool", out)
	}
	return nil
}

// isValue reports whether a trait can be of a type.
func isValue(t *cel.Type) bool {
	switch t.Kind() {
	case types.BoolKind, types.IntKind, types.UintKind, types.DoubleKind, types.StringKind,
		types.NullTypeKind, types.TimestampKind, types.DynKind, types.AnyKind:
		return true
	case types.TypeParamKind: // of an empty list
		return true
	case types.ListKind:
		return isValue(t.Parameters()[0])
	case types.MapKind:
		key := t.Parameters()[0].Kind()
		return (key == types.StringKind || key == types.DynKind || key == types.TypeParamKind) && isValue(t.Parameters()[1])
	}
	return false
}

// Value evaluates a formula: what it makes of the input, in memory of its own. A timestamp is
// its text, RFC 3339 in UTC. ok is false for a Miss, and for a result that no trait can be,
// as NaN or a duration.
//
// Values that are equal are the same, kinds apart: there is one zero, and in lists and maps a
// double that is an int64 is that int.
func (f *Filter) Value(in *Input) (v profile.Value, ok bool) {
	if f.value != nil {
		v, r := f.value(in)
		if r != undecided {
			return detached(v), r == True
		}
	}
	p := f.slow()
	if p == nil {
		return profile.Value{}, false
	}
	a := activations.Get().(*activation)
	a.in, a.names = in, f.names
	v, ok = result(p, a)
	*a = activation{}
	activations.Put(a)
	return v, ok
}

// ReferenceValue evaluates a formula as Reference does a filter.
func (f *Filter) ReferenceValue(in Plain) (v profile.Value, ok bool) {
	p := f.plain()
	if p == nil {
		return profile.Value{}, false
	}
	return result(p, f.adapted(in))
}

// result returns the value that a program answers with.
func result(p program, vars any) (v profile.Value, ok bool) {
	out, _, err := p.Eval(vars)
	if err != nil {
		return v, false
	}
	plain, ok := plainValue(out)
	if !ok {
		return v, false
	}
	if v, err = profile.NewValue(plain); err != nil {
		return profile.Value{}, false
	}
	return detached(v), true
}

// detached returns the one of the values that are equal to v, and of its kind, that stands for
// them.
func detached(v profile.Value) profile.Value {
	if f, ok := v.Float(); ok && v.Kind() == profile.Float {
		if _, has := v.Digits(); !has {
			return profile.FloatValue(f + 0) // of the zeros the positive one
		}
	}
	return canonical.Copy(v)
}

// plainValue returns a result of cel-go as a Go value that packs; ok is false for what no trait
// can be.
func plainValue(v ref.Val) (plain any, ok bool) {
	switch v := v.(type) {
	case types.Null:
		return nil, true
	case types.Bool:
		return bool(v), true
	case types.Int:
		return int64(v), true
	case types.Uint:
		return uint64(v), true
	case digits:
		return json.Number(v.text), true
	case types.Double:
		return float64(v), true
	case types.String:
		return strings.ToValidUTF8(string(v), "\ufffd"), true
	case types.Timestamp:
		return v.UTC().Format(time.RFC3339Nano), true
	case traits.Mapper:
		return plainMap(v)
	case traits.Lister:
		list := []any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			item, ok := plainValue(it.Next())
			if !ok {
				return nil, false
			}
			list = append(list, item)
		}
		return list, true
	}
	return nil, false
}

func plainMap(m traits.Mapper) (any, bool) {
	plain := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		text, isText := key.(types.String)
		value, found := m.Find(key)
		if !isText || !found {
			return nil, false
		}
		item, ok := plainValue(value)
		if !ok {
			return nil, false
		}
		plain[string(text)] = item
	}
	return plain, true
}
