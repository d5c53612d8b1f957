package audience_test

import (
	"container/heap"
	"math"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
)

// handLoop computes benchAudiences as one would by hand: for these ten, with
// no more generality than they need. It takes late and duplicate events, and
// moves memberships by time alone at the exact instants; it keeps no history.
type handLoop struct {
	users    map[string]*handUser
	due      handHeap
	now      int64
	onChange func(user string, audience int, member bool, at int64)

	total, category, coupon profile.Key
}

type handUser struct {
	id                                                  string
	seen                                                map[string]struct{} // message ids
	orders, views, added, bigOrders, shoes, couponsUsed []int64             // times, ascending
	orderCount, viewCount                               int
	member                                              [10]bool
	wake                                                int64
}

const (
	handDay   = int64(24 * time.Hour)
	handNever = int64(math.MaxInt64)
)

func newHandLoop(dict *profile.Dict, onChange func(string, int, bool, int64)) *handLoop {
	return &handLoop{
		users:    map[string]*handUser{},
		onChange: onChange,
		total:    dict.Key("total"),
		category: dict.Key("category"),
		coupon:   dict.Key("coupon"),
	}
}

func (l *handLoop) track(ev *profile.Event) {
	at := ev.Time.UnixNano()
	now := max(l.now, at)
	l.advance(now, false)
	u := l.users[ev.Profile]
	if u == nil {
		u = &handUser{id: ev.Profile, seen: map[string]struct{}{}, wake: handNever}
		l.users[ev.Profile] = u
	}
	if _, dup := u.seen[ev.MessageID]; dup {
		return
	}
	u.seen[ev.MessageID] = struct{}{}
	switch ev.Name {
	case "Order Completed":
		u.orderCount++
		handInsert(&u.orders, at, now, 90*handDay)
		if v, ok := ev.Properties.Lookup(l.total); ok {
			if f, ok := v.Float(); ok && f > 100 {
				handInsert(&u.bigOrders, at, now, 365*handDay)
			}
		}
		if _, ok := ev.Properties.Lookup(l.coupon); ok {
			handInsert(&u.couponsUsed, at, now, 90*handDay)
		}
	case "Product Viewed":
		u.viewCount++
		handInsert(&u.views, at, now, 7*handDay)
		if v, ok := ev.Properties.Lookup(l.category); ok {
			if text, ok := v.Bytes(); ok && string(text) == "shoes" {
				handInsert(&u.shoes, at, now, 7*handDay)
			}
		}
	case "Product Added":
		handInsert(&u.added, at, now, handDay)
	}
	l.evaluate(u, now)
}

// advance wakes the users that are due before now (at now too, if inclusive).
func (l *handLoop) advance(now int64, inclusive bool) {
	for len(l.due) > 0 && (l.due[0].at < now || inclusive && l.due[0].at == now) {
		w := heap.Pop(&l.due).(handWake)
		if w.u.wake == w.at {
			w.u.wake = handNever
			l.evaluate(w.u, w.at)
		}
	}
	l.now = now
}

// handInsert adds a time and forgets those that are older than the longest
// window.
func handInsert(times *[]int64, at, now, longest int64) {
	s := *times
	n := 0
	for n < len(s) && s[n]+longest <= now {
		n++
	}
	if n > 0 {
		s = s[:copy(s, s[n:])]
	}
	if len(s) == 0 || s[len(s)-1] <= at {
		*times = append(s, at)
		return
	}
	i, _ := slices.BinarySearch(s, at)
	*times = slices.Insert(s, i, at)
}

// handCount returns the number of times of age [from, to) at now, and when that may
// next change.
func handCount(times []int64, from, to, now int64) (n int, until int64) {
	until = handNever
	for i := len(times) - 1; i >= 0; i-- {
		switch at := times[i]; {
		case at+from > now:
			until = at + from
		case at+to > now:
			n++
			until = min(until, at+to)
		default:
			return n, until
		}
	}
	return n, until
}

func (l *handLoop) evaluate(u *handUser, now int64) {
	wake := handNever
	in := func(times []int64, from, to int64) int {
		n, until := handCount(times, from, to, now)
		wake = min(wake, until)
		return n
	}
	recent := in(u.orders, 0, 30*handDay) > 0
	orderedToday := in(u.orders, 0, handDay) > 0
	l.set(u, now, 0, recent)
	l.set(u, now, 1, u.orderCount >= 3)
	l.set(u, now, 2, in(u.bigOrders, 0, 365*handDay) > 0)
	l.set(u, now, 3, in(u.orders, 30*handDay, 90*handDay) > 0 && !recent)
	l.set(u, now, 4, in(u.views, 0, 7*handDay) >= 5)
	l.set(u, now, 5, in(u.shoes, 0, 7*handDay) > 0)
	l.set(u, now, 6, u.viewCount > 0 && u.orderCount == 0)
	l.set(u, now, 7, in(u.added, 0, handDay) > 0 && !orderedToday)
	l.set(u, now, 8, u.orderCount == 1)
	l.set(u, now, 9, in(u.couponsUsed, 0, 90*handDay) >= 2)
	if wake < u.wake || u.wake <= now {
		u.wake = wake
		if wake != handNever {
			heap.Push(&l.due, handWake{wake, u})
		}
	}
}

func (l *handLoop) set(u *handUser, now int64, audience int, member bool) {
	if u.member[audience] != member {
		u.member[audience] = member
		l.onChange(u.id, audience, member, now)
	}
}

type handWake struct {
	at int64
	u  *handUser
}

type handHeap []handWake

func (h handHeap) Len() int           { return len(h) }
func (h handHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h handHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *handHeap) Push(x any)        { *h = append(*h, x.(handWake)) }
func (h *handHeap) Pop() any {
	old := *h
	w := old[len(old)-1]
	*h = old[:len(old)-1]
	return w
}
