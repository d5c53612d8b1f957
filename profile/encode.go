package profile

import (
	"math"
	"strconv"
)

// MarshalJSON writes the value as JSON, the keys of maps in sorted order. A Float
// always has a fraction or an exponent ("1.0"), so that it is read as one again; or
// its Digits.
func (v Value) MarshalJSON() ([]byte, error) { return v.appendJSON(nil), nil }

// UnmarshalJSON is ParseValue.
func (v *Value) UnmarshalJSON(text []byte) (err error) {
	*v, err = ParseValue(text)
	return err
}

func (v Value) appendJSON(b []byte) []byte {
	switch v.kind {
	case False, True:
		return strconv.AppendBool(b, v.kind == True)
	case Int:
		return strconv.AppendInt(b, int64(v.num), 10)
	case Float:
		if v.data != nil {
			return append(b, v.data...)
		}
		return appendFloat(b, math.Float64frombits(v.num))
	case String:
		return appendString(b, v.data)
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
		b = appendString(b, k)
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

// appendFloat writes f, which is finite, in the fewest digits that read back as
// the same float: in exponents where encoding/json has them.
func appendFloat(b []byte, f float64) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	b = strconv.AppendFloat(b, f, format, -1, 64)
	if format == 'f' && f == math.Trunc(f) {
		b = append(b, ".0"...)
	}
	return b
}

// appendString writes text in quotes. Text is valid UTF-8: only what JSON has no
// other way to write is escaped, and U+2028 and U+2029, which end a line in
// JavaScript.
func appendString[T string | []byte](b []byte, text T) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c < ' ':
			b = append(b, `\u00`...)
			b = append(b, hex[c>>4], hex[c&0xf])
		case c == 0xe2 && i+2 < len(text) && text[i+1] == 0x80 && text[i+2]&^1 == 0xa8:
			b = append(b, `\u202`...)
			b = append(b, hex[text[i+2]&0xf])
			i += 2
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
