package audience

import (
	"context"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
	"github.com/tidwall/btree"
)

// forecast lets time pass for the profiles of an engine that nothing is stored by.
type forecast struct {
	view  *Engine
	ctx   context.Context
	until int64
	tell  func(Transition)
	line  *btree.BTreeG[timer] // of the profiles that are in memory; some are over
	come  []timer              // profiles that are yet to come to those, and when
	born  map[string]bool      // users who have come; nil: nobody asks
}

func newForecast(ctx context.Context, view *Engine, until int64, tell func(Transition)) *forecast {
	less := func(a, b timer) bool { return compareTimers(a, b) < 0 }
	line := btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
	return &forecast{view: view, ctx: ctx, until: until, tell: tell, line: line}
}

// all lets time pass for all profiles at once.
func (f *forecast) all(now int64) error {
	var refs []profile.Ref
	for of := range f.view.nets {
		err := eachProfile(f.ctx, f.view.store, profile.Subject(of), func(ref profile.Ref) error {
			refs = append(refs, ref)
			return f.ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	return f.pass(refs, now)
}

// each lets time pass for one profile after the other, of those that are due.
func (f *forecast) each(now int64) error {
	page := make([]profile.Wake, 256)
	for lane := range profile.Lanes {
		after := profile.Wake{}
		for n := len(page); n == len(page); {
			var err error
			if n, err = f.view.store.Wakes(f.ctx, lane, after, page); err != nil {
				return err
			}
			for _, w := range page[:n] {
				if w.At.UnixNano() > f.until {
					n = 0
					break
				}
				// Nothing has come to it since it was due, if it was.
				if err := f.passOf(w.Ref, min(now, w.At.UnixNano()-1)); err != nil {
					return err
				}
				after = w
			}
		}
	}
	return nil
}

// passOf lets time pass for a profile, if it is still there, and forgets it.
func (f *forecast) passOf(ref profile.Ref, now int64) error {
	id, exists, err := f.view.store.Resolve(f.ctx, ref)
	if err == nil && exists && id == ref.ID {
		err = f.pass([]profile.Ref{ref}, now)
	}
	f.forget()
	if err != nil {
		return failed(ref, err)
	}
	return f.ctx.Err()
}

// forget forgets the profiles that are in memory.
func (f *forecast) forget() {
	f.view.forgetAll()
	f.line.Clear()
	clear(f.born)
}

// pass lets time pass for some profiles, which depend on no others, from now on.
func (f *forecast) pass(refs []profile.Ref, now int64) error {
	// What is stored is as of now, but for what is due at this very instant.
	told, err := f.step(now, func(x *txn) { f.bring(x, refs) })
	if err != nil {
		return err
	}
	f.tellAll(told)
	return f.goOn()
}

// bring brings profiles to the instant of a step.
func (f *forecast) bring(x *txn, refs []profile.Ref) {
	for _, ref := range refs {
		x.reach(ref)
	}
	x.settle()
	for _, pt := range x.parts {
		x.Switch(pt.p)
		x.NoteAll()
	}
}

// goOn lets time pass for the profiles that are in memory, and those that come to them, and
// tells what that changes.
func (f *forecast) goOn() error {
	for {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		at := horizon.Never
		if first, ok := f.line.Min(); ok {
			at = first.at
		}
		if len(f.come) > 0 {
			at = min(at, f.come[0].at)
		}
		batch := f.view.batchDue.Load()
		if min(at, batch) > f.until {
			return nil
		}
		do := func(x *txn) {
			f.due(x, at)
			f.arrive(x, at)
		}
		if batch < at {
			at = batch
			nodes := f.view.batchesAt(batch)
			do = func(x *txn) { x.latchTogether(nodes) }
		}
		told, err := f.step(at, do)
		if err != nil {
			return err
		}
		f.tellAll(told)
	}
}

func (f *forecast) tellAll(told []notice) {
	for i := range told {
		if told[i].change == nil {
			f.tell(told[i].transition)
		}
	}
}

// step lets an instant come, and returns what that tells, until the next.
func (f *forecast) step(at int64, do func(*txn)) ([]notice, error) {
	x := f.view.x
	x.settled()
	x.Err = nil
	x.begin(f.ctx, at, CauseTime)
	do(x)
	x.settle()
	x.gatherAll()
	for _, pt := range x.parts {
		if pt.p.Wake <= f.until {
			f.line.Set(timer{at: pt.p.Wake, ref: pt.ref})
		}
	}
	x.finish()
	return x.notices, x.Err
}

// due brings the profiles that are due at an instant to it. A timer that is over changes
// nothing.
func (f *forecast) due(x *txn, at int64) {
	for first, ok := f.line.Min(); ok && first.at <= at; first, ok = f.line.Min() {
		f.line.Delete(first)
		x.reach(first.ref)
	}
}

// arrive has the profiles come whose time it is, as if they were new.
func (f *forecast) arrive(x *txn, at int64) {
	n := 0
	for n < len(f.come) && f.come[n].at <= at {
		n++
	}
	if n == 0 {
		return
	}
	some := f.come[:n]
	f.come = f.come[n:]
	for _, of := range some {
		if f.born != nil && of.ref.Subject == profile.User {
			f.born[of.ref.ID] = true
		}
	}
	for _, of := range some {
		partOf(x.reach(of.ref)).diff = (*txn).diffNew
	}
	for _, of := range some {
		if of.ref.Subject == profile.Account {
			continue
		}
		// Accounts that were there before have all that the user does, dated ahead.
		user := x.reach(of.ref)
		for _, account := range x.AccountsOf(of.ref.ID) {
			x.bring(x.reach(profile.AccountRef(account)), func() { x.Count(user, 1) })
		}
	}
}
