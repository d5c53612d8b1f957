// Package horizon holds the one idea of the engine: an answer together with
// the instant until which it holds if nothing new arrives.
//
// Instants are Unix nanoseconds. A Verdict given at t says: True holds at every
// instant in [t, Until). What holds at Until has to be asked again; it may be
// the same. Never is the end of what only new data can change.
package horizon

import "math"

// Never is the horizon of an answer that time alone does not change.
const Never int64 = math.MaxInt64

// Add returns the instant that is d nanoseconds, at least none, after another: Never, if that
// is, or where there is none.
func Add(at, d int64) int64 {
	if at > Never-d {
		return Never
	}
	return at + d
}

// Verdict is a truth and its horizon.
type Verdict struct {
	True  bool
	Until int64
}

// Always returns a verdict that time alone does not change.
func Always(truth bool) Verdict { return Verdict{True: truth, Until: Never} }

// Not is the negation: the other truth, the same end.
func (v Verdict) Not() Verdict { return Verdict{True: !v.True, Until: v.Until} }

// All folds the verdicts of a conjunction, starting from Always(true). It is
// true until the earliest end of its parts, false until the latest end among
// the false ones.
func All(a, b Verdict) Verdict {
	switch {
	case a.True && b.True:
		return Verdict{True: true, Until: min(a.Until, b.Until)}
	case a.True:
		return b
	case b.True:
		return a
	}
	return Verdict{True: false, Until: max(a.Until, b.Until)}
}

// Any folds the verdicts of a disjunction, starting from Always(false): the
// mirror image of All.
func Any(a, b Verdict) Verdict {
	return All(a.Not(), b.Not()).Not()
}
