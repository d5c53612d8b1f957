package aggregate

// timed is what a queue holds.
type timed interface{ time() int64 }

// queue gives back events oldest first. Those put in in the order of time cost
// O(1) amortised; one out of order costs O(log n) in the number of such.
type queue[E timed] struct {
	line []E // line[head:] is in the order of time
	head int
	late []E // a binary heap, oldest on top
}

func (q *queue[E]) push(e E) {
	n := len(q.line)
	if q.head < n && e.time() < q.line[n-1].time() {
		q.pushLate(e)
		return
	}
	// Reuse the room at the front once it is half of all.
	if n == cap(q.line) && q.head >= (n+1)/2 {
		n = copy(q.line, q.line[q.head:])
		clear(q.line[n:])
		q.line, q.head = q.line[:n], 0
	}
	q.line = append(q.line, e)
}

// peek returns the oldest event; ok is false where there is none.
func (q *queue[E]) peek() (oldest E, ok bool) {
	switch {
	case q.lateFirst():
		return q.late[0], true
	case q.head < len(q.line):
		return q.line[q.head], true
	}
	return oldest, false
}

// pop drops the oldest event, if there is one.
func (q *queue[E]) pop() {
	switch {
	case q.lateFirst():
		q.popLate()
	case q.head < len(q.line):
		var none E
		q.line[q.head] = none
		q.head++
		q.shrink()
	}
}

// shrink gives up memory of which three quarters are unused.
func (q *queue[E]) shrink() {
	const small = 64
	rest := q.line[q.head:]
	switch c := cap(q.line); {
	case c > small && len(rest) < c/4:
		q.line, q.head = append(make([]E, 0, c/2), rest...), 0
	case len(rest) == 0:
		q.line, q.head = q.line[:0], 0
	}
}

// lateFirst reports whether the oldest event is in the heap.
func (q *queue[E]) lateFirst() bool {
	return len(q.late) > 0 &&
		(q.head == len(q.line) || q.late[0].time() < q.line[q.head].time())
}

func (q *queue[E]) pushLate(e E) {
	h := append(q.late, e)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].time() <= e.time() {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = e
	q.late = h
}

func (q *queue[E]) popLate() {
	h := q.late
	last := len(h) - 1
	e := h[last]
	var none E
	h[last] = none
	h = h[:last]
	q.late = h
	if last == 0 {
		q.late = nil // rare enough not to be kept
		return
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && h[child+1].time() < h[child].time() {
			child++
		}
		if e.time() <= h[child].time() {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = e
}
