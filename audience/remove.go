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
func (e *Engine) DeleteAudience(ctx context.Context, key string) (err error) {
	ctx, end := e.begin(ctx, "delete")
	defer func() { err = end(err) }()
	return e.aloneNoting(ctx, fmt.Sprintf("delete audience %q", key), true, func(x *txn) error {
		return x.deleteAudience(key)
	})
}

func (x *txn) deleteAudience(key string) error {
	if b := x.e.broken[key]; b != nil && (b.kind.isAudience() || b.kind == nothing) {
		return x.deleteBroken(key)
	}
	a := x.e.live[key]
	if a == nil || a.audience == nil {
		return profile.ErrNotFound
	}
	return x.deleteLive(a)
}

// DeleteTrait ends a computed trait: its values become null with the cause
// delete. Its key stays used for ever. A trait that another definition reads
// stays: the error wraps ErrInUse.
func (e *Engine) DeleteTrait(ctx context.Context, key string) (err error) {
	ctx, end := e.begin(ctx, "delete")
	defer func() { err = end(err) }()
	return e.aloneNoting(ctx, fmt.Sprintf("delete trait %q", key), true, func(x *txn) error {
		return x.deleteTrait(key)
	})
}

func (x *txn) deleteTrait(key string) error {
	if b := x.e.broken[key]; b != nil && !b.kind.isAudience() {
		return x.deleteBroken(key)
	}
	a := x.e.live[key]
	if a == nil || a.computed == nil {
		return profile.ErrNotFound
	}
	return x.deleteLive(a)
}

// deleteLive ends a definition that nothing reads, but for those that are deleted with it.
func (x *txn) deleteLive(a *live, with ...string) error {
	e := x.e
	if e.changing[a.key] || e.pinned[a.key] > 0 {
		return ErrLocked
	}
	for _, other := range e.live {
		if slices.Contains(other.refs, a.key) && !slices.Contains(with, other.key) {
			return fmt.Errorf("%w: %s", ErrInUse, other.key)
		}
	}
	if err := x.deleteStored(a.key, a.pending); err != nil {
		return err
	}
	x.onCommit(func() {
		e.removeLive(a)
		e.changes++
		e.publish()
	})
	return nil
}

// deleteStored takes what a key names out of the store, and tells that its members exit
// and its values end. One that was still being made leaves its key free.
func (x *txn) deleteStored(key string, pending bool) error {
	for m, err := range x.Store.Members(x.Ctx, key, "") {
		if err != nil {
			return err
		}
		x.notices = append(x.notices, exitOf(m, x.At, CauseDelete))
	}
	for v, err := range x.Store.Values(x.Ctx, key, "") {
		if err != nil {
			return err
		}
		x.notices = append(x.notices, endOf(v, x.At, CauseDelete))
	}
	gone := &profile.SetKey{Record: profile.KeyRecord{Key: key, Version: x.e.version, Pending: pending}}
	return x.put(&profile.DropMembers{Audience: key}, &profile.DropValues{Key: key}, gone)
}

// removeLive takes a definition out of the network.
func (e *Engine) removeLive(a *live) {
	delete(e.live, a.key)
	if a.Users != nil {
		e.dropNodes(e.nets.Detach(&a.Output, a.Users))
	}
	if a.Root != nil {
		e.dropNodes(e.nets.Detach(&a.Output, a.Root))
	}
}
