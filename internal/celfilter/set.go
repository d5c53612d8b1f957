package celfilter

import (
	"github.com/google/cel-go/common/ast"

	"github.com/muster-go/muster/profile"
)

// set holds the constants of `x in [...]`, by kind: a long list of product ids
// costs one look-up.
type set struct {
	texts   map[string]struct{}
	ints    map[int64]struct{}
	rounded map[float64]struct{} // the ints, as cel-go compares them with a double
	floats  map[float64]struct{}
	others  [profile.Int]bool // Null, False, True
}

func newSet(items []profile.Value) *set {
	s := &set{
		texts:   map[string]struct{}{},
		ints:    map[int64]struct{}{},
		rounded: map[float64]struct{}{},
		floats:  map[float64]struct{}{},
	}
	for _, item := range items {
		switch item.Kind() {
		case profile.String:
			text, _ := item.Text()
			s.texts[text] = struct{}{}
		case profile.Int:
			n, _ := item.Int()
			s.ints[n], s.rounded[float64(n)] = struct{}{}, struct{}{}
		case profile.Float:
			f, _ := item.Float()
			s.floats[f] = struct{}{}
		default:
			s.others[item.Kind()] = true
		}
	}
	return s
}

func (s *set) has(v profile.Value) bool {
	switch v.Kind() {
	case profile.String:
		b, _ := v.Bytes()
		return s.hasText(b)
	case profile.Int, profile.Float:
		if hasDigits(v) {
			return false // a constant has none
		}
		f, _ := v.Float()
		if _, ok := s.floats[f]; ok {
			return true
		}
		if n, ok := v.Int(); ok {
			_, ok = s.ints[n]
			return ok
		}
		_, ok := s.rounded[f]
		return ok
	case profile.List, profile.Map:
		return false // the constants are none
	}
	return s.others[v.Kind()]
}

func (s *set) hasText(b []byte) bool {
	_, ok := s.texts[string(b)]
	return ok
}

func (l *lowerer) in(x, y ast.Expr) (test, bool) {
	if items, ok := constants(y); ok {
		return l.inConstants(x, newSet(items))
	}
	if v, ok := variableOf(y, l.names); ok && v.isMap() {
		name, ok := stringLiteral(x)
		if !ok {
			return nil, false
		}
		p := &path{root: v, key: l.dict.Key(name)}
		return p.has, true
	}
	member, ok := l.value(x)
	if !ok {
		return nil, false
	}
	container, ok := l.value(y)
	if !ok {
		return nil, false
	}
	var key profile.Key
	name, named := stringLiteral(x)
	if named {
		key = l.dict.Key(name)
	}
	return func(in *Input) Result {
		v, r := member(in)
		if r != True {
			return r
		}
		c, r := container(in)
		if r != True {
			return r
		}
		switch c.Kind() {
		case profile.List:
			return inList(v, c)
		case profile.Map:
			if named {
				o, _ := c.Object()
				_, ok := o.Lookup(key)
				return resultOf(ok)
			}
			if v.Kind() == profile.String {
				return undecided
			}
			return False // every key is a text
		}
		return Miss
	}, true
}

func inList(v, list profile.Value) Result {
	all := False
	for item := range list.Items() {
		r := compare(equal, item, v)
		if r == True {
			return True
		}
		all = max(all, r)
	}
	return all
}

func (l *lowerer) inConstants(x ast.Expr, s *set) (test, bool) {
	if name, ok := l.name(x); ok {
		return func(in *Input) Result {
			b, r := name(in)
			if r != True {
				return r
			}
			return resultOf(s.hasText(b))
		}, true
	}
	member, ok := l.value(x)
	if !ok {
		return nil, false
	}
	return func(in *Input) Result {
		v, r := member(in)
		if r != True {
			return r
		}
		return resultOf(s.has(v))
	}, true
}

// constants returns the items of a list of constants.
func constants(e ast.Expr) ([]profile.Value, bool) {
	if e.Kind() != ast.ListKind {
		return nil, false
	}
	var items []profile.Value
	for _, element := range e.AsList().Elements() {
		v, ok := operand(element)
		if !ok {
			return nil, false
		}
		items = append(items, v)
	}
	return items, true
}
