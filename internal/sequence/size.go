package sequence

import "unsafe"

// Size returns about how much memory the state takes.
func (s *State) Size() int {
	n := int(unsafe.Sizeof(*s)) + int(unsafe.Sizeof(entry{}))*cap(s.few)
	if s.many != nil {
		n += s.many.size()
	}
	if s.search != nil {
		n += s.search.size()
	}
	return n
}

func (m *many) size() int {
	n := int(unsafe.Sizeof(*m)) + m.sorted.size() + m.complete.size()
	for i := range m.due {
		n += m.due[i].size()
	}
	return n
}

func (s *search) size() int {
	n := int(unsafe.Sizeof(*s)) + s.coming.size() + s.waiting.size() + s.complete.size()
	return n + len(s.pools)*(int(unsafe.Sizeof(pool{}))+64) + s.held*(int(unsafe.Sizeof(candidate{}))+candidateBytes)
}

// candidateBytes is what the properties of a candidate take, as far as can be said.
const candidateBytes = 256

func (s *sorted[E]) size() int {
	var e E
	return (int(unsafe.Sizeof(e))*4/3 + 1) * s.len
}

func (a agenda[T]) size() int {
	var d due[T]
	return int(unsafe.Sizeof(d)) * cap(a)
}
