package state

import (
	"slices"
	"time"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// Kept is what the store keeps of a profile for the engine: enough to go on with it when
// its state is forgotten. Forgetting loses nothing: the state follows from the data, what
// was told is the memberships and values that are stored, and what other profiles were
// told of it is in marks.
type Kept struct {
	At      int64 // when time changes something next, or before
	Version uint32
	Marks   []uint64 // ascending: of nodes that others look at, where they are not idle; of batch audiences, where their condition differs
}

var NothingKept = Kept{At: horizon.Never}

// Has reports whether there is a mark.
func (k *Kept) Has(mark uint64) bool {
	_, ok := slices.BinarySearch(k.Marks, mark)
	return ok
}

// Truth returns that of a node as it is kept.
func (k *Kept) Truth(n *network.Node) bool { return k.Has(n.Mark) != n.Idle }

// Known returns a node's truth as others know it.
func (p *State) Known(n *network.Node) bool {
	if p.Mute {
		return p.Kept.Truth(n)
	}
	return p.Truth(n)
}

// KeptFrom returns what a store keeps.
func KeptFrom(w profile.Wake) Kept {
	k := Kept{horizon.Never, w.Version, w.Marks}
	if !w.At.IsZero() {
		k.At = w.At.UnixNano()
	}
	return k
}

// Wake returns what a store is to keep of a profile.
func (k *Kept) Wake(ref profile.Ref) profile.Wake {
	w := profile.Wake{Ref: ref, Version: k.Version, Marks: k.Marks}
	if k.At != horizon.Never {
		w.At = time.Unix(0, k.At)
	}
	return w
}

// Differs reports whether a node of a batch audience would latch another truth
// for the profile than it has.
func (p *State) Differs(n *network.Node) bool {
	return n.Of == p.Ref.Subject && p.Truth(n) != p.Truth(n.Latched)
}
