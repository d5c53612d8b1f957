package profile

import (
	"slices"
	"sort"
	"unique"
)

// series is the events of one name of one profile, in the order of
// (time, seq): sealed chunks, then the one that events in order are added to.
type series struct {
	name   unique.Handle[string] // kept once in the process, however many profiles have it
	sealed []chunk               // appended to or replaced, never changed in place
	tail   chunk
}

func (s *series) empty() bool { return len(s.tail.data) == 0 }

// len returns the number of chunks.
func (s *series) len() int { return len(s.sealed) + 1 }

func (s *series) at(i int) *chunk {
	if i < len(s.sealed) {
		return &s.sealed[i]
	}
	return &s.tail
}

// search returns the first chunk that ends at t or later: all before are of
// earlier times.
func (s *series) search(t int64) int {
	return sort.Search(len(s.sealed), func(i int) bool { return s.sealed[i].time >= t })
}

// insert adds an event. Its seq is the greatest of the series.
func (s *series) insert(t int64, seq uint64, body []byte) {
	if !s.empty() && t < s.tail.time {
		s.insertLate(t, seq, body)
		return
	}
	if !s.empty() && len(s.tail.data)+len(body) > chunkSize {
		s.sealed = append(s.sealed, s.tail)
		s.tail = chunk{}
	}
	s.tail.add(t, seq, body)
}

// insertLate rewrites the chunk that the event belongs in.
func (s *series) insertLate(t int64, seq uint64, body []byte) {
	i := sort.Search(len(s.sealed), func(i int) bool { return s.sealed[i].time > t })
	old := s.at(i)
	built := chunks{limit: len(old.data) + len(body)}
	if built.limit > 2*chunkSize {
		built.limit /= 2
	}
	pending := true
	for c := old.events(); c.next(); {
		if pending && c.time > t {
			built.add(t, seq, body)
			pending = false
		}
		built.add(c.time, c.seq, c.body)
	}
	s.replace(i, built.list)
}

// replace puts a run of chunks in the place of chunk i.
func (s *series) replace(i int, run []chunk) {
	if i < len(s.sealed) {
		s.sealed = slices.Concat(s.sealed[:i], run, s.sealed[i+1:])
		return
	}
	s.setAll(slices.Concat(s.sealed, run))
}

// setAll makes run the chunks of the series.
func (s *series) setAll(run []chunk) {
	if len(run) == 0 {
		s.sealed, s.tail = nil, chunk{}
		return
	}
	last := len(run) - 1
	s.tail = run[last]
	s.sealed = run[:last:last]
	if last == 0 {
		s.sealed = nil
	}
}

// merge adds the events of another series, not empty either. It rewrites the chunks of
// the longer one that lie within the time of the shorter: most of what a user has stays
// as it is when a visitor becomes that user.
func (s *series) merge(x *series) {
	long, short := *s, *x
	if x.len() > s.len() {
		long, short = *x, *s
	}
	first := short.at(0).first()
	from := long.search(first)
	to := from + sort.Search(long.len()-from, func(i int) bool { return long.at(from+i).first() > short.tail.time })
	all := append(slices.Clip(long.sealed), long.tail)
	var within series
	within.setAll(all[from:to])
	s.setAll(slices.Concat(all[:from], mergeChunks(&within, &short), all[to:]))
}

// mergeChunks returns the events of two series, of which the first may be empty.
func mergeChunks(x, y *series) []chunk {
	built := chunks{limit: chunkSize}
	a, b := x.walk(), y.walk()
	moreA, moreB := a.next(), b.next()
	for moreA || moreB {
		if moreA && (!moreB || a.before(&b)) {
			built.add(a.time, a.seq, a.body)
			moreA = a.next()
		} else {
			built.add(b.time, b.seq, b.body)
			moreB = b.next()
		}
	}
	return built.list
}

// drop removes the event of a sequence number from a chunk.
func (s *series) drop(chunk int, seq uint64) {
	built := chunks{limit: len(s.at(chunk).data)}
	for c := s.at(chunk).events(); c.next(); {
		if c.seq != seq {
			built.add(c.time, c.seq, c.body)
		}
	}
	s.replace(chunk, built.list)
}

// trim removes the leading chunks that end before cutoff, and returns them.
func (s *series) trim(cutoff int64) []chunk {
	if s.at(0).time >= cutoff {
		return nil
	}
	n := s.search(cutoff)
	old := s.sealed[:n]
	if n == len(s.sealed) && s.tail.time < cutoff {
		old = append(slices.Clip(old), s.tail)
		s.sealed, s.tail = nil, chunk{}
		return old
	}
	s.sealed = slices.Clone(s.sealed[n:]) // lets go of the old ones' bytes
	return old
}

// holdsAt reports whether the event of a message id is among those of time t.
func (s *series) holdsAt(m *messageID, t int64) bool {
	for i := s.search(t); i < s.len(); i++ {
		for c := s.at(i).events(); c.next(); {
			if c.time > t {
				return false
			}
			if c.time == t && m.is(c.body) {
				return true
			}
		}
	}
	return false
}

// walker is a cursor over all chunks of a series.
type walker struct {
	cursor
	series *series
	chunk  int // the next one
}

func (s *series) walk() walker { return walker{series: s} }

func (w *walker) next() bool {
	for !w.cursor.next() {
		if w.chunk == w.series.len() {
			return false
		}
		w.cursor = w.series.at(w.chunk).events()
		w.chunk++
	}
	return true
}

// before reports whether w's event comes before x's.
func (w *walker) before(x *walker) bool {
	if w.time != x.time {
		return w.time < x.time
	}
	return w.seq < x.seq
}
