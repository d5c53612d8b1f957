package main

import (
	"slices"
	"time"
)

// mail is a mail to a visitor about a cart.
type mail struct {
	to, cart, text string
	queued         time.Time
	sent           time.Time // zero: it is not
}

// mailQueue keeps each mail for a while before it is sent, and until then it can
// be withdrawn. It has no clock: it is told what time it is, which does not go
// back. It is not safe for concurrent use.
type mailQueue struct {
	wait            time.Duration
	waiting         []mail // in the order of queued
	sent, withdrawn []mail
}

// put takes a mail, at the instant m.queued.
func (q *mailQueue) put(m mail) { q.waiting = append(q.waiting, m) }

// withdraw takes back what waits for a visitor at an instant, and reports
// whether anything did.
func (q *mailQueue) withdraw(to string, at time.Time) bool {
	q.sendBefore(at)
	before := len(q.withdrawn)
	q.waiting = slices.DeleteFunc(q.waiting, func(m mail) bool {
		if m.to == to {
			q.withdrawn = append(q.withdrawn, m)
		}
		return m.to == to
	})
	return len(q.withdrawn) > before
}

// sendBefore sends what has waited long enough before an instant. A mail that
// is due at that instant itself can still be withdrawn at it.
func (q *mailQueue) sendBefore(t time.Time) {
	for len(q.waiting) > 0 {
		m := q.waiting[0]
		m.sent = m.queued.Add(q.wait)
		if !m.sent.Before(t) {
			return
		}
		q.sent = append(q.sent, m)
		q.waiting = q.waiting[1:]
	}
}
