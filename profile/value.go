package profile

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"strconv"
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
	data []byte // String: text; List, Map: packed body
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

// StringValue returns v as a Value.
func StringValue(v string) Value { return Value{kind: String, data: []byte(v)} }

// ListValue returns a list of items.
func ListValue(items ...Value) Value {
	var body []byte
	for _, v := range items {
		body = appendValue(body, v, nil)
	}
	return Value{kind: List, data: body}
}

// NewValue packs a Go value: nil, bool, any integer or float type,
// json.Number, string, time.Time (as RFC 3339), []any, []string,
// map[string]any, Object and Value. It refuses NaN, infinities, invalid UTF-8,
// nesting beyond MaxDepth and sizes beyond MaxSize.
func NewValue(v any) (Value, error) {
	b, err := pack(nil, v, 0)
	if err != nil {
		return Value{}, err
	}
	if len(b) > MaxSize {
		return Value{}, fmt.Errorf("%w: %d bytes packed, at most %d", ErrTooLarge, len(b), MaxSize)
	}
	val, _ := decodeValue(b, nil)
	return val, nil
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

// Bytes returns the text of a string without copying it; the caller must not
// change it. ok is false for any other kind.
func (v Value) Bytes() (text []byte, ok bool) { return v.data, v.kind == String }

// Text returns a copy of the text of a string; ok is false for any other kind.
func (v Value) Text() (text string, ok bool) { return string(v.data), v.kind == String }

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

// Any returns the value as plain Go: nil, bool, int64, float64, string, []any
// or map[string]any.
func (v Value) Any() any {
	switch v.kind {
	case False, True:
		return v.kind == True
	case Int:
		return int64(v.num)
	case Float:
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

// Compare orders any two values: by kind first (null, booleans, numbers,
// strings, lists, maps), then by value; numbers compare across Int and Float.
// It serves where an order must not depend on arrival.
func (v Value) Compare(w Value) int {
	if c := cmp.Compare(rank(v.kind), rank(w.kind)); c != 0 {
		return c
	}
	switch v.kind {
	case False, True:
		return cmp.Compare(v.kind, w.kind)
	case Int, Float:
		return compareNumbers(v, w)
	case String:
		return bytes.Compare(v.data, w.data)
	case List, Map:
		a, _ := v.MarshalJSON()
		b, _ := w.MarshalJSON()
		return bytes.Compare(a, b)
	}
	return 0
}

func rank(k Kind) int {
	switch k {
	case Null:
		return 0
	case False, True:
		return 1
	case Int, Float:
		return 2
	case String:
		return 3
	case List:
		return 4
	}
	return 5
}

// compareNumbers compares exactly, also where an int64 has no float64.
func compareNumbers(v, w Value) int {
	switch {
	case v.kind == Int && w.kind == Int:
		return cmp.Compare(int64(v.num), int64(w.num))
	case v.kind == Int:
		return CompareIntFloat(int64(v.num), math.Float64frombits(w.num))
	case w.kind == Int:
		return -CompareIntFloat(int64(w.num), math.Float64frombits(v.num))
	}
	return cmp.Compare(math.Float64frombits(v.num), math.Float64frombits(w.num))
}

// CompareIntFloat compares a whole number with a float exactly, without the
// rounding of a conversion.
func CompareIntFloat(n int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	whole := math.Floor(f)
	if c := cmp.Compare(n, int64(whole)); c != 0 {
		return c
	}
	if f > whole {
		return -1
	}
	return 0
}

// Equal reports whether both values are the same JSON value; 1 equals 1.0.
func (v Value) Equal(w Value) bool { return v.Compare(w) == 0 }

// MarshalJSON writes the value as JSON, the keys of maps in sorted order.
func (v Value) MarshalJSON() ([]byte, error) { return v.appendJSON(nil), nil }

func (v Value) appendJSON(b []byte) []byte {
	switch v.kind {
	case False, True:
		return strconv.AppendBool(b, v.kind == True)
	case Int:
		return strconv.AppendInt(b, int64(v.num), 10)
	case Float, String:
		text, _ := json.Marshal(v.Any()) // neither can fail: no NaN, valid UTF-8
		return append(b, text...)
	case List:
		b = append(b, '[')
		first := true
		for item := range v.Items() {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = item.appendJSON(b)
		}
		return append(b, ']')
	case Map:
		return Object{dict: v.dict, body: v.data}.appendJSON(b)
	}
	return append(b, "null"...)
}

// String returns the value as JSON.
func (v Value) String() string { return string(v.appendJSON(nil)) }

// The packed form of a value: its kind in a byte, then
//
//	Int     zigzag varint
//	Float   8 bytes, little endian
//	String  uvarint length, text
//	List    uvarint length of the body, values
//	Map     uvarint length of the body, entries: key, value
//
// where a key is a uvarint k: k/2 is its number in the dictionary if k is
// even, the length of the text that follows if k is odd.

func decodeValue(b []byte, dict *Dict) (v Value, size int) {
	v.kind = Kind(b[0])
	switch v.kind {
	case Int:
		n, w := binary.Varint(b[1:])
		v.num = uint64(n)
		return v, 1 + w
	case Float:
		v.num = binary.LittleEndian.Uint64(b[1:])
		return v, 9
	case String, List, Map:
		n, w := uvarint(b[1:])
		end := 1 + w + n
		v.data, v.dict = b[1+w:end:end], dict
		return v, end
	}
	return v, 1
}

// sizeOf returns the packed size of the value at the start of b.
func sizeOf(b []byte) int {
	switch Kind(b[0]) {
	case Int:
		i := 1
		for b[i] >= 0x80 {
			i++
		}
		return i + 1
	case Float:
		return 9
	case String, List, Map:
		n, w := uvarint(b[1:])
		return 1 + w + n
	}
	return 1
}

func uvarint(b []byte) (n, width int) {
	if c := b[0]; c < 0x80 { // nearly every length and key
		return int(c), 1
	}
	u, w := binary.Uvarint(b)
	return int(u), w
}

// appendValue appends v, its keys interned in dict, or inline where dict is nil.
func appendValue(b []byte, v Value, dict *Dict) []byte {
	b = append(b, byte(v.kind))
	switch v.kind {
	case Int:
		return binary.AppendVarint(b, int64(v.num))
	case Float:
		return binary.LittleEndian.AppendUint64(b, v.num)
	case String:
		b = binary.AppendUvarint(b, uint64(len(v.data)))
		return append(b, v.data...)
	case List, Map:
		if v.dict == dict {
			b = binary.AppendUvarint(b, uint64(len(v.data)))
			return append(b, v.data...)
		}
		var body []byte
		if v.kind == List {
			for item := range v.Items() {
				body = appendValue(body, item, dict)
			}
		} else {
			body = Object{dict: v.dict, body: v.data}.AppendPacked(nil, dict)
		}
		b = binary.AppendUvarint(b, uint64(len(body)))
		return append(b, body...)
	}
	return b
}
