package audience

import (
	"cmp"
	"context"
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
	e       *Engine
	mu      sync.Mutex
	states  [2]map[string]*state // by Subject, by id
	timers  *btree.BTreeG[timer]
	last    int64 // the last instant at which anything was applied
	all     bool  // the call at hand holds all locks
	earlier bool  // a timer was set that is earlier than all others
	due     atomic.Int64

	step    step
	changes []change            // of the step, to be recorded
	values  []valueChange       // likewise
	puts    []profile.SetMember // scratch
	sets    []profile.SetValue  // scratch
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
	return compareRefs(a.p.ref, b.p.ref) < 0
}

// compareRefs is the order of profiles at one instant: accounts follow users.
func compareRefs(a, b profile.Ref) int {
	return cmp.Or(cmp.Compare(a.Subject, b.Subject), strings.Compare(a.ID, b.ID))
}

// change is one membership that a step changed.
type change struct {
	audience *live
	member   bool
	cause    Cause
	evidence *Explained
}

// valueChange is the value of one computed trait that a step changed.
type valueChange struct {
	trait    *live
	old, new profile.Value
	cause    Cause
}

func newShard(e *Engine) *shard {
	sh := &shard{
		e:      e,
		states: [2]map[string]*state{{}, {}},
		timers: btree.NewBTreeGOptions(timerLess, btree.Options{NoLocks: true}),
		last:   profile.MinTime.UnixNano(),
	}
	sh.step.e, sh.step.store, sh.step.nets = e, e.store, &e.nets
	sh.due.Store(horizon.Never)
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

// stale replaces the profile's state by none: it is read from the store when
// the profile is touched next, at the latest with the next that is due at t.
func (sh *shard) stale(ref profile.Ref, t int64) {
	p, epoch := newState(ref), sh.e.epoch
	if old := sh.state(ref); old != nil {
		epoch = old.epoch
	}
	p.stale, p.wake = true, t
	sh.keep(p)
	p.epoch = epoch
	sh.schedule(p)
}

// forget drops the profile's state and its timer.
func (sh *shard) forget(p *state) {
	p.wake = horizon.Never
	sh.schedule(p)
	delete(sh.states[p.ref.Subject], p.ref.ID)
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
		return sh.load(ctx, first.p.ref, first.at, CauseTime)
	}
	if err := sh.upgrade(ctx, first.p, first.at); err != nil {
		return err
	}
	sh.step.begin(ctx, first.p, first.at)
	return sh.finish(CauseTime)
}

// finish settles the step at hand and records what it changed.
func (sh *shard) finish(cause Cause) error {
	s := &sh.step
	s.settle()
	s.sortChanges()
	sh.clear()
	sh.takeFlips(s.flips, cause)
	sh.takeMoves(s.moves, cause)
	return sh.record(s)
}

// clear begins the changes of a step.
func (sh *shard) clear() { sh.changes, sh.values = sh.changes[:0], sh.values[:0] }

// takeFlips makes changes of the flips of one profile, sorted. A node may change
// its truth several times in a step: what counts is what it was before the first
// and what it is.
func (sh *shard) takeFlips(flips []flip, cause Cause) {
	for i, f := range flips {
		truth := f.p.truth(f.node)
		if i > 0 && flips[i-1].node == f.node || truth == f.was {
			continue
		}
		for _, a := range f.node.audiences {
			if a.shadow {
				continue
			}
			sh.changes = append(sh.changes, change{audience: a, member: truth, cause: cause})
		}
	}
}

// takeMoves is takeFlips for computed traits. The moves are sorted.
func (sh *shard) takeMoves(moves []move, cause Cause) {
	for i := 0; i < len(moves); {
		first := moves[i]
		last := first.new
		for i++; i < len(moves) && moves[i].node == first.node; i++ {
			last = moves[i].new
		}
		if same(first.old, last) {
			continue
		}
		for _, c := range first.node.traits {
			if c.shadow {
				continue
			}
			sh.values = append(sh.values, valueChange{c, first.old, last, cause})
		}
	}
}

