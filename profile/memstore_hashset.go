package profile

// hashSet is a multiset of 32-bit hashes in an open-addressed table: 5 to 11
// bytes each. A hash in it is a hint to look for the message id in the events;
// its absence is proof. Zero is not a hash.
type hashSet struct {
	slots []uint32 // a power of two of them; 0: free
	n     uint32
}

func (s *hashSet) has(h uint32) bool {
	if s.n == 0 {
		return false
	}
	mask := uint32(len(s.slots) - 1)
	for i := h & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if s.slots[i] == h {
			return true
		}
	}
	return false
}

func (s *hashSet) add(h uint32) {
	if int(s.n) >= len(s.slots)*3/4 {
		s.grow()
	}
	s.place(h)
	s.n++
}

func (s *hashSet) grow() {
	old := s.slots
	s.slots = make([]uint32, max(4, 2*len(old)))
	for _, h := range old {
		if h != 0 {
			s.place(h)
		}
	}
}

func (s *hashSet) place(h uint32) {
	mask := uint32(len(s.slots) - 1)
	i := h & mask
	for s.slots[i] != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = h
}

// remove takes out one h, if there is one, and moves up those that its slot
// had pushed on, so that no tombstones remain.
func (s *hashSet) remove(h uint32) {
	if !s.has(h) {
		return
	}
	mask := uint32(len(s.slots) - 1)
	free := h & mask
	for s.slots[free] != h {
		free = (free + 1) & mask
	}
	for i := (free + 1) & mask; s.slots[i] != 0; i = (i + 1) & mask {
		// The hash in i may move to free unless its home lies between them.
		if home := s.slots[i] & mask; (i-home)&mask >= (i-free)&mask {
			s.slots[free] = s.slots[i]
			free = i
		}
	}
	s.slots[free] = 0
	s.n--
}
