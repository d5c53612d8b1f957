package audience

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// The store keeps when each profile is due; a shard holds the first of its timers, and
// reads more when these are used up. A timer is never later than what is due, but it may
// be earlier, or of a profile that is no more: then nothing changes when it fires.

// timer is when a profile is due.
type timer struct {
	at  int64
	ref profile.Ref
}

// timersHeld is how many timers a shard reads at a time for each of its lanes; it holds
// twice as many at most.
const timersHeld = 64

// allTimers comes after all timers, and noTimer before.
var (
	noTimer   = timer{at: math.MinInt64}
	allTimers = timer{at: horizon.Never}
)

func timerLess(a, b timer) bool { return compareTimers(a, b) < 0 }

func compareTimers(a, b timer) int { return cmp.Or(cmp.Compare(a.at, b.at), compareRefs(a.ref, b.ref)) }

// compareRefs is the order of profiles at one instant: accounts follow users.
func compareRefs(a, b profile.Ref) int {
	return cmp.Or(cmp.Compare(a.Subject, b.Subject), strings.Compare(a.ID, b.ID))
}

// setTimer has a profile due at an instant that was due at another; horizon.Never: it is
// not.
func (sh *shard) setTimer(ref profile.Ref, was, at int64) {
	if was == at {
		return
	}
	if was != horizon.Never {
		sh.timers.Delete(timer{was, ref})
	}
	if t := (timer{at, ref}); at != horizon.Never && !timerLess(sh.upTo, t) {
		sh.timers.Set(t)
		if sh.timers.Len() > 2*sh.e.timersHeld*len(sh.lanes) {
			sh.holdLess()
		}
	}
	sh.setDue()
}

// holdLess lets go of the later half of the timers.
func (sh *shard) holdLess() {
	for range sh.timers.Len() / 2 {
		sh.timers.PopMax()
	}
	sh.upTo, _ = sh.timers.Max()
}

// hasTimersTo reports whether the shard holds all timers up to an instant.
func (sh *shard) hasTimersTo(at int64) bool { return sh.upTo == allTimers || sh.upTo.at > at }

// timersTo has the shard hold all timers up to an instant.
func (sh *shard) timersTo(ctx context.Context, store profile.Reader, at int64) error {
	for sh.due.Load() <= at && !sh.hasTimersTo(at) {
		if err := sh.moreTimers(ctx, store); err != nil {
			return err
		}
	}
	return nil
}

// moreTimers reads the timers that come next.
func (sh *shard) moreTimers(ctx context.Context, store profile.Reader) error {
	after := profile.Wake{}
	if sh.upTo != noTimer {
		after = profile.Wake{Ref: sh.upTo.ref, At: instant(sh.upTo.at)}
	}
	upTo, read := allTimers, []timer(nil)
	for _, lane := range sh.lanes {
		n := 0
		for w, err := range store.Wakes(ctx, lane, after) {
			if err != nil {
				return err
			}
			next := timer{w.At.UnixNano(), w.Ref}
			read = append(read, next)
			if n++; n == sh.e.timersHeld {
				upTo = slices.MinFunc([]timer{upTo, next}, compareTimers)
				break
			}
		}
	}
	for _, next := range read {
		if !timerLess(upTo, next) {
			sh.timers.Set(next)
		}
	}
	sh.upTo = upTo
	sh.setDue()
	return nil
}

func (sh *shard) setDue() {
	due := sh.upTo.at
	if first, ok := sh.timers.Min(); ok {
		due = first.at
	}
	switch was := sh.due.Load(); {
	case due == was:
		return // all shards look at it: what is the same stays in their caches
	case due < was:
		sh.earlier = true
	}
	sh.due.Store(due)
}

// firstProfile returns the profile that is due first.
func (sh *shard) firstProfile() profile.Ref {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	first, _ := sh.timers.Min()
	return first.ref
}
