package network

// maxCount is the largest count compared with.
const MaxCount = 1_000_000

// Count is a condition on the number of matching events in a window: it
// holds for counts in [Min, Max] of events of age in [From, To).
type Count struct {
	Min, Max int
	From, To int64 // nanoseconds; To is 0 where the window is all time
}

func newCount(p *Plan) Count {
	return Count{Min: p.Min, Max: p.Max, From: int64(p.Window.Min), To: int64(p.Window.Max)}
}

// Holds reports whether the condition holds for a count.
func (l *Count) Holds(count int) bool { return l.Min <= count && count <= l.Max }

// Enough is the count beyond which more changes nothing.
func (l *Count) Enough() int {
	if l.Max == MaxCount {
		return l.Min
	}
	return l.Max + 1
}
