// Package reuse is for slices that are used again and again.
package reuse

// Emptied returns a slice to be used again, or nothing if it is a giant's: what one
// transaction of a million profiles needed is let go of.
func Emptied[T any](s []T) []T {
	if cap(s) > 1024 {
		return nil
	}
	clear(s)
	return s[:0]
}
