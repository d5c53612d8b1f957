// Package strictjson decodes JSON that people write by hand: a field that nobody
// reads, or that is there twice, is a mistake, and every error says where it is.
package strictjson

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/muster-go/muster/internal/near"
)

// MaxDepth is the number of levels that a text may have.
const MaxDepth = 256

// Error says what is wrong with a text, and where.
type Error struct {
	Path string // "audiences[2].where.event"; empty: the text as a whole
	Key  string // of the member of Path that it is about, if that has no path
	Kind error  // what the caller of Decode says it is
	Err  error
}

// Error returns the path and the reason.
func (e *Error) Error() string {
	reason := e.Err.Error()
	if e.Kind != nil {
		reason = strings.TrimPrefix(reason, e.Kind.Error()+": ")
	}
	if e.Path == "" {
		return reason
	}
	return e.Path + ": " + reason
}

// Unwrap returns the kind and the reason.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Err} }

// At returns err as one at a member of what is being decoded.
func At(path string, err error) error { return below(path, err) }

// below returns err, of what is at a path, as one of what that is in.
func below(path string, err error) error {
	var at *Error
	if !errors.As(err, &at) {
		return &Error{Path: path, Err: err}
	}
	if at.Path != "" && at.Path[0] != '[' && path != "" {
		path += "."
	}
	return &Error{Path: path + at.Path, Key: at.Key, Kind: at.Kind, Err: at.Err}
}

// Decode reads exactly one JSON value into what a pointer points to: by its own
// UnmarshalJSON what has one, but for the pointer itself. The error is an *Error of
// a kind that errors.Is finds.
func Decode(text []byte, into any, kind error) error {
	err := check(text)
	if err == nil {
		err = decode(text, reflect.ValueOf(into).Elem(), true)
	}
	if err == nil {
		return nil
	}
	at := below("", err).(*Error)
	at.Kind = kind
	return at
}

// Encode returns v as JSON, without the escapes that are for HTML.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// check returns an error for what is not one JSON value of few enough levels.
func check(text []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '[':
			if depth++; depth > MaxDepth {
				return fmt.Errorf("more than %d levels", MaxDepth)
			}
		case c == '}', c == ']':
			depth--
		}
	}
	var any json.RawMessage
	err := json.Unmarshal(text, &any)
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) && len(bytes.TrimSpace(text)) > 0 {
		return &syntaxError{syntax.Offset, strings.TrimPrefix(syntax.Error(), "json: ")}
	}
	if err != nil {
		return errors.New("no JSON")
	}
	return nil
}

// syntaxError is at an offset rather than a path.
type syntaxError struct {
	offset int64
	text   string
}

func (e *syntaxError) Error() string { return "not JSON: " + e.text }

// decode reads a valid text. own says that v is to be read by its fields, whatever
// methods it has.
func decode(text []byte, v reflect.Value, own bool) error {
	text = bytes.TrimSpace(text)
	if v.Kind() == reflect.Pointer {
		if string(text) == "null" {
			v.SetZero()
			return nil
		}
		v.Set(reflect.New(v.Type().Elem()))
		return decode(text, v.Elem(), false)
	}
	if !own {
		switch u := v.Addr().Interface().(type) {
		case json.Unmarshaler:
			return u.UnmarshalJSON(text)
		case encoding.TextUnmarshaler:
			var s string
			if err := scalar(text, &s, "a text"); err != nil {
				return err
			}
			return u.UnmarshalText([]byte(s))
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		return decodeStruct(text, v)
	case reflect.Slice:
		return decodeSlice(text, v)
	case reflect.String:
		return scalar(text, v.Addr().Interface(), "a text")
	case reflect.Bool:
		return scalar(text, v.Addr().Interface(), "true or false")
	case reflect.Int:
		return scalar(text, v.Addr().Interface(), "a whole number")
	}
	return scalar(text, v.Addr().Interface(), "another value")
}

func scalar(text []byte, into any, want string) error {
	if json.Unmarshal(text, into) != nil {
		return fmt.Errorf("%s, want %s", Shorten(text), want)
	}
	return nil
}

func decodeStruct(text []byte, v reflect.Value) error {
	if text[0] != '{' {
		return fmt.Errorf("%s, want an object", Shorten(text))
	}
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = v.Field(i)
	}
	seen := map[string]bool{}
	for m, err := range members(text) {
		if err != nil {
			return err
		}
		field, known := fields[m.key]
		if !known {
			return &Error{Key: m.key, Err: unknown(m.key, fields)}
		}
		if seen[m.key] {
			return &Error{Key: m.key, Err: fmt.Errorf("field %q is there twice", m.key)}
		}
		seen[m.key] = true
		if err := decode(m.value, field, false); err != nil {
			return below(m.key, err)
		}
	}
	return nil
}

func unknown(key string, fields map[string]reflect.Value) error {
	hint := ""
	if name, ok := near.Name(key, maps.Keys(fields)); ok {
		hint = fmt.Sprintf(", did you mean %q?", name)
	}
	return fmt.Errorf("unknown field %.64q%s", key, hint)
}

func decodeSlice(text []byte, v reflect.Value) error {
	if string(text) == "null" {
		v.SetZero()
		return nil
	}
	if text[0] != '[' {
		return fmt.Errorf("%s, want a list", Shorten(text))
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for m, err := range members(text) {
		if err != nil {
			return err
		}
		item := reflect.New(v.Type().Elem()).Elem()
		if err := decode(m.value, item, false); err != nil {
			return below(fmt.Sprintf("[%d]", v.Len()), err)
		}
		v.Set(reflect.Append(v, item))
	}
	return nil
}

// Shorten returns a JSON text as it is quoted in an error.
func Shorten(text []byte) string {
	const most = 40
	if len(text) <= most {
		return string(text)
	}
	return string(bytes.ToValidUTF8(text[:most], nil)) + "…"
}
