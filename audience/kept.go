package audience

import (
	"slices"
	"time"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// kept is what the store keeps of a profile for the engine: enough to go on with it when
// its state is forgotten. Forgetting loses nothing: the state follows from the data, what
// was told is the memberships and values that are stored, and what other profiles were
// told of it is in marks.
type kept struct {
	at      int64 // when time changes something next, or before
	version uint32
	marks   []uint64 // ascending: of nodes that others look at, where they are not idle; of batch audiences, where their condition differs
}

var nothingKept = kept{at: horizon.Never}

// has reports whether there is a mark.
func (k *kept) has(mark uint64) bool {
	_, ok := slices.BinarySearch(k.marks, mark)
	return ok
}

// truth returns that of a node as it is kept.
func (k *kept) truth(n *node) bool { return k.has(n.mark) != n.idle }

// known returns a node's truth as others know it.
func (p *state) known(n *node) bool {
	if p.mute {
		return p.kept.truth(n)
	}
	return p.truth(n)
}

// keptFrom returns what a store keeps.
func keptFrom(w profile.Wake) kept {
	k := kept{horizon.Never, w.Version, w.Marks}
	if !w.At.IsZero() {
		k.at = w.At.UnixNano()
	}
	return k
}

// wake returns what a store is to keep of a profile.
func (k *kept) wake(ref profile.Ref) profile.Wake {
	w := profile.Wake{Ref: ref, Version: k.version, Marks: k.marks}
	if k.at != horizon.Never {
		w.At = time.Unix(0, k.at)
	}
	return w
}
