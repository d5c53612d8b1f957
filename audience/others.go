package audience

import (
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// What a run asks of profiles other than the one at hand, and tells them: see outside.

// Look returns the state of a profile to be read.
func (x *txn) Look(ref profile.Ref) *state {
	if !x.covers(ref) {
		return newState(ref)
	}
	p := x.e.shardOf(ref.ID).states.get(ref)
	if p != nil && p.readers != x.nets[ref.Subject].readersMade {
		if !x.peek {
			x.remember(p)
		}
		x.renewWrites(p)
	}
	switch {
	case p != nil && x.peek:
		// What it remembers of traits depends on the instant, which may be to come.
		glanced := *p
		glanced.views = nil
		return &glanced
	case p == nil && !x.e.detached:
		return x.outline(ref)
	case p == nil && x.peek:
		return newState(ref)
	case p == nil: // nothing is stored of what is looked at aside
		p, _ = x.reach(ref)
	}
	return p
}

// renewWrites reads the traits of a profile that others ask for, of which some were not read
// before.
func (x *txn) renewWrites(p *state) {
	writes, err := x.store.Traits(x.ctx, p.ref)
	if err != nil {
		x.err = err
		return
	}
	p.setTraits(writes, x.nets[p.ref.Subject])
}

// TruthOf returns a node's truth for a profile, as others know it.
func (x *txn) TruthOf(ref profile.Ref, n *node) bool {
	if !x.covers(ref) {
		return false
	}
	if p := x.e.shardOf(ref.ID).states.get(ref); p != nil {
		return p.known(n)
	}
	if x.e.detached {
		return x.Look(ref).known(n)
	}
	k := x.keptOf(ref)
	return k.truth(n)
}

// Reach makes a stored profile part of the transaction and returns its state.
func (x *txn) Reach(ref profile.Ref) *state {
	p, _ := x.reach(ref)
	return p
}

// BatchDue notes that a batch audience is to be computed at an instant.
func (x *txn) BatchDue(at int64) {
	if horizon.Lower(&x.e.batchDue, at) {
		x.e.poke()
	}
}
