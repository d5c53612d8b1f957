package pebblestore

import "encoding/binary"

// seenSet are the hashes of a profile's message ids. It only says where to look: a hash
// that is not there was never seen, one that is may be that of another id. It also counts
// the messages without an id: so its length is that of the profile's history.
type seenSet struct {
	n     int      // messages
	table []uint32 // open addressing; 0: free
	used  int
}

// hashSize is the size of a hash in the row.
const hashSize = 4

// noHash stands for a message without an id in the row.
const noHash = 0

func readSeen(row []byte) *seenSet {
	s := &seenSet{}
	s.grow(len(row) / hashSize)
	for ; len(row) > 0; row = row[hashSize:] {
		s.add(binary.LittleEndian.Uint32(row))
	}
	return s
}

func appendHash(b []byte, hash uint32) []byte { return binary.LittleEndian.AppendUint32(b, hash) }

func (s *seenSet) grow(n int) {
	size := 4
	for size < 2*n {
		size *= 2
	}
	old := s.table
	s.table, s.used = make([]uint32, size), 0
	for _, hash := range old {
		if hash != noHash {
			s.insert(hash)
		}
	}
}

func (s *seenSet) insert(hash uint32) {
	mask := uint32(len(s.table) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		switch s.table[i] {
		case hash:
			return
		case noHash:
			s.table[i] = hash
			s.used++
			return
		}
	}
}

// add adds a message's hash, noHash if it has no id.
func (s *seenSet) add(hash uint32) {
	s.n++
	if hash == noHash {
		return
	}
	if 4*(s.used+1) > 3*len(s.table) {
		s.grow(s.used + 1)
	}
	s.insert(hash)
}

func (s *seenSet) has(hash uint32) bool {
	if len(s.table) == 0 {
		return false
	}
	mask := uint32(len(s.table) - 1)
	for i := hash & mask; s.table[i] != noHash; i = (i + 1) & mask {
		if s.table[i] == hash {
			return true
		}
	}
	return false
}

// size is about how many bytes it takes.
func (s *seenSet) size() int { return 40 + hashSize*len(s.table) }
