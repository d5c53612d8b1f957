package audience

import (
	"slices"

	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/profile"
)

// touched is a profile that a transaction touched, with its timer.
type touched struct {
	ref      profile.Ref
	was, now int64 // horizon.Never: none
	p        *state.State
}

// part is one profile of a transaction.
type part struct {
	ref   profile.Ref
	p     *state.State // nil: it is no more
	cause Cause        // of what is told
	read  bool         // its state was read from the store, with all that arrived
	made  []remade     // what is new to it, of causes of its own
	was   holdings     // of one that is no more
	diff  differ       // finds what is told of it
}

// partOf returns the part that a state is of the run at hand, nil if it is none.
func partOf(p *state.State) *part {
	if p == nil || p.Part == nil {
		return nil
	}
	return p.Part.(*part)
}

// add makes a profile a part.
func (x *txn) add(ref profile.Ref, p *state.State) *part {
	var pt *part
	if n := len(x.used); n > 0 {
		pt, x.used = x.used[n-1], x.used[:n-1]
	} else {
		pt = new(part)
	}
	*pt = part{ref: ref, p: p, cause: x.cause, diff: (*txn).diffChanged}
	if p != nil {
		p.Part = pt
		x.remember(p)
	}
	x.parts = append(x.parts, pt)
	return pt
}

// remember notes what there was of a profile, whose state is p, before the transaction
// changes it.
func (x *txn) remember(p *state.State) {
	if p.Touched == 0 {
		x.touched = append(x.touched, touched{p.Ref, p.Kept.At, p.Kept.At, p})
		p.Touched = int32(len(x.touched))
	}
}

// renew makes a state of a profile that has nothing yet but what is kept of it.
func (x *txn) renew(ref profile.Ref, k state.Kept) *state.State {
	sh := x.shardOf(ref)
	if old := sh.states.Get(ref); old != nil {
		x.forget(ref)
	}
	p := state.New(ref)
	x.LinkedOf = nil // who has looked at an outline of it looks at this
	p.Kept, p.Version = k, max(k.Version, x.e.floor(ref.Subject))
	x.remember(p)
	sh.states.Keep(p)
	return p
}

// reach makes a stored profile a part and returns its state.
func (x *txn) reach(ref profile.Ref) *state.State {
	if !x.covers(ref) {
		return state.New(ref)
	}
	p := x.shardOf(ref).states.Get(ref)
	if partOf(p) != nil {
		return p
	}
	if p != nil && p.Version >= x.e.wanted(ref.Subject) {
		x.add(ref, p)
		return p
	}
	p = x.renew(ref, x.keptOf(ref))
	x.hydrate(p)
	return p
}

// bring has do bring to a part what arrived, unless its state has that already: it was read
// from the store since.
func (x *txn) bring(p *state.State, do func()) {
	if pt := partOf(p); pt == nil || pt.read {
		return
	}
	x.Switch(p)
	do()
}

// hydrate makes a profile a part whose state is new, and reads it from the store.
func (x *txn) hydrate(p *state.State) {
	x.doing.Read++
	pt := x.add(p.Ref, p)
	pt.read, pt.diff, pt.made = true, (*txn).diffStored, x.e.madeSince(p.Ref.Subject, p.Version)
	p.Mute = true
	x.read(p)
}

// create makes a profile that is new a part.
func (x *txn) create(ref profile.Ref) *state.State {
	p := x.renew(ref, state.NothingKept)
	p.Version = x.e.version
	x.add(ref, p).diff = (*txn).diffNew
	x.Switch(p)
	x.Push(x.Net.Identity...)
	x.Push(x.Net.Initial...)
	return p
}

// user makes a user a part.
func (x *txn) user(id string, created bool) *state.State {
	// One that is new may have been read already, with an account that was due.
	ref := profile.UserRef(id)
	if created && x.shardOf(ref).states.Get(ref) == nil {
		return x.create(ref)
	}
	return x.reach(ref)
}

// end notes that a profile is no more.
func (x *txn) end(ref profile.Ref, was holdings) {
	x.forget(ref)
	pt := x.add(ref, nil)
	pt.was, pt.diff = was, (*txn).diffEnded
}

// forget drops the state of a profile, which is read from the store anew if it
// is reached again.
func (x *txn) forget(ref profile.Ref) {
	sh := x.shardOf(ref)
	if p := sh.states.Get(ref); p != nil {
		x.remember(p)
		sh.states.Forget(p)
		if of := partOf(p); of != nil {
			x.parts = slices.DeleteFunc(x.parts, func(pt *part) bool { return pt == of })
			p.Part = nil
		}
	}
	x.LinkedOf = nil
}

// read loads the state of a profile, and marks what depends on others in it. What
// others know of it is told apart: see tellAcross.
func (x *txn) read(p *state.State) {
	defer x.hold()()
	x.Switch(p)
	x.Load(&x.Net.Leaves)
	x.Push(x.Net.Linked...)
	p.Version = x.e.version
}

// hold returns what brings back the profile and the event at hand.
func (x *txn) hold() (back func()) {
	p, input, taking := x.Profile, x.Input, x.Taking
	return func() {
		x.Switch(p)
		x.Input, x.Taking = input, taking
	}
}

func (x *txn) shardOf(ref profile.Ref) *shard {
	if x.locks == x.home.self {
		return x.home
	}
	return x.e.shardOf(ref.ID)
}
