package audience

import (
	"context"
	"fmt"
	"slices"

	"github.com/muster-go/muster/profile"
)

// remade is an audience or a computed trait whose root is new.
type remade struct {
	*live
	old   *node // the root that it had; nil: it is new
	cause Cause
}

// backfill computes what has been made of every profile, and records how that
// differs from what was. All locks are held.
func (e *Engine) backfill(ctx context.Context, made []remade, fresh []*node, t int64) error {
	for _, of := range []profile.Subject{profile.User, profile.Account} {
		mine := slices.DeleteFunc(slices.Clone(made), func(m remade) bool { return m.subject() != of })
		nodes := slices.DeleteFunc(slices.Clone(fresh), func(n *node) bool { return n.of != of })
		if len(mine) == 0 {
			continue
		}
		if err := e.backfillOf(ctx, of, mine, nodes, t); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) backfillOf(ctx context.Context, of profile.Subject, made []remade, fresh []*node, t int64) error {
	ix := newLeafIndex()
	for _, n := range fresh {
		ix.add(n)
	}
	return e.everyProfile(ctx, of, func(sh *shard, ref profile.Ref) error {
		p, s := sh.state(ref), &sh.step
		if p == nil || p.stale {
			return sh.load(ctx, ref, t, CauseBackfill)
		}
		s.begin(ctx, e.nets[of], p, t)
		s.load(&ix)
		for _, n := range fresh {
			if len(n.children) > 0 {
				s.dirty.push(n)
			}
		}
		s.walk()
		sh.clear()
		for _, m := range made {
			sh.compareRoots(m)
		}
		return sh.record()
	})
}

// compareRoots adds what a new root changes for the profile of the step.
func (sh *shard) compareRoots(m remade) {
	p := sh.step.p
	v := sh.step.ask(m.root)
	p.wake = min(p.wake, v.Until)
	if m.computed == nil {
		if was := m.old != nil && p.truth(m.old); was != v.True {
			sh.changes = append(sh.changes, change{audience: m.live, member: v.True, cause: m.cause})
		}
		return
	}
	var was profile.Value
	if m.old != nil {
		was, _ = p.read(m.old)
	}
	if is, _ := p.read(m.root); !same(was, is) {
		sh.values = append(sh.values, valueChange{m.live, was, is, m.cause})
	}
}

// everyProfile calls fn for every stored profile of a subject in the order of
// ids.
func (e *Engine) everyProfile(ctx context.Context, of profile.Subject, fn func(sh *shard, ref profile.Ref) error) error {
	snap, err := e.store.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = snap.Close() }()
	for id, err := range snap.Profiles(ctx, of, "") {
		if err != nil {
			return err
		}
		if err := fn(e.shardOf(id), profile.Ref{Subject: of, ID: id}); err != nil {
			return err
		}
	}
	return nil
}

// restore makes live what the store remembers, as of the last instant at which
// it was written to.
func (e *Engine) restore(ctx context.Context) error {
	_, now, err := e.store.Position(ctx)
	if err != nil {
		return err
	}
	if now.IsZero() {
		return nil
	}
	for _, sh := range e.shards {
		sh.last = now.UnixNano()
	}
	var defs []*definition
	for r, err := range e.store.Keys(ctx) {
		if err != nil {
			return err
		}
		if r.Definition == nil {
			continue
		}
		f, err := ParseFile(r.Definition)
		if err != nil {
			return fmt.Errorf("stored definition of %q: %w", r.Key, err)
		}
		for _, d := range f.definitions() {
			d.since = r.Since
			defs = append(defs, d)
		}
	}
	sorted, err := planAll(e.env, e.store.Retention(), defs, e.keyOf)
	if err != nil {
		return err
	}
	var fresh []*node
	for _, d := range sorted {
		e.bring(&live{}, d, &fresh)
	}
	for of := range e.nets {
		if err := e.everyProfile(ctx, profile.Subject(of), func(sh *shard, ref profile.Ref) error {
			return sh.restore(ctx, ref, now.UnixNano())
		}); err != nil {
			return err
		}
	}
	return nil
}

// restore makes the state of a profile as it was at t, when the store was left.
func (sh *shard) restore(ctx context.Context, ref profile.Ref, t int64) error {
	if err := sh.compare(ctx, ref, t, CauseTime); err != nil {
		return fmt.Errorf("%s %q: %w", ref.Subject, ref.ID, err)
	}
	if len(sh.changes)+len(sh.values) > 0 {
		// Due at that very instant, or left undone by a crash: it happens with
		// the first call.
		sh.stale(ref, t)
	} else {
		sh.schedule(sh.step.p)
	}
	return nil
}
