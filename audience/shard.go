package audience

import (
	"cmp"
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
	"github.com/tidwall/btree"
)

// shard is a part of the profiles: their states, their timers, and the
// transitions that wait for delivery. mu guards all but the outbox, which has a
// lock of its own, and due, which may be read without.
type shard struct {
	e       *Engine
	mu      sync.Mutex
	states  [2]map[string]*state // by Subject, by id
	timers  *btree.BTreeG[timer]
	joint   *btree.BTreeG[timer] // of what may change other profiles: see reach.go
	last    int64                // the last instant at which anything was applied
	earlier bool                 // a timer was set that is earlier than all others
	due     atomic.Int64

	// jointDue is when the first of joint is due. All shards look at it with each
	// event: it is not beside what changes with each.
	_        [64]byte
	jointDue atomic.Int64
	_        [64]byte

	x   *txn // of its own profiles alone
	out outbox
}

// timer is a profile's next wake.
type timer struct {
	at int64
	p  *state
}

func timerLess(a, b timer) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	return compareRefs(a.p.ref, b.p.ref) < 0
}

// compareRefs is the order of profiles at one instant: accounts follow users.
func compareRefs(a, b profile.Ref) int {
	return cmp.Or(cmp.Compare(a.Subject, b.Subject), strings.Compare(a.ID, b.ID))
}

func newShard(e *Engine) *shard {
	sh := &shard{
		e:      e,
		states: [2]map[string]*state{{}, {}},
		timers: btree.NewBTreeGOptions(timerLess, btree.Options{NoLocks: true}),
		joint:  btree.NewBTreeGOptions(timerLess, btree.Options{NoLocks: true}),
		last:   profile.MinTime.UnixNano(),
	}
	sh.x = newTxn(e, sh)
	sh.due.Store(horizon.Never)
	sh.jointDue.Store(horizon.Never)
	return sh
}

// firstProfile returns the profile that is due first.
func (sh *shard) firstProfile() profile.Ref {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	first, ok := sh.timers.Min()
	if !ok {
		return profile.Ref{}
	}
	return first.p.ref
}

// schedule sets the profile's timer for its next wake.
func (sh *shard) schedule(p *state) {
	joint := sh.e.jointWake(p)
	if p.timer == p.wake && p.joint == joint {
		return
	}
	setTimer(sh.timers, p, &p.timer, p.wake)
	setTimer(sh.joint, p, &p.joint, joint)
	sh.setDue()
}

func setTimer(timers *btree.BTreeG[timer], p *state, was *int64, at int64) {
	if *was == at {
		return
	}
	if *was != horizon.Never {
		timers.Delete(timer{*was, p})
	}
	if *was = at; at != horizon.Never {
		timers.Set(timer{at, p})
	}
}

// state returns the state of the profile kept under ref, or nil.
func (sh *shard) state(ref profile.Ref) *state { return sh.states[ref.Subject][ref.ID] }

// keep makes p the state of its profile.
func (sh *shard) keep(p *state) {
	if old := sh.state(p.ref); old != nil {
		sh.forget(old)
	}
	sh.states[p.ref.Subject][p.ref.ID] = p
	p.epoch = sh.e.epoch
}

// drop replaces the profile's state by none: it is read from the store when the profile
// is touched next, at the latest when its timer is due.
func (sh *shard) drop(was before) {
	p := newState(was.ref)
	sh.keep(p)
	p.stale, p.wake, p.epoch, p.told = true, was.wake, was.epoch, was.told
	sh.schedule(p)
}

// forget drops the profile's state and its timer.
func (sh *shard) forget(p *state) {
	p.wake = horizon.Never
	sh.schedule(p)
	delete(sh.states[p.ref.Subject], p.ref.ID)
}

func (sh *shard) setDue() {
	due, joint := horizon.Never, horizon.Never
	if first, ok := sh.timers.Min(); ok {
		due = first.at
	}
	if first, ok := sh.joint.Min(); ok {
		joint = first.at
	}
	// All shards look at these: what is the same stays in their caches.
	if sh.jointDue.Load() != joint {
		sh.jointDue.Store(joint)
	}
	switch was := sh.due.Load(); {
	case due == was:
		return
	case due < was:
		sh.earlier = true
	}
	sh.due.Store(due)
}

// fire settles the first profile that is due, at the instant at which it is.
func (x *txn) fire(ctx context.Context) error {
	sh := x.home
	first, ok := sh.timers.Min()
	if !ok {
		return nil
	}
	x.ctx, x.t = ctx, max(first.at, sh.last)
	sh.last = x.t
	return x.within(func() error {
		if !first.p.stale {
			if err := x.upgrade(first.p, x.t); err != nil {
				return err
			}
		}
		return x.run(CauseTime, func() { x.reach(first.p.ref) })
	}, first.p.ref)
}
