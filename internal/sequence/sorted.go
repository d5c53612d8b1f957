package sequence

import "slices"

// ordered is what a sorted list holds.
type ordered[E any] interface {
	compare(E) int
	// seek returns the index of the first element that is not less, and whether
	// it is equal.
	seek(all []E) (index int, found bool)
}

// sorted is a list in order, in chunks of at most maxChunk. To find, insert or
// remove costs O(log n) comparisons and moves at most a chunk, and now and then
// the list of chunks. A short list is one slice, and one that grows at its end
// has full chunks, so there is next to no memory beside the elements.
type sorted[E ordered[E]] struct {
	chunks [][]E // none of them empty
	len    int
}

const maxChunk = 128

// spot is a place in a list; that of the end is chunk len(chunks).
type spot struct{ chunk, index int }

// at returns the element of a spot; ok is false at the end.
func (s *sorted[E]) at(p spot) (e E, ok bool) {
	if p.chunk < 0 || p.chunk >= len(s.chunks) {
		return e, false
	}
	return s.chunks[p.chunk][p.index], true
}

// seek returns the spot of the first element that is not less than e.
func (s *sorted[E]) seek(e E) (p spot, found bool) {
	low, high := 0, len(s.chunks) // the last chunk that begins at or before e
	for high-low > 1 {
		if mid := (low + high) / 2; s.chunks[mid][0].compare(e) <= 0 {
			low = mid
		} else {
			high = mid
		}
	}
	if high == 0 {
		return spot{}, false
	}
	index, found := e.seek(s.chunks[low])
	if index == len(s.chunks[low]) {
		return spot{low + 1, 0}, false
	}
	return spot{low, index}, found
}

// get returns the element equal to e.
func (s *sorted[E]) get(e E) (E, bool) {
	if p, found := s.seek(e); found {
		return s.at(p)
	}
	return e, false
}

// ceiling returns the first element that is not less than e.
func (s *sorted[E]) ceiling(e E) (E, bool) {
	p, _ := s.seek(e)
	return s.at(p)
}

// before returns the last element that is less than e.
func (s *sorted[E]) before(e E) (E, bool) {
	p, _ := s.seek(e)
	if p.index > 0 {
		return s.at(spot{p.chunk, p.index - 1})
	}
	if p.chunk == 0 {
		return s.at(spot{-1, 0})
	}
	return s.at(spot{p.chunk - 1, len(s.chunks[p.chunk-1]) - 1})
}

// last returns the greatest element.
func (s *sorted[E]) last() (E, bool) {
	if s.len == 0 {
		return s.at(spot{-1, 0})
	}
	chunk := s.chunks[len(s.chunks)-1]
	return chunk[len(chunk)-1], true
}

// insert adds e; false if there is one equal to it.
func (s *sorted[E]) insert(e E) bool {
	p, found := s.seek(e)
	if found {
		return false
	}
	s.len++
	if p.index == 0 && p.chunk > 0 { // the end of the chunk before is as good
		p = spot{p.chunk - 1, len(s.chunks[p.chunk-1])}
	}
	if len(s.chunks) == 0 {
		s.chunks = make([][]E, 1)
	}
	if len(s.chunks[p.chunk]) == maxChunk {
		p = s.split(p)
	}
	s.chunks[p.chunk] = inserted(s.chunks[p.chunk], p.index, e)
	return true
}

// split makes room at a spot of a full chunk and returns where that now is. A
// list that grows at its end leaves its chunks full.
func (s *sorted[E]) split(p spot) spot {
	chunk, half := s.chunks[p.chunk], maxChunk/2
	if p.chunk == len(s.chunks)-1 && p.index == maxChunk {
		half = maxChunk
	}
	s.chunks = inserted(s.chunks, p.chunk+1, nil)
	room := (maxChunk - half) / 4
	s.chunks[p.chunk] = append(make([]E, 0, half+room), chunk[:half]...)
	s.chunks[p.chunk+1] = append([]E(nil), chunk[half:]...)
	if p.index >= half {
		return spot{p.chunk + 1, p.index - half}
	}
	return p
}

// remove takes out the element equal to e; false if there is none.
func (s *sorted[E]) remove(e E) bool {
	p, found := s.seek(e)
	if !found {
		return false
	}
	s.len--
	chunk := s.chunks[p.chunk]
	copy(chunk[p.index:], chunk[p.index+1:])
	chunk = chunk[:len(chunk)-1]
	s.chunks[p.chunk] = chunk
	next := p.chunk + 1
	switch {
	case len(chunk) == 0:
		s.cut(p.chunk)
	case next < len(s.chunks) && len(chunk)+len(s.chunks[next]) <= maxChunk/2:
		s.chunks[p.chunk] = append(chunk, s.chunks[next]...)
		s.cut(next)
	}
	return true
}

// cut drops a chunk.
func (s *sorted[E]) cut(chunk int) {
	n := copy(s.chunks[chunk:], s.chunks[chunk+1:])
	s.chunks[chunk+n] = nil
	s.chunks = s.chunks[:chunk+n]
	if len(s.chunks) == 0 {
		s.chunks = nil
	}
}

// drop takes out the elements that are to go, in O(n).
func (s *sorted[E]) drop(gone func(E) bool) {
	kept := s.chunks[:0]
	s.len = 0
	for _, chunk := range s.chunks {
		chunk = slices.DeleteFunc(chunk, gone)
		s.len += len(chunk)
		if n := len(kept) - 1; n >= 0 && len(kept[n])+len(chunk) <= maxChunk {
			kept[n] = append(kept[n], chunk...)
		} else if len(chunk) > 0 {
			kept = append(kept, fitting(chunk))
		}
	}
	clear(s.chunks[len(kept):])
	s.chunks = fitting(kept)
}
