package profile

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits on one object. Segment's own limit is 32 KB a message; these leave
// room for senders who do not keep to it.
const (
	MaxSize  = 256 << 10 // bytes of one packed object
	MaxDepth = 32        // levels of nesting
)

// Object is an immutable JSON object in packed form: properties, a context, a
// set of traits. The zero Object is empty. Reading a key scans the entries:
// for the handful of properties of an event that is faster than a map, and
// takes a fraction of its memory.
type Object struct {
	dict *Dict
	body []byte
}

// NewObject packs m. See NewValue for what is accepted and refused.
func NewObject(m map[string]any) (Object, error) {
	if len(m) == 0 {
		return Object{}, nil
	}
	v, err := NewValue(m)
	if err != nil {
		return Object{}, err
	}
	return Object{body: v.data}, nil
}

// ParseObject packs a JSON object. Empty input and null are the empty object.
// A number without fraction and exponent that fits an int64 is an Int, any
// other a Float. Of a repeated key the last counts.
func ParseObject(text []byte) (Object, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return Object{}, nil
	}
	v, err := ParseValue(text)
	if err != nil {
		return Object{}, err
	}
	if v.kind == Null {
		return Object{}, nil
	}
	o, ok := v.Object()
	if !ok {
		return Object{}, fmt.Errorf("%w: a JSON object is wanted, not a %s", ErrInvalid, v.kind)
	}
	return o, nil
}

// ParseValue packs any JSON value; see ParseObject.
func ParseValue(text []byte) (Value, error) {
	// A packed value is rarely larger than its text, and never four times.
	if len(text) > 4*MaxSize {
		return Value{}, fmt.Errorf("%w: %d bytes of JSON", ErrTooLarge, len(text))
	}
	if !utf8.Valid(text) {
		return Value{}, fmt.Errorf("%w: JSON is not valid UTF-8", ErrInvalid)
	}
	if depth(text) > MaxDepth {
		return Value{}, fmt.Errorf("%w: JSON nested deeper than %d levels", ErrTooLarge, MaxDepth)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return Value{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Value{}, fmt.Errorf("%w: more than one JSON value", ErrInvalid)
	}
	return NewValue(v)
}

// depth returns the deepest nesting of brackets in JSON text, before anything
// recursive is let at it.
func depth(text []byte) int {
	level, deepest, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// pack appends the packed form of a Go value.
func pack(b []byte, v any, level int) ([]byte, error) {
	if level > MaxDepth {
		return nil, fmt.Errorf("%w: nested deeper than %d levels", ErrTooLarge, MaxDepth)
	}
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%w: more than %d bytes packed", ErrTooLarge, MaxSize)
	}
	switch v := v.(type) {
	case nil:
		return append(b, byte(Null)), nil
	case bool:
		return appendValue(b, BoolValue(v), nil), nil
	case string:
		return packString(b, v)
	case json.Number:
		return packNumber(b, v)
	case time.Time:
		return packString(b, v.Format(time.RFC3339Nano))
	case Value:
		return appendValue(b, v, nil), nil
	case Object:
		return appendValue(b, Value{kind: Map, data: v.body, dict: v.dict}, nil), nil
	case []any:
		return packList(b, len(v), func(i int) any { return v[i] }, level)
	case []string:
		return packList(b, len(v), func(i int) any { return v[i] }, level)
	case map[string]any:
		return packMap(b, v, level)
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return appendValue(b, IntValue(r.Int()), nil), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if u := r.Uint(); u <= math.MaxInt64 {
			return appendValue(b, IntValue(int64(u)), nil), nil
		}
		return appendValue(b, FloatValue(float64(r.Uint())), nil), nil
	case reflect.Float32, reflect.Float64:
		f := r.Float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("%w: %v is not a JSON number", ErrInvalid, f)
		}
		return appendValue(b, FloatValue(f), nil), nil
	}
	return nil, fmt.Errorf("%w: no JSON form for Go type %T", ErrInvalid, v)
}

func packString(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("%w: text is not valid UTF-8", ErrInvalid)
	}
	if len(s) > MaxSize {
		return nil, fmt.Errorf("%w: text of %d bytes", ErrTooLarge, len(s))
	}
	b = append(b, byte(String))
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...), nil
}

func packNumber(b []byte, n json.Number) ([]byte, error) {
	if !strings.ContainsAny(string(n), ".eE") {
		if i, err := n.Int64(); err == nil {
			return appendValue(b, IntValue(i), nil), nil
		}
	}
	f, err := n.Float64()
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%w: number %q", ErrInvalid, string(n))
	}
	return appendValue(b, FloatValue(f), nil), nil
}

