package audience

import (
	"context"
	"errors"
	"iter"
	"math/bits"

	"github.com/muster-go/muster/profile"
)

// A transaction holds the locks of what it may change: of one shard, where all stays with
// the profile; of some, where accounts take an event and nothing depends on them in turn; or
// of all. Locks are taken in the order of shards.
//
// Instants go back for no profile: a timer that may change an account is only set with the
// lock of that account's shard, and whoever takes that lock next fires what is due before its
// own instant. What comes to a profile of another shard after all is found when it is asked
// for: then nothing has happened, and the call is made with all locks.

// errBeyond says that a transaction has come to a profile whose shard it has not locked.
var errBeyond = errors.New("it concerns more profiles than it has locked")

// shardSet is a set of shards, as bits: there are profile.Lanes of them at most.
type shardSet uint32

// allShards are all that there are.
const allShards = ^shardSet(0)

// of yields the shards of the set in their order.
func (s shardSet) of(e *Engine) iter.Seq[*shard] {
	return func(yield func(*shard) bool) {
		for left := s; left != 0; left &= left - 1 {
			i := bits.TrailingZeros32(uint32(left))
			if i >= len(e.shards) || !yield(e.shards[i]) {
				return
			}
		}
	}
}

func (s shardSet) unlock(e *Engine) {
	for sh := range s.of(e) {
		sh.mu.Unlock()
	}
}

func (s shardSet) deliver(ctx context.Context, e *Engine) {
	for sh := range s.of(e) {
		sh.deliver(ctx)
	}
}

// shardsOf returns the shards of profiles.
func (e *Engine) shardsOf(refs []profile.Ref) (shards shardSet) {
	for _, ref := range refs {
		shards |= e.shardOf(ref.ID).self
	}
	return shards
}

// relock exchanges the locks of some shards for those of the shards of profiles, or for none
// where that has given others time to change which these are.
func (e *Engine) relock(held shardSet, refs []profile.Ref) (shards shardSet) {
	if shards = e.shardsOf(refs); shards == held {
		return held
	}
	moved := e.moved.Load() // users come to accounts with all locks
	held.unlock(e)
	if shards.lock(e); e.moved.Load() != moved {
		shards.unlock(e)
		return 0
	}
	return shards
}

func (s shardSet) lock(e *Engine) {
	for sh := range s.of(e) {
		sh.lock()
	}
}

// covers reports whether the transaction has the lock of a profile's shard; else it is
// void.
func (x *txn) covers(ref profile.Ref) bool {
	if x.locks&x.e.shardOf(ref.ID).self != 0 {
		return true
	}
	x.Err = errBeyond
	return false
}

// holdsAll reports whether the transaction has all locks.
func (x *txn) holdsAll() bool { return x.locks == allShards }

// isBeyond reports whether an error of a transaction says that it needs more locks.
func (x *txn) isBeyond(err error) bool {
	return errors.Is(err, errBeyond) || errors.Is(err, profile.ErrNotNamed)
}

// evict has the caches of the shards whose locks a transaction has keep within their bounds.
func (x *txn) evict() {
	for sh := range x.locks.of(x.e) {
		sh.states.Evict()
	}
}
