package sequence

import (
	"slices"

	"github.com/muster-go/muster/internal/horizon"
)

// fewEntries are so many that to go through all is as quick as to keep in order
// what is due and best.
const fewEntries = 32

// entries is a set of entries in order. Mostly they are few: then there is one
// slice and nothing else, and what is due and which choice is best is found by
// going through it. Where they are many that is kept beside them.
type entries struct {
	few  []entry
	many *many
}

type many struct {
	sorted[entry]
	due      [waiting + 1]agenda[entry] // by list, coming or waiting; there may be more than there are entries
	complete choices
	newest   int64 // time of any entry
	limit    int   // how many entries make it worth to drop old ones
}

// get returns the entry equal to e.
func (s *entries) get(e entry) (entry, bool) {
	if s.many != nil {
		return s.many.get(e)
	}
	i, found := e.seek(s.few)
	if !found {
		return e, false
	}
	return s.few[i], true
}

// ceiling returns the first entry that is not less than e.
func (s *entries) ceiling(e entry) (entry, bool) {
	if s.many != nil {
		return s.many.ceiling(e)
	}
	i, _ := e.seek(s.few)
	if i == len(s.few) {
		return e, false
	}
	return s.few[i], true
}

// before returns the last entry that is less than e.
func (s *entries) before(e entry) (entry, bool) {
	if s.many != nil {
		return s.many.before(e)
	}
	i, _ := e.seek(s.few)
	if i == 0 {
		return e, false
	}
	return s.few[i-1], true
}

// insert adds e, which begins at an instant if it does not count yet; false if
// there is one equal to it.
func (s *entries) insert(e entry, begins int64) bool {
	if s.many == nil {
		i, found := e.seek(s.few)
		if !found {
			s.few = inserted(s.few, i, e)
		}
		return !found
	}
	if !s.many.insert(e) {
		return false
	}
	s.many.note(e, begins)
	return true
}

// note keeps what there is to know of a new entry.
func (m *many) note(e entry, begins int64) {
	if l := e.list(); l <= waiting {
		m.due[l].push(begins, e)
	}
	m.newest = max(m.newest, e.at)
}

// remove takes out the entry equal to e.
func (s *entries) remove(e entry) {
	if s.many != nil {
		s.many.remove(e)
	} else if i, found := e.seek(s.few); found {
		s.few = fitting(slices.Delete(s.few, i, i+1))
	}
}

// oldest returns the time of the first event of which expire has to know.
func (s *entries) oldest() int64 {
	if s.many != nil {
		if w, ok := s.many.complete.at(spot{}); ok {
			return min(w.first, s.many.newest)
		}
		return s.many.newest
	}
	at := horizon.Never
	for i := range s.few {
		at = min(at, s.few[i].at)
	}
	return at
}

// expire drops the entries of time up to last: of many the choices at once, the
// rest when that is much, or all.
func (s *entries) expire(last int64) {
	old := func(e entry) bool { return e.at <= last }
	switch m := s.many; {
	case m == nil:
		if slices.ContainsFunc(s.few, old) {
			s.few = fitting(slices.DeleteFunc(s.few, old))
		}
	case m.newest <= last:
		*s = entries{}
	default:
		for _, ok := m.complete.pop(last); ok; _, ok = m.complete.pop(last) {
		}
		if m.len >= m.limit || m.len <= fewEntries/2 {
			m.drop(old)
			m.limit = 2 * max(m.len, fewEntries)
		}
		if m.len <= fewEntries/2 {
			*s = entries{few: slices.Concat(m.chunks...)}
		}
	}
}
