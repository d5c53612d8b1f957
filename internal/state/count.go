package state

import (
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
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
	Past  int32
	Limit int32   // the number of times at which to drop some
	Times []int64 // ascending
}

// Add counts an event of time at, seen at instant now.
func (m *matches) Add(l *network.Count, at, now int64) {
	if l.To == 0 {
		if at <= now {
			m.Past = min(m.Past+1, int32(l.Enough()))
			return
		}
		if m.soon(at, l.Enough()) {
			m.insert(at)
		}
		return
	}
	if at+l.To <= now {
		return // over before it was known
	}
	m.insert(at)
	if k := l.Enough(); len(m.Times) > max(4*k+4, int(m.Limit)) {
		m.Forget(l, now)
		m.thin(k, l.To-l.From)
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

func (m *matches) insert(at int64) {
	if m.Times == nil {
		m.Times = make([]int64, 0, 4)
	}
	if n := len(m.Times); n == 0 || m.Times[n-1] <= at {
		m.Times = append(m.Times, at)
		return
	}
	i, _ := slices.BinarySearch(m.Times, at)
	m.Times = slices.Insert(m.Times, i, at)
}

// thin drops the times that decide nothing; see matches.
func (m *matches) thin(k int, length int64) {
	kept := m.Times[:0]
	for i, at := range m.Times {
		if n := len(kept); n >= k && i+k < len(m.Times) && m.Times[i+k]-kept[n-k] <= length {
			continue
		}
		kept = append(kept, at)
	}
	m.Times = kept
}

// Forget drops the times that no longer count at now.
func (m *matches) Forget(l *network.Count, now int64) {
	n := 0
	for n < len(m.Times) && m.Times[n]+l.To <= now {
		n++
	}
	switch {
	case n == len(m.Times):
		m.Times = nil // what has run out is let go of
	case n > 0:
		m.Times = m.Times[:copy(m.Times, m.Times[n:])]
	}
}

// At answers the leaf at now.
func (m *matches) At(l *network.Count, now int64) horizon.Verdict {
	if l.To == 0 {
		return m.ever(l, now)
	}
	m.Forget(l, now)
	// times[:in] count now, the others later. From here on the next change is
	// either the oldest of those that count leaving at its time + to, or the
	// first of the others coming at its time + from.
	in := len(m.Times)
	for in > 0 && m.Times[in-1]+l.From > now {
		in--
	}
	truth := l.Holds(in)
	out, until := 0, horizon.Never
	if k := l.Enough(); in == len(m.Times) && in > k {
		out = in - k // none comes: down to k nothing changes
	}
	for l.Holds(in-out) == truth {
		leaves, comes := horizon.Never, horizon.Never
		if out < in {
			leaves = m.Times[out] + l.To
		}
		if in < len(m.Times) {
			comes = m.Times[in] + l.From
		}
		if until = min(leaves, comes); until == horizon.Never {
			break
		}
		// All that happens at one instant is one change.
		for out < in && m.Times[out]+l.To == until {
			out++
		}
		for in < len(m.Times) && m.Times[in]+l.From == until {
			in++
		}
	}
	return horizon.Verdict{True: truth, Until: until}
}

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
