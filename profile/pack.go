package profile

import (
	"encoding"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// NewValue packs a Go value: any that encoding/json can write, in the form that it
// writes. It refuses NaN, infinities, invalid UTF-8, nesting beyond MaxDepth and
// sizes beyond MaxSize; the error says at which key or index.
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

// pack appends the packed form of a Go value, inside of level lists and maps.
func pack(b []byte, v any, level int) ([]byte, error) {
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
		return packValue(b, v, level)
	case Object:
		return packValue(b, v.Value(), level)
	case []any:
		return packList(b, len(v), func(i int) any { return v[i] }, level)
	case []string:
		return packList(b, len(v), func(i int) any { return v[i] }, level)
	case map[string]any:
		return packMap(b, v, level)
	case Props:
		return packMap(b, v, level)
	case json.Marshaler, encoding.TextMarshaler:
		return packJSON(b, v, level)
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return appendValue(b, IntValue(r.Int()), nil), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if u := r.Uint(); u <= math.MaxInt64 {
			return appendValue(b, IntValue(int64(u)), nil), nil
		}
		v, _ := wholeValue(strconv.AppendUint(nil, r.Uint(), 10))
		return appendValue(b, v, nil), nil
	case reflect.Float32, reflect.Float64:
		f := r.Float()
		if r.Kind() == reflect.Float32 { // 0.1 is written as 0.1
			f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'g', -1, 32), 64)
		}
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("%w: %v is not a JSON number", ErrInvalid, f)
		}
		return appendValue(b, FloatValue(f), nil), nil
	}
	return packJSON(b, v, level)
}

// packJSON packs what encoding/json writes.
func packJSON(b []byte, v any, level int) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%w: %T has no JSON form: %w", ErrInvalid, v, err)
	}
	value, err := ParseValue(text)
	if err != nil {
		return nil, err
	}
	return packValue(b, value, level)
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

// packNumber takes what JSON takes: a json.Number made by hand can hold anything.
func packNumber(b []byte, n json.Number) ([]byte, error) {
	v, err := ParseValue([]byte(n))
	if err != nil || v.kind != Int && v.kind != Float {
		return nil, fmt.Errorf("%w: %q is not a JSON number", ErrInvalid, string(n))
	}
	return appendValue(b, v, nil), nil
}

// packValue refuses a value that would be nested too deep at its new place.
func packValue(b []byte, v Value, level int) ([]byte, error) {
	if v.deeperThan(MaxDepth - level) {
		return nil, tooDeep()
	}
	return appendValue(b, v, nil), nil
}

// deeperThan reports whether v nests lists and maps in more than n levels.
func (v Value) deeperThan(n int) bool {
	if v.kind != List && v.kind != Map {
		return false
	}
	if n == 0 {
		return true
	}
	for rest := v.data; len(rest) > 0; {
		var item Value
		var size int
		if v.kind == List {
			item, size = decodeValue(rest, v.dict)
		} else {
			_, item, size = decodeEntry(rest, v.dict)
		}
		if item.deeperThan(n - 1) {
			return true
		}
		rest = rest[size:]
	}
	return false
}

func tooDeep() error {
	return fmt.Errorf("%w: nested deeper than %d levels", ErrTooLarge, MaxDepth)
}

func packList(b []byte, n int, item func(int) any, level int) ([]byte, error) {
	if level == MaxDepth {
		return nil, tooDeep()
	}
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
	if level == MaxDepth {
		return nil, tooDeep()
	}
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
