package audience

import (
	"slices"

	"github.com/muster-go/muster/internal/horizon"
)

// matches is what a count leaf remembers of one profile: the times of the
// matching events as far as they still matter.
//
// Let k be the leaf's enough(). Without a window a match whose time has come
// counts for ever, so past is a number up to k and times are only those of the
// future. With a window of length L = to-from, a time with k others before and
// k others after it, all 2k within L, decides nothing at any instant, now or
// later: wherever it counts, k of those do. Such times are dropped whenever
// there are twice as many as after the last time, so there are at most some
// 4k+4 times for each window length between the oldest time that can count and
// the newest: for a window that ends now, 32k+32 bytes.
type matches struct {
	past  int32
	limit int32   // the number of times at which to drop some
	times []int64 // ascending
}

// add counts an event of time at, seen at instant now.
func (m *matches) add(l *countLeaf, at, now int64) {
	if l.to == 0 {
		if at <= now {
			m.past = min(m.past+1, int32(l.enough()))
			return
		}
		if m.soon(at, l.enough()) {
			m.insert(at)
		}
		return
	}
	if at+l.to <= now {
		return // over before it was known
	}
	m.insert(at)
	if k := l.enough(); len(m.times) > max(4*k+4, int(m.limit)) {
		m.forget(l, now)
		m.thin(k, l.to-l.from)
		m.limit = int32(2 * len(m.times))
	}
}

// soon reports whether a time is among the k first of the future; later ones
// cannot matter where every match counts for ever.
func (m *matches) soon(at int64, k int) bool {
	if len(m.times) < k {
		return true
	}
	if at >= m.times[k-1] {
		return false
	}
	m.times = m.times[:k-1]
	return true
}

func (m *matches) insert(at int64) {
	if m.times == nil {
		m.times = make([]int64, 0, 4)
	}
	if n := len(m.times); n == 0 || m.times[n-1] <= at {
		m.times = append(m.times, at)
		return
	}
	i, _ := slices.BinarySearch(m.times, at)
	m.times = slices.Insert(m.times, i, at)
}

// thin drops the times that decide nothing; see matches.
func (m *matches) thin(k int, length int64) {
	kept := m.times[:0]
	for i, at := range m.times {
		if n := len(kept); n >= k && i+k < len(m.times) && m.times[i+k]-kept[n-k] <= length {
			continue
		}
		kept = append(kept, at)
	}
	m.times = kept
}

// forget drops the times that no longer count at now.
func (m *matches) forget(l *countLeaf, now int64) {
	n := 0
	for n < len(m.times) && m.times[n]+l.to <= now {
		n++
	}
	switch {
	case n == len(m.times):
		m.times = nil // what has run out is let go of
	case n > 0:
		m.times = m.times[:copy(m.times, m.times[n:])]
	}
}

// at answers the leaf at now.
func (m *matches) at(l *countLeaf, now int64) horizon.Verdict {
	if l.to == 0 {
		return m.ever(l, now)
	}
	m.forget(l, now)
	// times[:in] count now, the others later. From here on the next change is
	// either the oldest of those that count leaving at its time + to, or the
	// first of the others coming at its time + from.
	in := len(m.times)
	for in > 0 && m.times[in-1]+l.from > now {
		in--
	}
	truth := l.holds(in)
	out, until := 0, horizon.Never
	if k := l.enough(); in == len(m.times) && in > k {
		out = in - k // none comes: down to k nothing changes
	}
	for l.holds(in-out) == truth {
		leaves, comes := horizon.Never, horizon.Never
		if out < in {
			leaves = m.times[out] + l.to
		}
		if in < len(m.times) {
			comes = m.times[in] + l.from
		}
		if until = min(leaves, comes); until == horizon.Never {
			break
		}
		// All that happens at one instant is one change.
		for out < in && m.times[out]+l.to == until {
			out++
		}
		for in < len(m.times) && m.times[in]+l.from == until {
			in++
		}
	}
	return horizon.Verdict{True: truth, Until: until}
}

func (m *matches) ever(l *countLeaf, now int64) horizon.Verdict {
	k := int32(l.enough())
	n := 0
	for n < len(m.times) && m.times[n] <= now {
		n++
		m.past = min(m.past+1, k)
	}
	if n > 0 {
		m.times = m.times[:copy(m.times, m.times[n:])]
	}
	truth := l.holds(int(m.past))
	for i := range m.times {
		if i+1 < len(m.times) && m.times[i+1] == m.times[i] {
			continue
		}
		if l.holds(int(m.past)+i+1) != truth {
			return horizon.Verdict{True: truth, Until: m.times[i]}
		}
	}
	return horizon.Always(truth)
}
