package profile

import (
	"encoding/json"
	"iter"
	"math"
	"strings"
)

// Kind is the type of a Value: those of JSON, with whole numbers apart from
// fractions.
type Kind uint8

// The kinds of value.
const (
	Null Kind = iota
	False
	True
	Int
	Float
	String
	List
	Map
)

// String names the kind as a CEL error would.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case False, True:
		return "bool"
	case Int:
		return "int"
	case Float:
		return "double"
	case String:
		return "string"
	case List:
		return "list"
	case Map:
		return "map"
	}
	return "invalid"
}

// Value is one JSON-like value. It is immutable and small; strings, lists and
// maps point into the packed bytes of the object they were read from. The zero
// Value is null.
type Value struct {
	kind Kind
	num  uint64 // Int: the int64; Float: its bits
	data []byte // String: text; List, Map: packed body; Float: see Digits
	dict *Dict
}

// BoolValue returns v as a Value.
func BoolValue(v bool) Value {
	if v {
		return Value{kind: True}
	}
	return Value{kind: False}
}

// IntValue returns v as a Value.
func IntValue(v int64) Value { return Value{kind: Int, num: uint64(v)} }

// FloatValue returns v as a Value; NaN and the infinities are not JSON, and
// become null.
func FloatValue(v float64) Value {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Value{}
	}
	return Value{kind: Float, num: math.Float64bits(v)}
}

// StringValue returns v as a Value; what is not valid UTF-8 in it is replaced
// by U+FFFD.
func StringValue(v string) Value {
	return Value{kind: String, data: []byte(strings.ToValidUTF8(v, "\ufffd"))}
}

// ListValue returns a list of items. Limits on nesting and size apply where the
// list becomes part of an object.
func ListValue(items ...Value) Value {
	var body []byte
	for _, v := range items {
		body = appendValue(body, v, nil)
	}
	return Value{kind: List, data: body}
}

// Kind returns the value's kind.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.kind == Null }

// Bool returns the value of a boolean; ok is false for any other kind.
func (v Value) Bool() (b, ok bool) { return v.kind == True, v.kind == True || v.kind == False }

// Int returns the value of a whole number; ok is false for any other kind.
func (v Value) Int() (n int64, ok bool) { return int64(v.num), v.kind == Int }

// Float returns the value of a number of either kind; ok is false for any
// other kind.
func (v Value) Float() (f float64, ok bool) {
	switch v.kind {
	case Float:
		return math.Float64frombits(v.num), true
	case Int:
		return float64(int64(v.num)), true
	}
	return 0, false
}

// Digits returns the digits, with a sign if it is negative, of a whole number beyond
// int64 that was written with others than its nearest float64 has; ok is false for any
// other value. Such a number is a Float whose Float is that nearest one, by which it is
// ordered; but it is equal to none that has other digits. The caller must not change
// them.
func (v Value) Digits() (digits []byte, ok bool) { return v.data, v.kind == Float && v.data != nil }

// Bytes returns the text of a string without copying it; the caller must not
// change it. ok is false for any other kind.
func (v Value) Bytes() (text []byte, ok bool) {
	if v.kind != String {
		return nil, false
	}
	return v.data, true
}

// Text returns a copy of the text of a string; ok is false for any other kind.
func (v Value) Text() (text string, ok bool) {
	b, ok := v.Bytes()
	return string(b), ok
}

// Object returns the value of a map; ok is false for any other kind.
func (v Value) Object() (o Object, ok bool) {
	if v.kind != Map {
		return Object{}, false
	}
	return Object{dict: v.dict, body: v.data}, true
}

// Items iterates over a list; for any other kind there are none.
func (v Value) Items() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.kind != List {
			return
		}
		for b := v.data; len(b) > 0; {
			item, n := decodeValue(b, v.dict)
			b = b[n:]
			if !yield(item) {
				return
			}
		}
	}
}

// Any returns the value as plain Go: nil, bool, int64, float64, string, []any,
// map[string]any, or a json.Number where there are Digits.
func (v Value) Any() any {
	switch v.kind {
	case False, True:
		return v.kind == True
	case Int:
		return int64(v.num)
	case Float:
		if digits, ok := v.Digits(); ok {
			return json.Number(digits)
		}
		return math.Float64frombits(v.num)
	case String:
		return string(v.data)
	case List:
		items := []any{}
		for item := range v.Items() {
			items = append(items, item.Any())
		}
		return items
	case Map:
		return Object{dict: v.dict, body: v.data}.Map()
	}
	return nil
}
