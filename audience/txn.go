package audience

import (
	"context"
	"fmt"
	"slices"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// txn is the unit of change: an instant, a cause, the profiles that it touches,
// the nodes that are stale for them, and one commit of all that follows. Data,
// due timers, merges, definitions in the making and batch computations all are
// transactions:
//
//	begin     the instant and the cause
//	reach     a profile becomes part of it; create and end for new ones and ended ones
//	settle    what is stale is computed anew, by height, until nothing is
//	commit    what changed for each part is stored at once, told, and timed
//
// Data is in the store before a transaction begins. If anything fails after that,
// nothing is lost: the states of all parts are dropped, with the cause, and what
// the data changed is found by comparison with the store, and told, when the
// profile is touched next. Once data is stored the end of a context breaks nothing
// off.
//
// A shard has a transaction for what its own profiles need, used with the shard's
// lock. The engine has one for what concerns several, used with all locks.
//
// While anything is defined of accounts, profiles depend on each other, and a
// transaction reaches others as nodes that they depend on change; unless all that it
// changes stays with its profile, which is known beforehand: see reach.go. What a profile
// has of another subject's nodes is not asked for but pushed: when such a node
// changes, the nodes across that depend on it are marked. So no verdict ends
// because one of another profile does.
type txn struct {
	step
	home  *shard // whose lock is held; nil: all locks are
	open  bool   // begun, and neither committed nor abandoned
	cause Cause
	parts []*part // in the order in which they were reached
	used  []*part // parts of earlier transactions, to be used again

	mute    bool // nothing is pushed across: all profiles are gone through
	waiting bool // nodes that depend on other profiles are left for later
	peek    bool // of a state that is not the engine's: nothing is changed

	data  []profile.Change // to be stored
	event profile.PutEvent // scratch
	ids   profile.PutIDs   // scratch
	commitment
}

// part is one profile of a transaction.
type part struct {
	ref     profile.Ref
	p       *state
	created bool       // the profile is new
	fresh   bool       // its state was read from the store, with all that arrived
	ended   bool       // it is no more
	was     belongings // of one that is no more
	epoch   uint32     // of a fresh one: the last growth that it had
	cause   Cause      // of what is told
	made    []remade   // what is compared, instead of what changed
}

func newTxn(e *Engine, home *shard) *txn {
	x := &txn{home: home}
	x.step = step{e: e, store: e.store, nets: &e.nets, x: x}
	return x
}

// joined reports whether profiles depend on each other: something is defined of
// accounts, or of users by what their accounts are. A lock is held.
func (e *Engine) joined() bool {
	return len(e.nets[profile.Account].byText)+len(e.nets[profile.User].linked) > 0
}

// run makes one change of what bring brings to profiles; see begin. The data is
// in the store.
func (x *txn) run(cause Cause, bring func()) error {
	return x.runAt(x.t, cause, bring)
}

// runAt is run at an instant.
func (x *txn) runAt(t int64, cause Cause, bring func()) error {
	x.begin(x.ctx, t, cause)
	defer x.giveUp()
	if x.home == nil && x.e.joined() {
		x.reachDue()
	}
	bring()
	x.settle()
	return x.commit()
}

// giveUp, deferred, abandons a transaction that a panic has ended, in what the
// caller supplied or in the engine itself.
func (x *txn) giveUp() {
	if x.open {
		x.abandon()
	}
}

// begin begins a transaction. The context is not to end before it does.
func (x *txn) begin(ctx context.Context, t int64, cause Cause) {
	x.step.begin(ctx, nil, t)
	x.open, x.cause = true, cause
	x.used = append(x.used, x.parts...)
	x.parts = x.parts[:0]
	x.linkedOf = nil
	x.commitment.clear()
}

// reachDue reaches all profiles that are due: where profiles depend on each other
// what time changes at an instant is one with what data changes at it.
func (x *txn) reachDue() {
	for _, sh := range x.e.shards {
		sh.last = max(sh.last, x.t)
		if sh.due.Load() > x.t {
			continue
		}
		for first, ok := sh.timers.Min(); ok && first.at <= x.t; first, ok = sh.timers.Min() {
			sh.timers.PopMin()
			first.p.timer = horizon.Never
			x.reach(first.p.ref)
		}
		sh.setDue()
	}
}

// add makes a profile a part.
func (x *txn) add(ref profile.Ref, p *state) *part {
	var pt *part
	if n := len(x.used); n > 0 {
		pt, x.used = x.used[n-1], x.used[:n-1]
	} else {
		pt = new(part)
	}
	*pt = part{ref: ref, p: p, cause: x.cause}
	if p != nil {
		p.part = pt
	}
	x.parts = append(x.parts, pt)
	return pt
}

// reach makes a stored profile a part and returns its state. fresh says that it
// was read from the store, and has all that arrived.
func (x *txn) reach(ref profile.Ref) (p *state, fresh bool) {
	sh := x.shardOf(ref)
	old := sh.state(ref)
	if old != nil && old.part != nil {
		return old, old.part.fresh
	}
	if old != nil && !old.stale {
		x.add(ref, old)
		return old, false
	}
	p = newState(ref)
	sh.keep(p)
	pt := x.add(ref, p)
	pt.fresh, pt.epoch = true, p.epoch
	first := x.cause == CauseBackfill
	if old != nil {
		if pt.epoch = old.epoch; old.failed {
			pt.cause = old.cause
			first = first || old.cause == CauseBackfill || old.cause == CauseEdit
		}
		first = first || pt.epoch < x.e.epoch
	}
	x.read(p, first)
	return p, true
}

// create makes a profile that is new a part.
func (x *txn) create(ref profile.Ref) *state {
	p := newState(ref)
	x.shardOf(ref).keep(p)
	x.add(ref, p).created = true
	return p
}

// user makes a user a part.
func (x *txn) user(id string, created bool) (p *state, fresh bool) {
	if created {
		return x.create(profile.UserRef(id)), false
	}
	return x.reach(profile.UserRef(id))
}

// end notes that a profile is no more.
func (x *txn) end(ref profile.Ref, was belongings) {
	x.forget(ref)
	pt := x.add(ref, nil)
	pt.ended, pt.was = true, was
}

// forget drops the state of a profile, which is read from the store anew if it
// is reached again.
func (x *txn) forget(ref profile.Ref) {
	sh := x.shardOf(ref)
	if p := sh.state(ref); p != nil {
		sh.forget(p)
		if p.part != nil {
			x.parts = slices.DeleteFunc(x.parts, func(pt *part) bool { return pt == p.part })
			p.part = nil
		}
	}
	x.linkedOf = nil
}

// read loads the state of a profile, and marks what depends on others in it and
// on it in others. first says that what is in the making has never been computed
// for it.
func (x *txn) read(p *state, first bool) {
	defer x.hold()()
	x.turn(p)
	x.first = first
	x.load(&x.net.leafIndex)
	x.first = false
	x.push(x.net.linked...)
	if p.ref.Subject == profile.Account {
		x.overUsers(x.nets[profile.User].linked)
	}
}

// hold returns what brings back the profile and the event at hand.
func (x *txn) hold() (back func()) {
	p, input, taking := x.p, x.input, x.taking
	return func() {
		x.turn(p)
		x.input, x.taking = input, taking
	}
}

// arrive brings an event to a profile, unless its state has it already.
func (x *txn) arrive(p *state, fresh bool, ev *profile.Event) {
	if !fresh {
		x.turn(p)
		x.addEvent(ev)
	}
}

// settle computes all that is marked, or has run out, until nothing is.
func (x *txn) settle() {
	for x.err == nil {
		x.walk()
		for i := 0; i < len(x.parts); i++ { // there may be more and more
			if p := x.parts[i].p; p != nil {
				x.turn(p)
				x.rouse()
			}
		}
		if len(x.dirty) == 0 {
			return
		}
	}
}

// finish ends a transaction.
func (x *txn) finish() {
	for _, pt := range x.parts {
		if pt.p != nil {
			pt.p.part = nil
		}
	}
	x.open = false
}

// abandon has all that the transaction reached read from the store again: the
// data is there, and what it changes is told then. Who is no more is told now, as
// nothing says so any longer.
func (x *txn) abandon() {
	x.finish()
	for _, pt := range x.parts {
		switch {
		case pt.ended:
			for _, n := range pt.was.appendEnd(nil, x.t, pt.cause) {
				x.shardOf(pt.ref).out.push(n)
			}
		case pt.fresh:
			x.shardOf(pt.ref).fail(pt.ref, x.t, pt.cause, pt.epoch)
		default:
			x.shardOf(pt.ref).fail(pt.ref, x.t, pt.cause, pt.p.epoch)
		}
	}
}

func (x *txn) shardOf(ref profile.Ref) *shard {
	if x.home != nil {
		return x.home
	}
	return x.e.shardOf(ref.ID)
}

// failed says of which profile an error of the store is.
func failed(ref profile.Ref, err error) error {
	return fmt.Errorf("%s %q: %w", ref.Subject, ref.ID, err)
}
