package sequence

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
)

// key is the values by which the events of a funnel are kept apart, as the
// product in "did not order that same product": two events may be of one choice
// only if their keys are equal. The zero key is that of no values.
//
// What fits in 14 bytes, as texts of up to 13 do, is kept as it is; of more
// there are 112 bits of its SHA-256. The last byte is 0, for a place to use.
type key struct{ high, low uint64 }

func (k key) compare(other key) int {
	if c := cmp.Compare(k.high, other.high); c != 0 {
		return c
	}
	return cmp.Compare(k.low, other.low)
}

const (
	keyBytes = 14
	hashed   = 0xff // the byte behind those of a key that is a hash; else the length + 1
)

// keyOf returns the key of the values' canonical bytes.
func keyOf(packed []byte) key {
	var b [16]byte
	if n := len(packed); n <= keyBytes {
		copy(b[:], packed)
		b[keyBytes] = byte(n + 1)
	} else {
		sum := sha256.Sum256(packed)
		copy(b[:keyBytes], sum[:])
		b[keyBytes] = hashed
	}
	return key{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
}
