package profile

import (
	"bytes"
	"crypto/sha256"
)

// Hash stands for the id of a message or of a profile where the id itself is not kept: the
// first 128 bits of a SHA-256. It is the same in every store and every process, so that what
// is kept goes from one store to another. That two of n ids have one hash has a chance of
// about n²/2^129, and nobody can choose ids that have, short of 2^64 attempts: where an id is
// mistaken for another, a message would be taken for one that came before.
type Hash [16]byte

// Compare is the order of hashes: that of their bytes.
func (h Hash) Compare(o Hash) int { return bytes.Compare(h[:], o[:]) }

// HashMessageID returns the hash of a message id.
func HashMessageID(id string) Hash { return hashOfText('m', id) }

// HashRef returns the hash of what names a profile. Its first bits are the profile's lane.
func HashRef(ref Ref) Hash {
	h := hashOfText('0'+byte(ref.Subject), ref.ID)
	h[0] = h[0]>>laneBits | byte(Lane(ref.ID))<<(8-laneBits)
	return h
}

// lane returns the lane of the profile whose hash it is.
func (h Hash) lane() int { return int(h[0] >> (8 - laneBits)) }

// hashOfText returns the hash of a text of a kind.
func hashOfText(kind byte, text string) (h Hash) {
	var room [128]byte
	sum := sha256.Sum256(append(append(room[:0], kind), text...))
	copy(h[:], sum[:])
	return h
}
