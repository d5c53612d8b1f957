package horizon

import "sync/atomic"

// Lower sets an instant to an earlier one, and reports whether it is.
func Lower(instant *atomic.Int64, to int64) bool {
	for at := instant.Load(); to < at; at = instant.Load() {
		if instant.CompareAndSwap(at, to) {
			return true
		}
	}
	return false
}

// MultipleFrom returns the first multiple of an interval that is not before t.
func MultipleFrom(t, interval int64) int64 {
	at := t - t%interval
	if at < t {
		at += interval
	}
	return at
}
