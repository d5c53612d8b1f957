package celfilter

import (
	"bytes"
	"unicode/utf8"

	"github.com/google/cel-go/common/ast"

	"github.com/muster-go/muster/profile"
)

// text is a lowered expression that should be a text. The bytes count if the
// result is True and must not be changed.
type text func(*Input) ([]byte, Result)

// notText is the result of a text that is a value of another kind.
const notText = undecided + 1

// orMiss is r for a test that only a text can pass.
func (r Result) orMiss() Result {
	if r == notText {
		return Miss
	}
	return r
}

func (l *lowerer) text(e ast.Expr) (text, bool) {
	if t, ok := l.name(e); ok {
		return t, true
	}
	v, ok := l.value(e)
	if !ok {
		return nil, false
	}
	return func(in *Input) ([]byte, Result) {
		val, r := v(in)
		if r != True {
			return nil, r
		}
		b, ok := val.Bytes()
		if !ok {
			return nil, notText
		}
		return b, True
	}, true
}

// textTests are the tests of one text against another.
var textTests = map[string]func(subject, part []byte) bool{
	"startsWith": bytes.HasPrefix,
	"endsWith":   bytes.HasSuffix,
	"contains":   bytes.Contains,
}

func (l *lowerer) textTest(function string, args []ast.Expr) (test, bool) {
	if len(args) != 2 {
		return nil, false
	}
	subject, ok := l.text(args[0])
	if !ok {
		return nil, false
	}
	if function == "matches" {
		return matches(subject, args[1])
	}
	part, ok := l.text(args[1])
	if !ok {
		return nil, false
	}
	holds := textTests[function]
	return func(in *Input) Result {
		a, r := subject(in)
		if r != True {
			return r.orMiss()
		}
		b, r := part(in)
		if r != True {
			return r.orMiss()
		}
		return resultOf(holds(a, b))
	}, true
}

// matches lowers a regular expression that is constant; another would have to
// be compiled for each event.
func matches(subject text, pattern ast.Expr) (test, bool) {
	source, ok := stringLiteral(pattern)
	if !ok {
		return nil, false
	}
	re, err := compilePattern(source)
	if err != nil {
		return nil, false
	}
	return func(in *Input) Result {
		b, r := subject(in)
		if r != True {
			return r.orMiss()
		}
		if len(b) > re.longest {
			return Miss
		}
		return resultOf(re.Match(b))
	}, true
}

// size lowers the size of a text in code points, of a list or a map in
// entries.
func (l *lowerer) size(e ast.Expr) (value, bool) {
	if v, ok := variableOf(e, l.names); ok && v.isMap() {
		return func(in *Input) (profile.Value, Result) {
			f, ok := v.fields(in)
			if !ok {
				return profile.Value{}, Miss
			}
			return profile.IntValue(int64(count(f))), True
		}, true
	}
	if name, ok := l.name(e); ok {
		return func(in *Input) (profile.Value, Result) {
			b, r := name(in)
			return profile.IntValue(int64(utf8.RuneCount(b))), r
		}, true
	}
	x, ok := l.value(e)
	if !ok {
		return nil, false
	}
	return func(in *Input) (profile.Value, Result) {
		v, r := x(in)
		if r != True {
			return v, r
		}
		n := 0
		switch v.Kind() {
		case profile.String:
			b, _ := v.Bytes()
			n = utf8.RuneCount(b)
		case profile.List:
			for range v.Items() {
				n++
			}
		case profile.Map:
			o, _ := v.Object()
			n = o.Len()
		default:
			return profile.Value{}, Miss
		}
		return profile.IntValue(int64(n)), True
	}, true
}

// count returns the number of fields.
func count(f Fields) int {
	if o, ok := f.(*profile.Object); ok { // no iterator to allocate
		return o.Len()
	}
	n := 0
	for range f.All() {
		n++
	}
	return n
}
