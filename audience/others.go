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
	switch {
	case p == nil && x.e.detached: // nothing is stored of what is looked at aside
		return x.reach(ref)
	case p == nil:
		return x.outline(ref)
	case p.Readers != x.Nets[ref.Subject].ReadersMade:
		x.remember(p)
		x.renewWrites(p)
	}
	return p
}

// onlooker is what a run asks that explains: nothing of the engine's changes by it.
type onlooker struct{ *txn }

// Look returns a copy of what there is of a profile.
func (o onlooker) Look(ref profile.Ref) *state.State {
	p := o.e.shardOf(ref.ID).states.Get(ref)
	switch {
	case p == nil && o.e.detached:
		return state.New(ref)
	case p == nil:
		return o.outline(ref)
	}
	// What it remembers of traits depends on the instant, which may be to come.
	seen := *p
	seen.Views = nil
	if seen.Readers != o.Nets[ref.Subject].ReadersMade {
		o.renewWrites(&seen)
	}
	return &seen
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

// MemberSince returns since when a profile is in an audience, as it was told.
func (x *txn) MemberSince(ref profile.Ref, key string) (at int64, ok bool) {
	if x.e.past {
		return 0, false
	}
	members, err := x.Store.Memberships(x.Ctx, ref)
	if err != nil {
		x.Err = err
	}
	for _, m := range members {
		if m.Audience == key {
			return m.Since.UnixNano(), true
		}
	}
	return 0, false
}

// BatchDue notes that a batch audience is to be computed at an instant.
func (x *txn) BatchDue(at int64) {
	if horizon.Lower(&x.e.batchDue, at) {
		x.e.poke()
	}
}
