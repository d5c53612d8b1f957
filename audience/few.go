package audience

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"slices"

	"github.com/muster-go/muster/profile"
)

// An event of a user may change the accounts that take it, and nothing else, unless users
// depend on accounts in turn. It is applied with the locks of the shards of these alone.
//
// Instants go back for none of them: a timer that may change an account is only set with
// the lock of that account's shard, and whoever takes that lock next fires what is due
// before its own instant. What comes to another profile after all is found when it is
// asked for: then nothing has happened, and the call is made with all locks.

// errBeyond says that a transaction has come to a profile whose shard it has not locked.
var errBeyond = errors.New("it concerns more profiles than it has locked")

// enterFew is enter with the locks of a user and of the accounts that take its event. It
// returns nothing where these do not do, or, again, where there was something to be done
// first, which it has done.
func (e *Engine) enterFew(ctx context.Context, id string, r reach) (x *txn, again bool, err error) {
	if r.kind != reachesEvent || e.evident {
		return nil, false, nil
	}
	moved := e.moved.Load()
	var room [8]profile.Ref
	refs, err := e.takers(ctx, id, r.account, room[:0])
	if err != nil {
		return nil, false, err
	}
	shards := e.lockOf(refs)
	defer func() {
		if x == nil {
			shards.unlock(e)
		}
	}()
	if e.moved.Load() != moved {
		return nil, true, nil // another may be its account by now
	}
	if e.closed.Load() {
		return nil, false, profile.ErrClosed
	}
	if len(e.nets[profile.User].Linked) > 0 {
		return nil, false, nil
	}
	x = e.shardOf(refs[0].ID).few
	lacks, err := x.lacksAny(ctx, refs...)
	if x = nil; lacks || err != nil {
		return nil, false, err
	}
	t, err := e.now(shards)
	if err != nil {
		return nil, false, err
	}
	if first := e.firstOf(ctx, shards, t); first != nil {
		shards.unlock(e)
		shards = 0
		return nil, true, first()
	}
	if e.isDue(t) {
		return nil, false, nil // what is due is one with it
	}
	x = e.shardOf(refs[0].ID).few
	x.beginFew(ctx, shards, refs, t)
	return x, false, nil
}

// firstOf returns what is to be done before data of an instant is applied to shards, which
// are locked, without their locks; nil if there is nothing.
func (e *Engine) firstOf(ctx context.Context, shards shardSet, t int64) (do func() error) {
	if !e.stays.Timers {
		if _, due := e.earliest(); due < t {
			return func() error { return e.fireAll(ctx, t-1) }
		}
		return nil
	}
	for sh := range shards.of(e) {
		if ready, err := sh.ready(ctx, profile.Ref{}, t); !ready {
			return func() error {
				shards.deliver(ctx, e)
				if err != nil {
					return err
				}
				return e.computeBatches(ctx, t)
			}
		}
	}
	return nil
}

// beginFew makes the transaction one of some shards, which are locked, at an instant.
func (x *txn) beginFew(ctx context.Context, shards shardSet, refs []profile.Ref, t int64) {
	for sh := range shards.of(x.e) {
		sh.last = max(sh.last, t)
	}
	x.few, x.fewRefs = shards, append(x.fewRefs[:0], refs...)
	x.Ctx, x.At, x.Err, x.upTo = lasting(ctx), t, nil, 0
}

// takers appends a user, by the id that it is kept under, and the accounts that take an
// event of it which was sent for one, if it was.
func (e *Engine) takers(ctx context.Context, id, sentFor string, into []profile.Ref) ([]profile.Ref, error) {
	kept, exists, err := e.store.Resolve(ctx, profile.UserRef(id))
	if err != nil {
		return nil, fmt.Errorf("resolve %q: %w", id, err)
	}
	if exists {
		id = kept
	}
	accounts, err := e.store.Accounts(ctx, id)
	if err != nil {
		return nil, err
	}
	into = append(into, profile.UserRef(id))
	for _, account := range accounts {
		into = append(into, profile.AccountRef(account))
	}
	if sentFor != "" && !slices.Contains(accounts, sentFor) {
		into = append(into, profile.AccountRef(sentFor))
	}
	return into, nil
}

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

