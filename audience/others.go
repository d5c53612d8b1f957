package audience

import (
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/profile"
)

// What a run asks of profiles other than the one at hand, and tells them: see outside.

// Look returns the state of a profile to be read.
func (x *txn) Look(ref profile.Ref) *state.State {
	if !x.covers(ref) {
		return state.New(ref)
	}
	p := x.e.shardOf(ref.ID).states.Get(ref)
	if p != nil && p.Readers != x.Nets[ref.Subject].ReadersMade {
		if !x.Peek {
			x.remember(p)
		}
		x.renewWrites(p)
	}
	switch {
	case p != nil && x.Peek:
		// What it remembers of traits depends on the instant, which may be to come.
		glanced := *p
		glanced.Views = nil
		return &glanced
	case p == nil && !x.e.detached:
		return x.outline(ref)
	case p == nil && x.Peek:
		return state.New(ref)
	case p == nil: // nothing is stored of what is looked at aside
		p = x.reach(ref)
	}
	return p
}

// renewWrites reads the traits of a profile that others ask for, of which some were not read
// before.
func (x *txn) renewWrites(p *state.State) {
	writes, err := x.Store.Traits(x.Ctx, p.Ref)
	if err != nil {
		x.Err = err
		return
	}
	p.SetTraits(writes, x.Nets[p.Ref.Subject])
}

// TruthOf returns a node's truth for a profile, as others know it.
func (x *txn) TruthOf(ref profile.Ref, n *network.Node) bool {
	if !x.covers(ref) {
		return false
	}
	if p := x.e.shardOf(ref.ID).states.Get(ref); p != nil {
		return p.Known(n)
	}
	if x.e.detached {
		return x.Look(ref).Known(n)
	}
	k := x.keptOf(ref)
	return k.Truth(n)
}

// Reach makes a stored profile part of the transaction and returns its state.
func (x *txn) Reach(ref profile.Ref) *state.State {
	return x.reach(ref)
}

// BatchDue notes that a batch audience is to be computed at an instant.
func (x *txn) BatchDue(at int64) {
	if horizon.Lower(&x.e.batchDue, at) {
		x.e.poke()
	}
}
