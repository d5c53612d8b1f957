package audience

import (
	"context"
	"fmt"
	"slices"

	"github.com/muster-go/muster/internal/eval"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/reuse"
	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/profile"
)

// txn is the unit of change: an instant, a cause, the profiles that it touches,
// the nodes that are stale for them, and one commit of all that follows. Data,
// due timers, merges, definitions in the making and batch computations all are
// transactions:
//
//	within    it begins
//	put       data is stored
//	run       what follows from it, at an instant, of a cause:
//	  reach     a profile becomes part of it; create and end for new ones and ended ones
//	  settle    what is stale is computed anew, by height, until nothing is
//	  gather    what changed for each part is stored
//	commit    all is visible at once, told, and timed
//
// It is one transaction of the store, too: the data that it brings, and all that
// follows, are stored together or not at all. If anything fails, nothing has happened:
// the states of all profiles that it touched are forgotten, and are read from the store
// again, which is as it was. What has begun is done to its end: the end of a context
// breaks nothing off.
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
	eval.Run
	e       *Engine
	home    *shard        // whose lock guards the transaction
	locks   shardSet      // that are held
	reached []profile.Ref // the profiles that a call names, and those it reaches; none: it may be any
	open    bool          // begun, and neither committed nor abandoned
	refs    []profile.Ref // that the store's transaction may touch; none: all
	tx      profile.Tx    // of the store; nil: nothing was stored yet
	touched []touched     // in the order of time: it may be touched, forgotten, and touched again
	undo    []func()      // undoes what it changed besides profiles, from the last to the first
	done    []func()      // what is left to do when it is committed

	// Of one run.
	cause Cause
	parts []*part // in the order in which they were reached
	used  []*part // parts of earlier runs, to be used again

	guarded guardedTx        // what tx is
	noting  *noting          // the position that the commit stores; nil: none
	putting []profile.Change // scratch
	event   profile.PutEvent // scratch
	ids     profile.PutIDs   // scratch
	noted   []noted          // of the data that it brings
	doing   doing            // what it is, for Stats and an Observer
	commitment
	grouping
}

func newTxn(e *Engine, home *shard) *txn {
	x := &txn{e: e, home: home, locks: home.self}
	x.Run = eval.Run{Store: e.reader, Nets: &e.nets, Words: &e.words, Outside: x}
	return x
}

// within makes do one transaction: what it changes is stored, told and timed together,
// or nothing of it. refs are the profiles that the store's transaction may touch; none:
// all.
func (x *txn) within(do func() error, refs ...profile.Ref) error {
	x.open, x.refs, x.Err = true, append(x.refs[:0], refs...), nil
	x.observe()
	defer func() {
		if x.open { // it failed, or panicked
			x.abandon()
		}
	}()
	if err := do(); err != nil {
		return err
	}
	if x.Err != nil {
		return x.Err
	}
	return x.commit()
}

// put has the store make changes. Its transaction begins with the first: nobody else
// changes what this one reads before, as it has the locks.
func (x *txn) put(changes ...profile.Change) (err error) {
	if err := x.begun(); err != nil {
		return err
	}
	x.putting = append(x.putting[:0], changes...) // that of the caller is not to be allocated
	if err := x.tx.Put(x.putting...); err != nil {
		return err
	}
	x.wrote = true
	return nil
}

// begun begins the store's transaction, if it is not.
func (x *txn) begun() (err error) {
	if x.tx != nil {
		return nil
	}
	if err := x.e.store.begin(&x.guarded, x.Ctx, instant(x.At), x.refs...); err != nil {
		return err
	}
	x.tx, x.at = &x.guarded, x.At
	x.Store = x.tx
	return nil
}

// onAbandon notes what undoes a change that is not of profiles.
func (x *txn) onAbandon(undo func()) { x.undo = append(x.undo, undo) }

// onCommit notes what is to be done once the transaction is committed.
func (x *txn) onCommit(do func()) { x.done = append(x.done, do) }

// run makes one change of what bring brings to profiles, within a transaction. The data
// is in the store.
func (x *txn) run(cause Cause, bring func()) error {
	return x.runAt(x.At, cause, bring)
}

// runAt is run at an instant.
func (x *txn) runAt(t int64, cause Cause, bring func()) error {
	x.begin(x.Ctx, t, cause)
	if x.holdsAll() && x.e.nets.CrossProfile() {
		x.reachDue()
	}
	bring()
	x.settle()
	return x.gatherRun()
}

// begin begins a run. The context is not to end before it does.
func (x *txn) begin(ctx context.Context, t int64, cause Cause) {
	x.Run.Begin(ctx, nil, t)
	x.cause = cause
	x.LinkedOf = nil
}

// reachDue reaches all profiles that are due: where profiles depend on each other
// what time changes at an instant is one with what data changes at it.
func (x *txn) reachDue() {
	for _, sh := range x.e.shards {
		sh.last = max(sh.last, x.At)
		if sh.due.Load() > x.At {
			continue
		}
		due, err := sh.timersTo(x.Ctx, x.Store, x.At)
		if err != nil {
			x.Err = err
			return
		}
		for _, next := range due {
			exists, err := x.exists(next.ref)
			if exists {
				x.reach(next.ref)
			}
			if err != nil {
				x.Err = err
			}
			x.touched = append(x.touched, touched{next.ref, next.at, horizon.Never, nil}) // whatever it is of
			x.retimed = append(x.retimed, int32(len(x.touched)-1))
		}
	}
}

