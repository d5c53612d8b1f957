package celfilter

import (
	"unsafe"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/muster-go/muster/profile"
)

// time returns the instant that v stands for, of kind timeVar.
func (v variable) time(in *Input) (at int64, ok bool) {
	switch {
	case v.step < 0:
		return in.Time, true
	case v.step < len(in.Steps):
		return in.Steps[v.step].Time, true
	}
	return 0, false
}

// text returns the name that v stands for, of kind nameVar or idVar.
func (v variable) text(in *Input) (name string, ok bool) {
	switch {
	case v.kind == idVar && in.Self == nil:
		return "", false
	case v.kind == idVar:
		return in.Self.ID, true
	case v.step < 0:
		return in.Name, true
	case v.step < len(in.Steps):
		return in.Steps[v.step].Name, true
	}
	return "", false
}

// fields returns the map that v stands for; ok is false for a step without an
// event.
func (v variable) fields(in *Input) (f Fields, ok bool) {
	if v.step >= len(in.Steps) {
		return nil, false
	}
	properties, context := &in.Properties, &in.Context
	if v.step >= 0 {
		properties, context = &in.Steps[v.step].Properties, &in.Steps[v.step].Context
	}
	switch v.kind {
	case propertiesVar:
		return properties, true
	case contextVar:
		return context, true
	case traitsVar:
		f = in.Traits
	case accountVar:
		f = in.Account
	case idsVar:
		if in.Self != nil {
			return &in.Self.IDs, true
		}
	}
	if f == nil {
		f = noFields{}
	}
	return f, true
}

// path is a value at the end of a chain of keys: properties.a.b.
type path struct {
	root variable
	key  profile.Key
	rest []profile.Key
}

// find looks the value up. ok is false where CEL has an error: a key is
// missing, or what should hold it is no map.
func (p *path) find(in *Input) (v profile.Value, ok bool) {
	f, ok := p.root.fields(in)
	if !ok {
		return profile.Value{}, false
	}
	v, ok = f.Lookup(p.key)
	if !ok || len(p.rest) == 0 {
		return v, ok
	}
	return follow(v, p.rest)
}

func follow(v profile.Value, keys []profile.Key) (profile.Value, bool) {
	for _, key := range keys {
		o, ok := v.Object()
		if !ok {
			return profile.Value{}, false
		}
		if v, ok = o.Lookup(key); !ok {
			return profile.Value{}, false
		}
	}
	return v, true
}

// has answers has(path): of a chain, all but the last key must be there; what
// holds the last may be anything but a list, and if it is no map the answer is
// no.
func (p *path) has(in *Input) Result {
	if len(p.rest) == 0 {
		if f, ok := p.root.fields(in); ok {
			_, ok = f.Lookup(p.key)
			return resultOf(ok)
		}
		return Miss
	}
	last := len(p.rest) - 1
	holder := path{root: p.root, key: p.key, rest: p.rest[:last]}
	v, ok := holder.find(in)
	if !ok || v.Kind() == profile.List {
		return Miss
	}
	o, _ := v.Object() // of another kind: the empty object
	_, ok = o.Lookup(p.rest[last])
	return resultOf(ok)
}

func resultOf(b bool) Result {
	if b {
		return True
	}
	return False
}

// selection splits x.name and x["name"] into x and the name.
func selection(e ast.Expr) (operand ast.Expr, name string, ok bool) {
	switch e.Kind() {
	case ast.SelectKind:
		s := e.AsSelect()
		return s.Operand(), s.FieldName(), true
	case ast.CallKind:
		call := e.AsCall()
		if call.FunctionName() == operators.Index {
			name, ok = stringLiteral(call.Args()[1])
			return call.Args()[0], name, ok
		}
	}
	return nil, "", false
}

// variableOf returns the variable that e is. The checker has replaced a
// qualified name by one identifier.
func variableOf(e ast.Expr, names map[string]variable) (variable, bool) {
	if e.Kind() != ast.IdentKind {
		return variable{}, false
	}
	v, ok := names[e.AsIdent()]
	return v, ok
}

// pathOf returns the path that e is. Whether e reads the value or tests for it
// is for the caller to know.
func pathOf(e ast.Expr, names map[string]variable, dict *profile.Dict) (*path, bool) {
	operand, name, ok := selection(e)
	if !ok {
		return nil, false
	}
	if v, ok := variableOf(operand, names); ok && v.isMap() {
		return &path{root: v, key: dict.Key(name)}, true
	}
	if operand.Kind() == ast.SelectKind && operand.AsSelect().IsTestOnly() {
		return nil, false
	}
	p, ok := pathOf(operand, names, dict)
	if ok {
		p.rest = append(p.rest, dict.Key(name))
	}
	return p, ok
}

// bytesOf returns the bytes of s in place, so that the tests on text have one
// form. They must not be changed.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
