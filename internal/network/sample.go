package network

import (
	"crypto/sha256"
	"encoding/binary"
)

// Sample is a share of all profiles: always the same ones.
type Sample struct {
	Percent float64
	Salt    string
}

// Takes reports whether the profile that is kept under an id is one of them: the first four
// bytes of SHA-256 of the salt, a colon and the id, as a big-endian number, are less than so
// many percent of 2^32. All of it is exact in doubles.
func (s Sample) Takes(id string) bool {
	sum := sha256.Sum256([]byte(s.Salt + ":" + id))
	return float64(binary.BigEndian.Uint32(sum[:]))*100 < s.Percent*(1<<32)
}
