package state

import (
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
)

// matches is what a count leaf remembers of one profile: the instants at which the matching
// events begin and stop to count, as far as they still matter.
//
// How many events count at an instant that is not before now is how many are to stop after
// it, less how many are to begin after it. So which end belongs to which beginning is not
// kept: Times has the beginnings after now, and then the ends after now, each ascending. Of
// those that have begun, 8 bytes an event.
//
// Let k be the leaf's Enough(): of more events than k at once it does not matter how many
// they are. What makes them more is dropped whenever there is twice as much as after the
// last time: never more than k count at once then, so there are at most some 2k+2 events for
// each length of the window between now and the newest end: for a window that ends now,
// 32k+32 bytes.
//
// Where events never stop to count those that have begun are a number up to k, and Times are
// beginnings alone.
type matches struct {
	Past  int32   // how many of Times are beginnings; where events never stop, how many have begun
	Limit int32   // the number of times at which to drop some
	Times []int64 // ascending, the ends apart
}

// Add counts an event of time at, seen at instant now.
func (m *matches) Add(l *network.Count, at, now int64) {
	if l.Length > 0 {
		m.addRegular(l, at, now)
		return
	}
	start, end := l.Span(at)
	switch {
	case end <= start || end <= now:
		return // it never counts, or is over before it was known
	case end == horizon.Never:
		if start <= now {
			m.Past = min(m.Past+1, int32(l.Enough()))
		} else if m.soon(start, l.Enough()) {
			m.insert(start, 0)
		}
		return
	}
	if start > now {
		m.begin(start)
	}
	m.insert(end, int(m.Past))
	if k := l.Enough(); len(m.Times) > max(4*k+4, int(m.Limit)) {
		m.Forget(now)
		m.thin(k)
		m.Limit = int32(2 * len(m.Times))
	}
}

// soon reports whether a time is among the k first of the future; later ones
// cannot matter where every match counts for ever.
func (m *matches) soon(at int64, k int) bool {
	if len(m.Times) < k {
		return true
	}
	if at >= m.Times[k-1] {
		return false
	}
	m.Times = m.Times[:k-1]
	return true
}

// insert adds an instant to those from an index on.
func (m *matches) insert(at int64, from int) {
	if m.Times == nil {
		m.Times = make([]int64, 0, 4)
	}
	if n := len(m.Times); n == from || m.Times[n-1] <= at {
		m.Times = append(m.Times, at)
		return
	}
	i, _ := slices.BinarySearch(m.Times[from:], at)
	m.Times = slices.Insert(m.Times, from+i, at)
}

// begin adds a beginning.
func (m *matches) begin(at int64) {
	i, _ := slices.BinarySearch(m.Times[:m.Past], at)
	m.Times = slices.Insert(m.Times, i, at)
	m.Past++
}

// thin drops of more than k events that count at once those that stop first, from when they
// are too many on: what is left counts as much, up to k.
func (m *matches) thin(k int) {
	starts, ends := m.Times[:m.Past], m.Times[m.Past:]
	keptStarts, keptEnds := starts[:0], make([]int64, 0, len(ends))
	count, drop := len(ends)-len(starts), 0 // drop: of the next ends
	if count > k {
		drop, count = count-k, k
	}
	for s, e := 0, 0; e < len(ends); {
		if s < len(starts) && starts[s] < ends[e] {
			if count == k {
				drop++ // it counts instead of the one that is to stop next
			} else {
				keptStarts, count = append(keptStarts, starts[s]), count+1
			}
			s++
			continue
		}
		if drop > 0 {
			drop--
		} else {
			keptEnds, count = append(keptEnds, ends[e]), count-1
		}
		e++
	}
	m.Past = int32(len(keptStarts))
	m.Times = append(keptStarts, keptEnds...)
}

// Forget drops the instants up to now, where events stop to count.
func (m *matches) Forget(now int64) {
	s, e := 0, int(m.Past)
	for s < int(m.Past) && m.Times[s] <= now {
		s++
	}
	for e < len(m.Times) && m.Times[e] <= now {
		e++
	}
	switch {
	case e == len(m.Times):
		m.Times, m.Past = nil, 0 // what has run out is let go of
	case s > 0 || e > int(m.Past):
		n := copy(m.Times, m.Times[s:m.Past])
		m.Times = m.Times[:n+copy(m.Times[n:], m.Times[e:])]
		m.Past = int32(n)
	}
}

// At answers the leaf at now.
func (m *matches) At(l *network.Count, now int64) horizon.Verdict {
	switch {
	case l.Length > 0:
		return m.regular(l, now)
	case !l.Ends():
		return m.ever(l, now)
	}
	m.Forget(now)
	starts, ends := m.Times[:m.Past], m.Times[m.Past:]
	count := len(ends) - len(starts)
	truth := l.Holds(count)
	if k := l.Enough(); len(starts) == 0 && count > k {
		ends, count = ends[count-k:], k // none begins: down to k nothing changes
	}
	until := horizon.Never
	for l.Holds(count) == truth {
		if len(ends) == 0 {
			return horizon.Always(truth)
		}
		if until = ends[0]; len(starts) > 0 {
			until = min(until, starts[0])
		}
		// All that happens at one instant is one change.
		for len(ends) > 0 && ends[0] == until {
			ends, count = ends[1:], count-1
		}
		for len(starts) > 0 && starts[0] == until {
			starts, count = starts[1:], count+1
		}
	}
	return horizon.Verdict{True: truth, Until: until}
}

// ever answers a leaf whose events never stop to count.
func (m *matches) ever(l *network.Count, now int64) horizon.Verdict {
	k := int32(l.Enough())
	n := 0
	for n < len(m.Times) && m.Times[n] <= now {
		n++
		m.Past = min(m.Past+1, k)
	}
	if n > 0 {
		m.Times = m.Times[:copy(m.Times, m.Times[n:])]
	}
	truth := l.Holds(int(m.Past))
	for i := range m.Times {
		if i+1 < len(m.Times) && m.Times[i+1] == m.Times[i] {
			continue
		}
		if l.Holds(int(m.Past)+i+1) != truth {
			return horizon.Verdict{True: truth, Until: m.Times[i]}
		}
	}
	return horizon.Always(truth)
}
