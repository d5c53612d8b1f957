package audience

import (
	"context"
	"slices"

	"github.com/muster-go/muster/profile"
)

// When a transaction fails after its data was stored, the store owes nothing, but
// the engine does: what the data changed has not been told. Each state that failed
// is read again, before anything else happens where it could be seen, at the
// instant and with the cause of the transaction that failed.

// owing returns the states of the shard that failed, in the order of profiles.
func (sh *shard) owing() []*state {
	if len(sh.owed) == 0 {
		return nil
	}
	states := make([]*state, 0, len(sh.owed))
	for _, p := range sh.owed {
		states = append(states, p)
	}
	slices.SortFunc(states, func(a, b *state) int { return compareRefs(a.ref, b.ref) })
	return states
}

// repay tells what the states of the shard that failed owe. Its lock is held, and
// profiles do not depend on each other.
func (sh *shard) repay(ctx context.Context) error {
	for _, p := range sh.owing() {
		x := sh.x
		sh.last = max(sh.last, p.wake)
		x.ctx, x.t = lasting(ctx), sh.last
		if err := x.run(p.cause, func() { x.reach(p.ref) }); err != nil {
			return err
		}
	}
	return nil
}

// repay tells what all states that failed owe, as one transaction, where profiles
// depend on each other. All locks are held.
func (e *Engine) repay(ctx context.Context) error {
	states := e.owing()
	if len(states) == 0 {
		return nil
	}
	// What accounts have counted of their users may be wrong as well.
	for _, sh := range e.shards {
		for _, p := range sh.states[profile.Account] {
			if !p.stale {
				sh.fail(p.ref, states[0].wake, states[0].cause, p.epoch)
			}
		}
	}
	states = e.owing()
	x := e.x
	x.ctx, x.t = lasting(ctx), profile.MinTime.UnixNano()
	for _, sh := range e.shards {
		x.t = max(x.t, sh.last)
	}
	for _, p := range states {
		x.t = max(x.t, p.wake)
	}
	return x.run(states[0].cause, func() {
		for _, p := range states {
			x.reach(p.ref)
		}
	})
}

// owing returns the states that failed. All locks are held.
func (e *Engine) owing() (states []*state) {
	for _, sh := range e.shards {
		states = append(states, sh.owing()...)
	}
	return states
}

// repayAll tells what all states that failed owe. No lock is held.
func (e *Engine) repayAll(ctx context.Context) error {
	if e.owed.Load() == 0 {
		return nil
	}
	for _, sh := range e.shards {
		err := sh.lockAndRepay(ctx)
		sh.deliver(ctx)
		if err == errJoined {
			return e.lockAndRepay(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (sh *shard) lockAndRepay(ctx context.Context) error {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.e.joined() {
		return errJoined
	}
	return sh.repay(ctx)
}

func (e *Engine) lockAndRepay(ctx context.Context) error {
	e.lock()
	defer e.release(ctx)
	return e.repay(ctx)
}

// owes reports whether a state failed.
func (e *Engine) owes() bool {
	return e.owed.Load() > 0
}
