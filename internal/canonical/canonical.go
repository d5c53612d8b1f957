// Package canonical gives values that are equal by profile.Value.Compare one
// form, so that they can be found by it: a double that is an int64 is that Int,
// in lists and maps as well, so 1 and 1.0 are one value.
package canonical

import (
	"encoding/binary"
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