// record stores the changes, queues them, those of computed traits before those
// of memberships and each in the order of keys, and sets the profile's timer. If the store fails, nothing is
// lost: the profile's state is made anew from the store with the next call, and
// what the data changed is told then.
func (sh *shard) record(s *step) error {
	sh.giveEvidence(s)
	err := s.err
	if err == nil && len(sh.changes)+len(sh.values) > 0 {
		slices.SortFunc(sh.changes, func(a, b change) int { return strings.Compare(a.audience.key, b.audience.key) })
		slices.SortFunc(sh.values, func(a, b valueChange) int { return strings.Compare(a.trait.key, b.trait.key) })
		err = sh.storeChanges(s)
	}
	if err != nil {
		sh.stale(s.p.ref, s.t)
		return failed(s.p.ref, err)
	}
	for _, c := range sh.values {
		if len(sh.e.traitSubs.all()) == 0 {
			break // nobody to tell
		}
		sh.out.push(notice{change: &TraitChange{
			Trait:   c.trait.key,
			Profile: s.p.ref,
			Old:     c.old,
			New:     c.new,
			At:      instant(s.t),
			Cause:   c.cause,
		}})
	}
	for _, c := range sh.changes {
		sh.tell(Transition{
			Audience: c.audience.key,
			Subject:  s.p.ref.Subject,
			Profile:  s.p.ref.ID,
			Type:     typeOf(c.member),
			At:       instant(s.t),
			Cause:    c.cause,
			Evidence: c.evidence,
		})
	}
	sh.schedule(s.p)
	return nil
}

// giveEvidence adds to the changes of memberships what was seen for them, if
// the engine is to.
func (sh *shard) giveEvidence(s *step) {
	if !sh.e.evident || s.err != nil {
		return
	}
	for i := range sh.changes {
		c := &sh.changes[i]
		x := s.explainMembership(c.audience)
		c.evidence = &x
	}
}

// tell queues a transition.
func (sh *shard) tell(tr Transition) { sh.out.push(notice{transition: tr}) }

// tellExit queues the end of a membership.
func (sh *shard) tellExit(m profile.Membership, t int64, cause Cause) {
	sh.tell(Transition{
		Audience: m.Audience,
		Subject:  m.Ref.Subject,
		Profile:  m.Ref.ID,
		Type:     Exited,
		At:       instant(t),
		Cause:    cause,
	})
}

// tellValue queues the end of a value.
func (sh *shard) tellValue(v profile.ComputedValue, t int64, cause Cause) {
	sh.out.push(notice{change: &TraitChange{
		Trait:   v.Key,
		Profile: v.Ref,
		Old:     v.Value,
		At:      instant(t),
		Cause:   cause,
	}})
}

func typeOf(member bool) Type {
	if member {
		return Entered
	}
	return Exited
}

func (sh *shard) storeChanges(s *step) error {
	at := instant(s.t)
	sh.puts, sh.sets, sh.batch = sh.puts[:0], sh.sets[:0], sh.batch[:0]
	for _, c := range sh.changes {
		sh.puts = append(sh.puts, profile.SetMember{
			Membership: profile.Membership{Audience: c.audience.key, Ref: s.p.ref, Since: at},
			Member:     c.member,
		})
	}
	for _, c := range sh.values {
		sh.sets = append(sh.sets, profile.SetValue{
			Value: profile.ComputedValue{Key: c.trait.key, Ref: s.p.ref, Value: c.new, Since: at},
		})
	}
	for i := range sh.puts {
		sh.batch = append(sh.batch, &sh.puts[i])
	}
	for i := range sh.sets {
		sh.batch = append(sh.batch, &sh.sets[i])
	}
	// The data is stored already: its consequences must be, too.
	return sh.e.store.Apply(lasting(s.ctx), at, sh.batch...)
}
