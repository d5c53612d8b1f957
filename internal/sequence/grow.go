package sequence

// Slices grow gently and are cut to size: there are as many as profiles.

// inserted returns s with e at an index.
func inserted[E any](s []E, i int, e E) []E {
	n := len(s)
	if n == cap(s) {
		s = append(make([]E, 0, n+n/4+1), s...)
	}
	s = s[:n+1]
	copy(s[i+1:], s[i:n])
	s[i] = e
	return s
}

// fitting returns s in memory of at most three times its length.
func fitting[E any](s []E) []E {
	switch n := len(s); {
	case n == 0:
		return nil
	case cap(s) > 3*n:
		return append(make([]E, 0, n), s...)
	}
	return s
}
