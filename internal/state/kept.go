package state

import (
	"cmp"
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
	Counts  []profile.UsersCount // of an account: by mark
	Counted uint32               // the version of the definitions as of which they are; 0: they are not to be believed
	Marks   []uint64             // ascending: of nodes that others look at, where they are not idle; of batch audiences, where their condition differs
}

var NothingKept = Kept{At: horizon.Never}

// Has reports whether there is a mark.
func (k *Kept) Has(mark uint64) bool {
	_, ok := slices.BinarySearch(k.Marks, mark)
	return ok
}

// Count returns what is kept of a condition on users; ok is false if the users are to be
// counted. What was counted before the node came to be is of another that was the same: nobody
// has kept it up meanwhile.
func (k *Kept) Count(n *network.Node) (c profile.UsersCount, ok bool) {
	if k.Counted == 0 || k.Counted < n.Born {
		return c, false
	}
	i, ok := slices.BinarySearchFunc(k.Counts, n.Mark, func(c profile.UsersCount, mark uint64) int { return cmp.Compare(c.Mark, mark) })
	if ok {
		c = k.Counts[i]
	}
	return c, ok
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
	k := Kept{At: horizon.Never, Version: w.Version, Marks: w.Marks, Counts: w.Counts, Counted: w.Counted}
	if !w.At.IsZero() {
		k.At = w.At.UnixNano()
	}
	return k
}

// Wake returns what a store is to keep of a profile.
func (k *Kept) Wake(ref profile.Ref) profile.Wake {
	w := profile.Wake{Ref: ref, Version: k.Version, Marks: k.Marks, Counts: k.Counts, Counted: k.Counted}
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
