package profile

import "iter"

// hashSet is a multiset of 32-bit hashes in an open-addressed table: 5 to 11
// bytes each. A hash in it is a hint to look for the message id in the events;
// its absence is proof. Zero is not a hash.
//
// A large one also says when: a profile of half a million events is not searched for a
// message that comes again. That is 5 to 11 bytes more.
type hashSet struct {
	slots []uint32 // a power of two of them; 0: free
	n     uint32
	large bool // as many spans of the times follow on the slots
}

// size is the number of slots.
func (s *hashSet) size() int {
	if s.large {
		return len(s.slots) / 2
	}
	return len(s.slots)
}

// span returns the span of the message in a slot, in a large table.
func (s *hashSet) span(i uint32) *uint32 { return &s.slots[s.size()+int(i)] }

// clear makes room for n hashes to be placed.
func (s *hashSet) clear(n int, large bool) {
	s.large = large
	if large {
		n *= 2
	}
	s.slots = make([]uint32, n)
}

// smallSet is how many slots a table has at most that does not say when: some three
// thousand events are as good as none to search.
const smallSet = 4096

// spanOf returns the span of a time: 4.3 seconds are one.
func spanOf(t int64) uint32 { return uint32((uint64(t) - uint64(minNano)) >> 32) }

func (s *hashSet) has(h uint32) bool {
	for range s.find(h) {
		return true
	}
	return false
}

// find yields the slots of a hash.
func (s *hashSet) find(h uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		if s.n == 0 {
			return
		}
		mask := uint32(s.size() - 1)
		for i := h & mask; s.slots[i] != 0; i = (i + 1) & mask {
			if s.slots[i] == h && !yield(i) {
				return
			}
		}
	}
}

// add adds the hash of a message at time t.
func (s *hashSet) add(h uint32, t int64) {
	if int(s.n) >= s.size()*3/4 {
		s.grow()
	}
	s.place(h, spanOf(t))
	s.n++
}

func (s *hashSet) grow() {
	old := *s
	s.clear(max(4, 2*s.size()), s.large)
	for i, h := range old.slots[:old.size()] {
		switch {
		case h == 0:
		case s.large:
			s.place(h, *old.span(uint32(i)))
		default:
			s.place(h, 0)
		}
	}
}

func (s *hashSet) place(h, span uint32) {
	mask := uint32(s.size() - 1)
	i := h & mask
	for s.slots[i] != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = h
	if s.large {
		*s.span(i) = span
	}
}

// remove takes out one h of time t, if there is one, and moves up those that its slot
// had pushed on, so that no tombstones remain.
func (s *hashSet) remove(h uint32, t int64) {
	for i := range s.find(h) {
		if !s.large || *s.span(i) == spanOf(t) {
			s.free(i)
			return
		}
	}
}

func (s *hashSet) free(free uint32) {
	mask := uint32(s.size() - 1)
	for i := (free + 1) & mask; s.slots[i] != 0; i = (i + 1) & mask {
		// The hash in i may move to free unless its home lies between them.
		if home := s.slots[i] & mask; (i-home)&mask >= (i-free)&mask {
			s.slots[free] = s.slots[i]
			if s.large {
				*s.span(free) = *s.span(i)
			}
			free = i
		}
	}
	s.slots[free] = 0
	s.n--
}