// settle computes all that is marked, or has run out, until nothing is.
func (x *txn) settle() {
	for x.Err == nil {
		x.Walk()
		for i := 0; i < len(x.parts); i++ { // there may be more and more
			if p := x.parts[i].p; p != nil {
				x.Switch(p)
				x.AskRoots()
			}
		}
		if len(x.Stale) == 0 {
			if x.tellAcross(); len(x.Stale) == 0 {
				return
			}
		}
	}
}

// tellAcross brings what others know of the profiles that were read from the store up to
// date.
func (x *txn) tellAcross() {
	for i := 0; i < len(x.parts); i++ {
		p := x.parts[i].p
		if p == nil || !p.Mute {
			continue
		}
		x.Switch(p)
		changed := slices.DeleteFunc(slices.Clone(x.Net.Across), func(n *network.Node) bool { return !x.differsFromKnown(p, n) })
		p.Mute = false
		for _, n := range changed {
			x.PropagateAcross(n)
		}
	}
}

// differsFromKnown reports whether a node of a profile that was read is not as others
// know it.
func (x *txn) differsFromKnown(p *state.State, n *network.Node) bool {
	if !n.HasValue() {
		return p.Known(n) != p.Truth(n)
	}
	if x.e.detached {
		return p.AggregateOf(n) != nil
	}
	values, err := x.Store.ValuesOf(x.Ctx, p.Ref)
	if err != nil {
		x.Err = err
	}
	var was profile.Value
	for _, v := range values {
		if v.Key == n.Traits[0].Key {
			was = v.Value
		}
	}
	is, _ := p.Read(n)
	return !eval.Same(was, is)
}

// finish ends a run. It lets go of the states: the locks may be given back next.
func (x *txn) finish() {
	for _, pt := range x.parts {
		if pt.p != nil {
			pt.p.Part = nil
		}
		*pt = part{}
		if len(x.used) < 64 {
			x.used = append(x.used, pt)
		}
	}
	x.parts = reuse.Emptied(x.parts)
}

// commit makes all visible at once, tells it and sets the timers.
func (x *txn) commit() error {
	if len(x.notices) > 0 {
		if err := x.putNotices(); err != nil {
			return err
		}
	}
	if x.noting != nil {
		if err := x.putPosition(); err != nil {
			return err
		}
	}
	if x.tx != nil {
		mark, err := x.commitStore()
		if err != nil {
			return err
		}
		if x.noting != nil {
			x.noting.stored = x.noting.at + 1
		}
		x.upTo = max(x.upTo, mark)
	}
	x.over()
	x.noteUse()
	if len(x.notices) > 0 {
		x.setIDs()
		x.e.outbox.Add(&x.tell, x.upTo)
	}
	f := &x.home.figures
	for i := range x.notices {
		f.tell(&x.notices[i])
		if x.notices[i].change != nil {
			x.doing.Values++
		}
		x.shardOf(x.notices[i].ref()).out.Push(x.notices[i], x.upTo)
	}
	x.doing.Touched = len(x.touched)
	f.add(&x.doing.Step)
	if x.e.observer != nil {
		x.tellStep()
	}
	for _, do := range x.done {
		do()
	}
	x.setTimers()
	x.settled()
	return nil
}

// abandon leaves all as it was: who was touched is read from the store again.
func (x *txn) abandon() {
	if x.tx != nil {
		x.tx.Abort()
	}
	x.home.figures.aborts++
	x.home.figures.read += uint64(x.doing.Read)
	x.over()
	x.finish()
	x.putBack()
	for _, undo := range slices.Backward(x.undo) {
		undo()
	}
	for _, of := range x.touched {
		sh := x.shardOf(of.ref)
		if p := sh.states.Get(of.ref); p != nil {
			sh.states.Forget(p)
		}
	}
	x.settled()
}

// over has what comes read from the store itself.
func (x *txn) over() { x.open, x.tx, x.Store = false, nil, x.e.reader }

// settled empties what a transaction has noted.
func (x *txn) settled() {
	for i := range x.touched {
		if p := x.touched[i].p; p != nil {
			p.Touched = 0
			x.shardOf(p.Ref).states.Use(p)
		}
	}
	x.touched = reuse.Emptied(x.touched)
	x.retimed, x.timers, x.fired = x.retimed[:0], reuse.Emptied(x.timers), reuse.Emptied(x.fired)
	x.noted = reuse.Emptied(x.noted)
	x.undo, x.done = reuse.Emptied(x.undo), reuse.Emptied(x.done)
	x.noting = nil
	x.commitment.clear()
}

// failed says of which profile an error of the store is.
func failed(ref profile.Ref, err error) error {
	return fmt.Errorf("%s %q: %w", ref.Subject, ref.ID, err)
}
