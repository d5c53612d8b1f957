package audience

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// The store keeps when each profile is due; a shard holds the first timers of each of its
// lanes, and reads more when these are used up. A timer is never later than what is due,
// but it may be earlier, or of a profile that is no more: then nothing changes when it
// fires.

// timer is when a profile is due.
type timer struct {
	at  int64
	ref profile.Ref
}

// allTimers comes after all timers, and noTimer before.
var (
	noTimer   = timer{at: math.MinInt64}
	allTimers = timer{at: horizon.Never}
)

func compareTimers(a, b timer) int {
	if a.at != b.at {
		return cmp.Compare(a.at, b.at)
	}
	return a.ref.Compare(b.ref)
}

// timersHeld is how many timers of a lane are read at a time; twice as many are held at
// most.
const timersHeld = 64

// lane is the timers of a lane.
type lane struct {
	number int
	line   []timer // the first that there are, the very first at the end
	upTo   timer   // all up to this one, it included, are in line
}

// due returns when the first is due, or before.
func (l *lane) due() int64 {
	if n := len(l.line); n > 0 {
		return l.line[n-1].at
	}
	return l.upTo.at
}

// find returns the place of a timer in the line, or where it would be.
func (l *lane) find(t timer) (int, bool) {
	return slices.BinarySearchFunc(l.line, t, func(a, b timer) int { return compareTimers(b, a) })
}

func (l *lane) remove(t timer) (was bool) {
	i, was := l.find(t)
	if was {
		l.line = slices.Delete(l.line, i, i+1)
	}
	return was
}

// add adds a timer, if it is one of the first, and lets go of the later half if there are
// more than most.
func (l *lane) add(t timer, most int) {
	if compareTimers(t, l.upTo) > 0 {
		return
	}
	i, ok := l.find(t)
	if ok {
		return
	}
	if l.line = slices.Insert(l.line, i, t); len(l.line) > most {
		l.line = slices.Delete(l.line, 0, len(l.line)/2)
		l.upTo = l.line[0]
	}
}

// read reads the timers that come next, a page of them. Those that are held are all before
// them.
func (l *lane) read(ctx context.Context, store profile.Reader, page []profile.Wake) error {
	after := profile.Wake{}
	if l.upTo.at != noTimer.at {
		after = profile.Wake{Ref: l.upTo.ref, At: instant(l.upTo.at)}
	}
	n, err := store.Wakes(ctx, l.number, after, page)
	if err != nil {
		return err
	}
	held := len(l.line)
	l.line = slices.Grow(l.line, n)[:held+n]
	copy(l.line[n:], l.line[:held])
	for i := range n {
		w := &page[i]
		l.line[n-1-i] = timer{at: w.At.UnixNano(), ref: w.Ref}
	}
	if l.upTo = allTimers; n == len(page) {
		l.upTo = l.line[0]
	}
	return nil
}

// laneOf returns the lane of a profile of the shard.
func (sh *shard) laneOf(ref profile.Ref) *lane {
	return &sh.lanes[profile.Lane(ref.ID)/len(sh.e.shards)]
}

// setTimer has a profile due at an instant that was due at another; horizon.Never: it is
// not.
func (sh *shard) setTimer(ref profile.Ref, was, at int64) {
	if was == at {
		return
	}
	l := sh.laneOf(ref)
	if was != horizon.Never {
		l.remove(timer{at: was, ref: ref})
	}
	if at != horizon.Never {
		l.add(timer{at, ref}, 2*len(sh.page))
	}
	sh.setDue()
}

// first returns the lane whose first timer is the shard's first, and reads it if need be.
func (sh *shard) first(ctx context.Context, store profile.Reader) (first *lane, err error) {
	for {
		first = sh.firstLane()
		if first == nil || len(first.line) > 0 {
			return first, nil
		}
		if err := first.read(ctx, store, sh.page); err != nil {
			return nil, err
		}
	}
}

// firstLane returns the lane that is due first: one of which no timer is in memory, if there
// is any, and nil if none is due when the shard seems to be.
func (sh *shard) firstLane() (first *lane) {
	for i := range sh.lanes {
		l := &sh.lanes[i]
		if l.due() > sh.due.Load() {
			continue
		}
		if len(l.line) == 0 {
			return l
		}
		if first == nil || compareTimers(l.line[len(l.line)-1], first.line[len(first.line)-1]) < 0 {
			first = l
		}
	}
	return first
}

// timersTo returns all timers up to an instant.
func (sh *shard) timersTo(ctx context.Context, store profile.Reader, at int64) (due []timer, err error) {
	for i := range sh.lanes {
		l := &sh.lanes[i]
		for l.upTo.at <= at {
			if err := l.read(ctx, store, sh.page); err != nil {
				return nil, err
			}
		}
		for k := len(l.line) - 1; k >= 0 && l.line[k].at <= at; k-- {
			due = append(due, l.line[k])
		}
	}
	sh.setDue() // what was read may be later than it seemed
	return due, nil
}

// restoreTimers reads the first timers.
func (sh *shard) restoreTimers(ctx context.Context, store profile.Reader) error {
	for i := range sh.lanes {
		sh.lanes[i].upTo = noTimer
		if err := sh.lanes[i].read(ctx, store, sh.page); err != nil {
			return err
		}
	}
	sh.setDue()
	return nil
}

func (sh *shard) setDue() {
	due := horizon.Never
	for i := range sh.lanes {
		due = min(due, sh.lanes[i].due())
	}
	switch was := sh.due.Load(); {
	case due == was:
		return // all shards look at it: what is the same stays in their caches
	case due < was:
		sh.earlier = true
	}
	sh.due.Store(due)
}

// firstProfile returns the profile that is due first, as far as it is in memory.
func (sh *shard) firstProfile() (ref profile.Ref) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if first := sh.firstLane(); first != nil && len(first.line) > 0 {
		ref = first.line[len(first.line)-1].ref
	}
	return ref
}
