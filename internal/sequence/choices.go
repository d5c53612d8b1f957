package sequence

import (
	"cmp"
	"slices"
)

// choices are the keys that have a choice, by the first event of the best one.
type choices struct{ sorted[whole] }

// whole is a key that has a choice, and the time of its first event.
type whole struct {
	first int64
	key   key
}

func (w whole) compare(x whole) int {
	if c := cmp.Compare(w.first, x.first); c != 0 {
		return c
	}
	return w.key.compare(x.key)
}

func (w whole) seek(all []whole) (int, bool) {
	return slices.BinarySearchFunc(all, w, whole.compare)
}

// pop takes out a choice that begins at or before last, if there is one.
func (c *choices) pop(last int64) (w whole, ok bool) {
	if w, ok = c.at(spot{}); !ok || w.first > last {
		return w, false
	}
	c.remove(w)
	return w, true
}
