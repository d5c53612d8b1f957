package audience

import (
	"context"
	"fmt"
	"slices"

	"github.com/muster-go/muster/profile"
)

// DeleteAudience ends an audience: its members exit with the cause delete. Its
// key stays used for ever. An audience that another definition refers to stays:
// the error wraps ErrInUse.
func (e *Engine) DeleteAudience(ctx context.Context, key string) error {
	return e.alone(ctx, fmt.Sprintf("delete audience %q", key), true, func(x *txn) error {
		return e.deleteAudience(x.ctx, key, x.t)
	})
}

func (e *Engine) deleteAudience(ctx context.Context, key string, t int64) error {
	if b := e.broken[key]; b != nil && (b.kind.isAudience() || b.kind == nothing) {
		return e.deleteBroken(ctx, key, t)
	}
	a := e.live[key]
	if a == nil || a.audience == nil {
		return profile.ErrNotFound
	}
	var members []profile.Membership
	for m, err := range e.store.Members(ctx, key, "") {
		if err != nil {
			return err
		}
		members = append(members, m)
	}
	if err := e.end(ctx, a, t, &profile.DropMembers{Audience: key}); err != nil {
		return err
	}
	for _, m := range members {
		e.shardOf(m.Ref.ID).out.push(exitOf(m, t, CauseDelete))
	}
	return nil
}

// DeleteTrait ends a computed trait: its values become null with the cause
// delete. Its key stays used for ever. A trait that another definition reads
// stays: the error wraps ErrInUse.
func (e *Engine) DeleteTrait(ctx context.Context, key string) error {
	return e.alone(ctx, fmt.Sprintf("delete trait %q", key), true, func(x *txn) error {
		return e.deleteTrait(x.ctx, key, x.t)
	})
}

func (e *Engine) deleteTrait(ctx context.Context, key string, t int64) error {
	if b := e.broken[key]; b != nil && !b.kind.isAudience() {
		return e.deleteBroken(ctx, key, t)
	}
	a := e.live[key]
	if a == nil || a.computed == nil {
		return profile.ErrNotFound
	}
	var values []profile.ComputedValue
	for v, err := range e.store.Values(ctx, key, "") {
		if err != nil {
			return err
		}
		values = append(values, v)
	}
	if err := e.end(ctx, a, t, &profile.DropValues{Key: key}); err != nil {
		return err
	}
	for _, v := range values {
		e.shardOf(v.Ref.ID).out.push(endOf(v, t, CauseDelete))
	}
	return nil
}

// end takes a definition that nothing reads out of the store and the network.
func (e *Engine) end(ctx context.Context, a *live, t int64, drop profile.Change) error {
	if e.changing[a.key] || e.pinned[a.key] > 0 {
		return ErrLocked
	}
	for _, other := range e.live {
		if slices.Contains(other.refs, a.key) {
			return fmt.Errorf("%w: %s", ErrInUse, other.key)
		}
	}
	gone := &profile.SetKey{Record: profile.KeyRecord{Key: a.key}}
	if err := e.store.Apply(ctx, instant(t), drop, gone); err != nil {
		return err
	}
	delete(e.live, a.key)
	e.version++
	e.publish()
	if a.users != nil {
		e.dropNodes(e.detach(a, a.users))
	}
	e.dropNodes(e.detach(a, a.root))
	return nil
}
