package sequence

import "github.com/muster-go/muster/internal/horizon"

// agenda is what is due later, soonest first: a binary heap.
type agenda[T any] []due[T]

type due[T any] struct {
	at   int64
	what T
}

// next returns the instant of what is due first, or horizon.Never.
func (a agenda[T]) next() int64 {
	if len(a) == 0 {
		return horizon.Never
	}
	return a[0].at
}

func (a *agenda[T]) push(at int64, what T) {
	i := len(*a)
	h := inserted(*a, i, due[T]{at, what})
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].at <= at {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = due[T]{at, what}
	*a = h
}

// pop takes out what is due first. There has to be something.
func (a *agenda[T]) pop() due[T] {
	h := *a
	top, n := h[0], len(h)-1
	moved := h[n]
	h[n] = due[T]{}
	h = h[:n]
	i := 0
	for {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && h[child+1].at < h[child].at {
			child++
		}
		if moved.at <= h[child].at {
			break
		}
		h[i] = h[child]
		i = child
	}
	if n > 0 {
		h[i] = moved
	}
	if n == 0 {
		h = nil
	} else if c := cap(h); c > 64 && n < c/4 {
		h = append(make([]due[T], 0, c/2), h...)
	}
	*a = h
	return top
}
