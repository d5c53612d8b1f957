package audience

// maxCount is the largest count compared with.
const maxCount = 1_000_000

// countLeaf is a condition on the number of matching events in a window: it
// holds for counts in [min, max] of events of age in [from, to).
type countLeaf struct {
	min, max int
	from, to int64 // nanoseconds; to is 0 where the window is all time
}

func newCountLeaf(p *plan) countLeaf {
	return countLeaf{min: p.min, max: p.max, from: int64(p.window.Min), to: int64(p.window.Max)}
}

func (l *countLeaf) holds(count int) bool { return l.min <= count && count <= l.max }

// enough is the count beyond which more changes nothing.
func (l *countLeaf) enough() int {
	if l.max == maxCount {
		return l.min
	}
	return l.max + 1
}