// lockOf locks the shards of profiles, in their order, and returns them.
func (e *Engine) lockOf(refs []profile.Ref) (shards shardSet) {
	for _, ref := range refs {
		shards |= e.shardOf(ref.ID).self
	}
	for sh := range shards.of(e) {
		sh.mu.Lock()
	}
	return shards
}

// covers reports whether the transaction has the lock of a profile's shard; else it is
// void.
func (x *txn) covers(ref profile.Ref) bool {
	if x.few == 0 || x.few&x.e.shardOf(ref.ID).self != 0 {
		return true
	}
	x.Err = errBeyond
	return false
}

// holdsAll reports whether the transaction has all locks.
func (x *txn) holdsAll() bool { return x.home == nil && x.few == 0 }

// evict has the caches of all shards whose locks a transaction has keep within their bounds.
func (x *txn) evict() {
	for _, sh := range x.e.shards {
		if x.holdsAll() || sh == x.home || x.few&sh.self != 0 {
			sh.states.Evict()
		}
	}
}

// isBeyond reports whether an error of a transaction says that it needs all locks.
func (x *txn) isBeyond(err error) bool {
	return x.few != 0 && (errors.Is(err, errBeyond) || errors.Is(err, profile.ErrNotNamed))
}

// fireFew settles the profile of a shard that is due first, with the locks of its accounts,
// if it is a user that is the only one at that instant. Else it returns errJoined.
func (e *Engine) fireFew(ctx context.Context, of *shard, due int64) error {
	ref := of.firstProfile()
	if ref.Subject != profile.User || ref.ID == "" || e.evident {
		return errJoined
	}
	moved := e.moved.Load()
	refs, err := e.takers(ctx, ref.ID, "", nil)
	if err != nil {
		return err
	}
	if refs[0] != ref {
		return errJoined // it was merged: its shard is not the one that would be locked
	}
	shards := e.lockOf(refs)
	x, err := e.firesFew(ctx, of, refs, shards, due)
	if x == nil || err != nil || e.moved.Load() != moved {
		shards.unlock(e)
		return err
	}
	x.beginFew(ctx, shards, refs, due)
	first := timer{at: due, ref: ref}
	err = x.within(func() error { return x.fireOf(ref, nil) }, refs...)
	if x.isBeyond(err) {
		err = errJoined
	}
	if err == nil {
		of.laneOf(ref).remove(first)
		of.setDue()
	}
	if stays := e.leave(ctx, x); err == nil {
		err = stays
	}
	return err
}

// firesFew returns the transaction that fires a user's timer with the locks of some
// shards, which are held: nil and errJoined if these do not do, nil and nil if somebody was
// faster.
func (e *Engine) firesFew(ctx context.Context, of *shard, refs []profile.Ref, shards shardSet, due int64) (*txn, error) {
	switch {
	case e.closed.Load():
		return nil, profile.ErrClosed
	case of.due.Load() != due:
		return nil, nil
	case len(e.nets[profile.User].Linked) > 0:
		return nil, errJoined
	}
	lacks, err := of.few.lacksAny(ctx, refs...)
	if err == nil && lacks {
		err = errJoined
	}
	if err != nil {
		return nil, err
	}
	for _, other := range e.shards {
		if other != of && other.due.Load() <= due {
			return nil, errJoined
		}
	}
	timers, err := of.timersTo(ctx, e.reader, due)
	if err != nil {
		return nil, err
	}
	if len(timers) != 1 || timers[0].ref != refs[0] {
		return nil, errJoined
	}
	return of.few, nil
}
