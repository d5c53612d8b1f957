package audience

import (
	"context"
	"fmt"
	"slices"
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
	e        *Engine
	mu       sync.Mutex
	profiles map[string]*state
	timers   *btree.BTreeG[timer]
	last     int64 // the last instant at which anything was applied
	earlier  bool  // a timer was set that is earlier than all others
	due      atomic.Int64

	step    step
	changes []change
	puts    []profile.SetMember // scratch
	batch   []profile.Change    // scratch
	event   profile.PutEvent    // scratch

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
	return a.p.id < b.p.id
}

// change is one membership that a step changed.
type change struct {
	audience *live
	member   bool
}

func newShard(e *Engine) *shard {
	sh := &shard{
		e:        e,
		profiles: map[string]*state{},
		timers:   btree.NewBTreeGOptions(timerLess, btree.Options{NoLocks: true}),
		last:     profile.MinTime.UnixNano(),
	}
	sh.step.store = e.store
	sh.due.Store(horizon.Never)
	return sh
}

// firstProfile returns the id of the profile that is due first.
func (sh *shard) firstProfile() string {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	first, ok := sh.timers.Min()
	if !ok {
		return ""
	}
	return first.p.id
}

// schedule sets the profile's timer for its next wake.
func (sh *shard) schedule(p *state) {
	if p.timer == p.wake {
		return
	}
	if p.timer != horizon.Never {
		sh.timers.Delete(timer{p.timer, p})
	}
	if p.timer = p.wake; p.timer != horizon.Never {
		sh.timers.Set(timer{p.timer, p})
	}
	sh.setDue()
}

// stale replaces the profile's state by none: it is read from the store when
// the profile is touched next, at the latest with the next that is due at t.
func (sh *shard) stale(id string, t int64) {
	if p := sh.profiles[id]; p != nil {
		sh.forget(p)
	}
	p := newState(id)
	p.stale, p.wake = true, t
	sh.profiles[id] = p
	sh.schedule(p)
}

// forget drops the profile's state and its timer.
func (sh *shard) forget(p *state) {
	p.wake = horizon.Never
	sh.schedule(p)
	delete(sh.profiles, p.id)
}

func (sh *shard) setDue() {
	due := horizon.Never
	if first, ok := sh.timers.Min(); ok {
		due = first.at
	}
	if due < sh.due.Load() {
		sh.earlier = true
	}
	sh.due.Store(due)
}

// fire settles the first profile that is due, at the instant at which it is.
func (sh *shard) fire(ctx context.Context) error {
	first, ok := sh.timers.PopMin()
	if !ok {
		return nil
	}
	first.p.timer = horizon.Never
	sh.setDue()
	sh.last = max(sh.last, first.at)
	if first.p.stale {
		return sh.load(ctx, first.p.id, first.at, CauseTime)
	}
	s := &sh.step
	s.begin(ctx, sh.e.net, first.p, first.at)
	return sh.finish(CauseTime)
}

// finish settles the step at hand and records what it changed.
func (sh *shard) finish(cause Cause) error {
	s := &sh.step
	s.settle()
	sh.changes = sh.changes[:0]
	for _, n := range s.flips {
		for _, a := range n.audiences {
			sh.changes = append(sh.changes, change{a, s.p.truth(n)})
		}
	}
	return sh.record(cause)
}

// record stores the changes, queues their transitions in the order of the
// audiences' keys, and sets the profile's timer. If the store fails, nothing is
// lost: the profile's state is made anew from the store with the next call, and
// what the data changed is told then.
func (sh *shard) record(cause Cause) error {
	s := &sh.step
	err := s.err
	if err == nil && len(sh.changes) > 0 {
		slices.SortFunc(sh.changes, func(a, b change) int {
			return strings.Compare(a.audience.def.Key, b.audience.def.Key)
		})
		err = sh.storeChanges(s)
	}
	if err != nil {
		sh.stale(s.p.id, s.t)
		return fmt.Errorf("profile %q: %w", s.p.id, err)
	}
	for _, c := range sh.changes {
		sh.out.push(Transition{
			Audience: c.audience.def.Key,
			Profile:  s.p.id,
			Type:     typeOf(c.member),
			At:       instant(s.t),
			Cause:    cause,
		})
	}
	sh.schedule(s.p)
	return nil
}

func typeOf(member bool) Type {
	if member {
		return Entered
	}
	return Exited
}

func (sh *shard) storeChanges(s *step) error {
	at := instant(s.t)
	sh.puts, sh.batch = sh.puts[:0], sh.batch[:0]
	for _, c := range sh.changes {
		sh.puts = append(sh.puts, profile.SetMember{
			Membership: profile.Membership{Audience: c.audience.def.Key, Ref: profile.UserRef(s.p.id), Since: at},
			Member:     c.member,
		})
	}
	for i := range sh.puts {
		sh.batch = append(sh.batch, &sh.puts[i])
	}
	// The data is stored already: its consequences must be, too.
	return sh.e.store.Apply(lasting(s.ctx), at, sh.batch...)
}
