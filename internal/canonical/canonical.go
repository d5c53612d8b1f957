// Package canonical gives values that are equal by profile.Value.Compare one
// form, so that they can be found by it: a double that is an int64 is that Int,
// in lists and maps as well, so 1 and 1.0 are one value.
package canonical

import (
	"encoding/binary"
	"encoding/json"
	"math"

	"github.com/muster-go/muster/profile"
)

// Number returns a double that is an int64 as that Int, and any other value as
// it is.
func Number(v profile.Value) profile.Value {
	if _, ok := v.Digits(); ok {
		return v
	}
	if f, ok := v.Float(); ok && v.Kind() == profile.Float && f >= -1<<63 && f < 1<<63 && f == math.Trunc(f) {
		return profile.IntValue(int64(f))
	}
	return v
}

// Append appends the canonical form of v as bytes: its kind, then
//
//	Int     zigzag varint
//	Float   8 bytes, little endian; its digits, if it has them
//	String  text
//	List    items, each with its length before it, as a uvarint
//	Map     keys and values likewise, in the order of keys
//
// Values are equal if and only if their bytes are.
func Append(b []byte, v profile.Value) []byte {
	v = Number(v)
	b = append(b, byte(v.Kind()))
	switch v.Kind() {
	case profile.Int:
		n, _ := v.Int()
		return binary.AppendVarint(b, n)
	case profile.Float:
		f, _ := v.Float()
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
		digits, _ := v.Digits()
		return append(b, digits...)
	case profile.String:
		text, _ := v.Bytes()
		return append(b, text...)
	case profile.List:
		for item := range v.Items() {
			b = AppendSized(b, Append(nil, item))
		}
	case profile.Map:
		o, _ := v.Object()
		for key, item := range o.All() {
			b = AppendSized(b, []byte(key))
			b = AppendSized(b, Append(nil, item))
		}
	}
	return b
}

// AppendSized appends part with its length before it, as a uvarint.
func AppendSized(b, part []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(part)))
	return append(b, part...)
}

// Copy returns v in that form, in memory of its own. v is nested no deeper than values can be.
func Copy(v profile.Value) profile.Value {
	switch v.Kind() {
	case profile.String:
		text, _ := v.Text()
		return profile.StringValue(text)
	case profile.List, profile.Map:
		return Unpack(Append(nil, v))
	}
	if _, ok := v.Digits(); ok {
		return Unpack(Append(nil, v))
	}
	return Number(v)
}

// Unpack returns the value whose bytes are b. It shares nothing with b.
func Unpack(b []byte) profile.Value {
	kind, b := profile.Kind(b[0]), b[1:]
	switch kind {
	case profile.False, profile.True:
		return profile.BoolValue(kind == profile.True)
	case profile.Int:
		n, _ := binary.Varint(b)
		return profile.IntValue(n)
	case profile.Float:
		if digits := b[8:]; len(digits) > 0 {
			v, _ := profile.NewValue(json.Number(digits)) // it was one
			return v
		}
		return profile.FloatValue(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case profile.String:
		return profile.StringValue(string(b))
	case profile.List:
		var items []profile.Value
		for len(b) > 0 {
			var item []byte
			item, b = CutSized(b)
			items = append(items, Unpack(item))
		}
		return profile.ListValue(items...)
	case profile.Map:
		m := map[string]any{}
		for len(b) > 0 {
			var key, item []byte
			key, b = CutSized(b)
			item, b = CutSized(b)
			m[string(key)] = Unpack(item)
		}
		v, _ := profile.NewValue(m) // within its limits: see Fits
		return v
	}
	return profile.Value{}
}

// CutSized splits what AppendSized has appended.
func CutSized(b []byte) (part, rest []byte) {
	n, w := binary.Uvarint(b)
	b = b[w:]
	return b[:n], b[n:]
}

// Fits reports whether a value takes at most so many bytes: a text, or a list or a map
// packed, which is nested no deeper than values can be.
func Fits(v profile.Value, most int) bool {
	switch v.Kind() {
	case profile.String:
		text, _ := v.Bytes()
		return len(text) <= most
	case profile.List, profile.Map:
		_, err := profile.NewValue(v) // nested too deep
		return err == nil && len(Append(nil, v)) <= most
	}
	return true
}