func packList(b []byte, n int, item func(int) any, level int) ([]byte, error) {
	var body []byte
	var err error
	for i := range n {
		if body, err = pack(body, item(i), level+1); err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
	}
	b = append(b, byte(List))
	b = binary.AppendUvarint(b, uint64(len(body)))
	return append(b, body...), nil
}

func packMap(b []byte, m map[string]any, level int) ([]byte, error) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var body []byte
	var err error
	for _, k := range keys {
		if !utf8.ValidString(k) {
			return nil, fmt.Errorf("%w: key %q is not valid UTF-8", ErrInvalid, k)
		}
		body = appendKey(body, k, nil)
		if body, err = pack(body, m[k], level+1); err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
	}
	b = append(b, byte(Map))
	b = binary.AppendUvarint(b, uint64(len(body)))
	return append(b, body...), nil
}

func appendKey(b []byte, key string, dict *Dict) []byte {
	if dict != nil {
		if id, ok := dict.Intern(key); ok {
			return binary.AppendUvarint(b, uint64(id)<<1)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(key))<<1|1)
	return append(b, key...)
}

// Get returns the value of key.
func (o Object) Get(key string) (Value, bool) {
	for k, v := range o.All() {
		if k == key {
			return v, true
		}
	}
	return Value{}, false
}

// Lookup is Get for a prepared key; it allocates nothing.
func (o Object) Lookup(k Key) (Value, bool) {
	b := o.body
	interned := o.dict != nil && o.dict == k.dict
	for len(b) > 0 {
		n, w := uvarint(b)
		b = b[w:]
		var found bool
		if n&1 == 0 {
			if interned {
				found = uint32(n>>1) == k.id
			} else {
				found = o.dict.name(uint32(n>>1)) == k.name
			}
		} else {
			found = string(b[:n>>1]) == k.name
			b = b[n>>1:]
		}
		if found {
			v, _ := decodeValue(b, o.dict)
			return v, true
		}
		b = b[sizeOf(b):]
	}
	return Value{}, false
}

// Len returns the number of entries.
func (o Object) Len() int {
	n := 0
	for range o.All() {
		n++
	}
	return n
}

// All iterates over the entries in the order of their keys.
func (o Object) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for b := o.body; len(b) > 0; {
			n, w := uvarint(b)
			b = b[w:]
			var key string
			if n&1 == 0 {
				key = o.dict.name(uint32(n >> 1))
			} else {
				key = string(b[:n>>1])
				b = b[n>>1:]
			}
			v, size := decodeValue(b, o.dict)
			b = b[size:]
			if !yield(key, v) {
				return
			}
		}
	}
}

// Value returns the object as a value.
func (o Object) Value() Value { return Value{kind: Map, data: o.body, dict: o.dict} }

// Map returns the object as plain Go values; see Value.Any.
func (o Object) Map() map[string]any {
	m := map[string]any{}
	for k, v := range o.All() {
		m[k] = v.Any()
	}
	return m
}

// MarshalJSON writes the object with its keys in sorted order.
func (o Object) MarshalJSON() ([]byte, error) { return o.appendJSON(nil), nil }

func (o Object) appendJSON(b []byte) []byte {
	b = append(b, '{')
	first := true
	for k, v := range o.All() {
		if !first {
			b = append(b, ',')
		}
		first = false
		key, _ := json.Marshal(k)
		b = append(b, key...)
		b = append(b, ':')
		b = v.appendJSON(b)
	}
	return append(b, '}')
}

// UnmarshalJSON is ParseObject.
func (o *Object) UnmarshalJSON(text []byte) (err error) {
	*o, err = ParseObject(text)
	return err
}

// String returns the object as JSON.
func (o Object) String() string { return string(o.appendJSON(nil)) }

// AppendPacked appends the packed bytes of o to b, its keys interned in dict.
// For stores: with PackedObject it is how an object is kept as bytes.
func (o Object) AppendPacked(b []byte, dict *Dict) []byte {
	if o.dict == dict {
		return append(b, o.body...)
	}
	rest := o.body
	for len(rest) > 0 {
		n, w := uvarint(rest)
		rest = rest[w:]
		if n&1 == 0 {
			b = appendKey(b, o.dict.name(uint32(n>>1)), dict)
		} else {
			b = appendKey(b, string(rest[:n>>1]), dict)
			rest = rest[n>>1:]
		}
		if k := Kind(rest[0]); k == List || k == Map {
			v, size := decodeValue(rest, o.dict)
			b = appendValue(b, v, dict)
			rest = rest[size:]
			continue
		}
		size := sizeOf(rest)
		b = append(b, rest[:size]...)
		rest = rest[size:]
	}
	return b
}

// PackedObject returns the object whose packed bytes, made by AppendPacked
// with the same dictionary, are body. It keeps body.
func PackedObject(body []byte, dict *Dict) Object { return Object{dict: dict, body: body} }
