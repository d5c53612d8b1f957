// Package backoff says how long to wait after failures.
package backoff

import "time"

// After returns how long to wait after the n-th failure in a row, from 0: 10 ms, and twice as
// long each time, up to a minute.
func After(n int) time.Duration {
	return min(10*time.Millisecond<<min(n, 20), time.Minute)
}
