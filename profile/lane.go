package profile

// Lanes is the number of lanes that profiles are divided into, by their ids. The wakes
// of each are read in their order: who has the profiles of some lanes reads no others.
const Lanes = 1 << laneBits

const laneBits = 5

// Lane returns the lane of an id, from 0. It is the same for ever, as stores keep it: a
// multiplicative hash of 8 bytes at a time, as in Knuth, The Art of Computer
// Programming, vol. 3, 6.4, with the golden ratio for its factor. Whoever chooses ids so
// that they meet in one lane gains a queue for them, and nothing more.
func Lane(id string) int {
	h := uint64(len(id))
	for ; len(id) > 8; id = id[8:] {
		h = (h ^ prefix(id)) * 0x9e3779b97f4a7c15
		h ^= h >> 32
	}
	var last uint64
	for i := range len(id) {
		last = last<<8 | uint64(id[i])
	}
	h = (h ^ last) * 0x9e3779b97f4a7c15
	h ^= h >> 32
	return int(h * 0x9e3779b97f4a7c15 >> (64 - laneBits))
}
