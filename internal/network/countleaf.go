package network

import "github.com/muster-go/muster/internal/horizon"

// maxCount is the largest count compared with.
const MaxCount = 1_000_000

// Count is a condition on the number of matching events in a window: it
// holds for counts in [Min, Max].
type Count struct {
	Min, Max int
	*horizon.Window

	// What is counted are the periods, of so many of a length, that have an event; Length 0:
	// the events.
	Periods int
	Length  int64 // nanoseconds
}

func newCount(p *Plan) Count {
	return Count{Min: p.Min, Max: p.Max, Window: horizon.NewWindow(p.Window), Periods: p.Periods, Length: int64(p.Length)}
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
