package funnel

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"

	"github.com/muster-go/muster/profile"
)

// key is the values by which the events of a funnel are kept apart, as the
// product in "did not order that same product": two events may be of one choice
// only if their keys are equal. The zero key is that of no values.
//
// What fits in 15 bytes, as texts of up to 14 do, is kept as it is; of more
// there are 120 bits of its SHA-256.
type key struct{ high, low uint64 }

func (k key) compare(other key) int {
	if c := cmp.Compare(k.high, other.high); c != 0 {
		return c
	}
	return cmp.Compare(k.low, other.low)
}

const hashed = 0xff // the last byte of a key that is a hash; else the length + 1

// keyOf returns the key of the values' canonical bytes.
func keyOf(packed []byte) key {
	var b [16]byte
	if n := len(packed); n < len(b) {
		copy(b[:], packed)
		b[15] = byte(n + 1)
	} else {
		sum := sha256.Sum256(packed)
		copy(b[:], sum[:])
		b[15] = hashed
	}
	return key{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
}

// appendCanonical appends bytes that are equal for values that are equal by
// profile.Value.Compare, and only for those: 1 and 1.0 are one value.
func appendCanonical(b []byte, v profile.Value) []byte {
	if f, ok := v.Float(); ok && v.Kind() == profile.Float && f >= -1<<63 && f < 1<<63 && f == math.Trunc(f) {
		v = profile.IntValue(int64(f))
	}
	b = append(b, byte(v.Kind()))
	switch v.Kind() {
	case profile.Int:
		n, _ := v.Int()
		return binary.AppendVarint(b, n)
	case profile.Float:
		f, _ := v.Float()
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	case profile.String:
		text, _ := v.Bytes()
		return append(b, text...)
	case profile.List:
		for item := range v.Items() {
			b = appendSized(b, appendCanonical(nil, item))
		}
	case profile.Map:
		o, _ := v.Object()
		for name, item := range o.All() {
			b = appendSized(b, []byte(name))
			b = appendSized(b, appendCanonical(nil, item))
		}
	}
	return b
}

func appendSized(b, part []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(part)))
	return append(b, part...)
}
