package audience

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Create makes audiences live, all or none. They may refer to each other and to
// audiences that exist. Unless a definition says otherwise it counts the whole
// history: profiles that meet it enter with the cause backfill. An error is a
// *DefinitionError.
//
// It goes through every stored profile, on the caller's goroutine and some more,
// while data is taken: from the beginning what arrives counts, and a profile is
// computed when it is come to or, before that, when something happens to it.
// Progress tells how far it is. When ctx ends it is broken off: who had entered
// exits, with the cause delete. If the engine is closed meanwhile, or the process ends,
// it goes on with the next engine of the store. While anything is defined of accounts no data is
// taken meanwhile.
func (e *Engine) Create(ctx context.Context, defs ...Definition) error {
	return e.CreateFile(ctx, File{Audiences: defs})
}

// CreateTraits makes computed traits live, as Create does audiences. A custom
// trait must not have the key: not one that a profile has, nor one that a live
// definition reads.
func (e *Engine) CreateTraits(ctx context.Context, traits ...trait.Computed) error {
	return e.CreateFile(ctx, File{Traits: traits})
}

// CreateFile makes all that a definitions file defines live, or nothing. The
// definitions may read each other in any order, but not in a circle.
func (e *Engine) CreateFile(ctx context.Context, f File) error {
	return in("create", e.create(ctx, f.definitions()))
}

func (e *Engine) create(ctx context.Context, defs []*definition) error {
	if len(defs) == 0 {
		return nil
	}
	unreserve, err := e.reserve(ctx, defs)
	if err != nil {
		return err
	}
	defer unreserve()
	var g *growth
	err = e.planned(ctx, func() ([]*definition, func(string) keyOf, error) { return defs, e.keyOf, nil }, func(x *txn, sorted []*definition) error {
		var all bool
		if g, all, err = x.bringNew(sorted); all && err == nil {
			err = x.made(g)
		}
		return err
	})
	if err != nil || g == nil || len(g.keys) == 0 {
		return err
	}
	err = e.upgradeAll(ctx, g)
	if err == nil {
		err = e.complete(lasting(ctx), g)
	}
	if err != nil {
		return e.breakOff(lasting(ctx), g, err)
	}
	return nil
}

// planned plans the definitions that prepare returns, which may take its time
// without holding anybody up, and calls do with them, sorted, and with all
// locks.
func (e *Engine) planned(ctx context.Context, prepare func() ([]*definition, func(string) keyOf, error), do func(*txn, []*definition) error) error {
	for {
		var changes uint64
		defs, kinds, err := func() ([]*definition, func(string) keyOf, error) {
			e.mu.RLock()
			defer e.mu.RUnlock()
			changes = e.changes
			return prepare()
		}()
		if err != nil {
			return err
		}
		sorted, err := planAll(e.env, e.store.Retention(), defs, func(key string) keyOf {
			e.mu.RLock()
			defer e.mu.RUnlock()
			return kinds(key)
		})
		if err != nil {
			return err
		}
		again := false
		err = e.alone(ctx, "", true, func(x *txn) error {
			if again = e.changes != changes; again {
				return nil
			}
			return do(x, sorted)
		})
		if !again {
			return err
		}
	}
}

// bringNew makes planned definitions live. all says that every profile has
// them. All locks are held.
func (x *txn) bringNew(sorted []*definition) (g *growth, all bool, err error) {
	e := x.e
	if err := x.checkNew(sorted); err != nil {
		return nil, false, err
	}
	seq, _, err := x.store.Position(x.ctx)
	if err != nil {
		return nil, false, err
	}
	joined := e.joins(sorted)
	if !joined {
		e.version++
	}
	batch := make([]profile.Change, 0, len(sorted))
	keys := make([]string, 0, len(sorted))
	for _, d := range sorted {
		if d.noBackfill() {
			d.since = seq
		}
		d.version, d.pending = e.version, !joined
		r, err := d.record()
		if err != nil {
			return nil, false, err
		}
		batch = append(batch, &profile.UseKey{Record: r})
		keys = append(keys, d.key)
	}
	e.changes++
	x.onAbandon(func() { e.undefine(keys) })
	var b backfill
	for _, d := range sorted {
		b.bring(e, &live{}, d, CauseBackfill)
	}
	if joined {
		x.onCommit(func() { e.publish() })
		return nil, true, x.backfillJoined(&b, keys, CauseBackfill, batch...)
	}
	if err := x.put(batch...); err != nil {
		return nil, false, err
	}
	for _, key := range keys {
		e.changing[key] = true
	}
	return x.beginGrowth(&b, keys)
}

// joins reports whether profiles depend on each other, or do with some definitions.
func (e *Engine) joins(defs []*definition) bool {
	return e.joined() || slices.ContainsFunc(defs, func(d *definition) bool {
		return d.subject() == profile.Account || d.plan.joins()
	})
}

// undefine takes new definitions out of the network, of which those that come later may
// read those that come earlier. All locks are held.
func (e *Engine) undefine(keys []string) {
	for _, key := range slices.Backward(keys) {
		delete(e.changing, key)
		if a := e.live[key]; a != nil {
			e.removeLive(a)
		}
	}
	e.changes++
	e.publish()
}

// made ends the making of definitions that all profiles have.
func (x *txn) made(g *growth) error {
	if g == nil {
		return nil
	}
	e := x.e
	for _, key := range g.keys {
		d := *e.live[key].definition
		d.pending = false
		if err := x.storeDefinition(&d); err != nil {
			return err
		}
	}
	x.onCommit(func() {
		for _, key := range g.keys {
			e.live[key].pending = false
			delete(e.changing, key)
		}
		g.keys = nil
		e.over(g)
	})
	return nil
}

// complete ends a creation that went through all profiles.
func (e *Engine) complete(ctx context.Context, g *growth) error {
	return e.alone(ctx, "", false, func(x *txn) error { return x.made(g) })
}

// breakOff ends a creation that cannot be completed: there is nothing of it then, but
// that its keys were used.
func (e *Engine) breakOff(ctx context.Context, g *growth, broken error) error {
	return errors.Join(broken, e.alone(ctx, "", true, func(x *txn) error {
		for _, key := range g.keys {
			delete(e.changing, key)
		}
		x.onCommit(func() { e.giveUp(g) })
		return x.deleteAll(g.keys)
	}))
}

// deleteAll ends definitions of which those that come later may read those that come
// earlier.
func (x *txn) deleteAll(keys []string) error {
	for _, key := range slices.Backward(keys) {
		if err := x.deleteLive(x.e.live[key], keys...); err != nil {
			return err
		}
	}
	return nil
}

// keyOf returns what a key names, also of a definition that is broken.
func (e *Engine) keyOf(key string) keyOf {
	if a := e.live[key]; a != nil {
		return a.of()
	}
	if b := e.broken[key]; b != nil {
		return b.kind
	}
	return nothing
}

var errReadAsCustom = fmt.Errorf("%w: a live definition reads the custom trait of that name", ErrExists)

// checkNew returns an error for definitions that cannot be made beside those
// there are: of a key that was used before, or is the name of a custom trait
// that one of those reads; or because another is in the making. All locks are
// held.
func (x *txn) checkNew(defs []*definition) error {
	e := x.e
	used := map[string]bool{}
	for r, err := range x.store.Keys(x.ctx) {
		if err != nil {
			return err
		}
		used[r.Key] = true
	}
	if err := e.readsBroken(defs); err != nil {
		return err
	}
	for _, d := range defs {
		net := e.nets[d.subject()]
		switch {
		case used[d.key]:
			return d.fail("key", profile.ErrRetired)
		case len(net.traits[d.key])+len(net.readers[d.key]) > 0,
			d.subject() == profile.User && e.nets[profile.Account].readsOfActor(d.key):
			return d.fail("key", errReadAsCustom)
		case len(e.growths) > 0 && (d.subject() == profile.Account || d.plan.joins()):
			return d.fail("", fmt.Errorf("%w: another definition is in the making, and this one is of accounts", ErrLocked))
		}
		for _, key := range d.plan.refs(nil) {
			if e.changing[key] {
				return d.fail("", fmt.Errorf("%w: %s, which it reads", ErrLocked, key))
			}
		}
	}
	return nil
}

// reserve keeps messages from setting custom traits of the names of computed
// traits to be, and returns an error for a name that is one. No lock is held.
func (e *Engine) reserve(ctx context.Context, defs []*definition) (unreserve func(), err error) {
	computed := [2]map[string]*definition{{}, {}}
	for _, d := range defs {
		if d.computed != nil {
			computed[d.subject()][d.key] = d
		}
	}
	if len(computed[profile.User])+len(computed[profile.Account]) == 0 {
		return func() {}, nil
	}
	mine := []string{}
	unreserve = func() {
		e.lock()
		defer e.unlock()
		for _, key := range mine {
			delete(e.reserved, key)
		}
	}
	if err := func() error {
		e.lock()
		defer e.unlock()
		for _, byKey := range computed {
			for key, d := range byKey {
				if e.keyOf(key) != nothing || e.reserved[key] != nothing {
					return d.fail("key", ErrExists)
				}
				e.reserved[key] = d.of()
				mine = append(mine, key)
			}
		}
		return nil
	}(); err != nil {
		unreserve()
		return nil, err
	}
	snap, err := e.store.Snapshot(ctx)
	if err != nil {
		unreserve()
		return nil, err
	}
	defer func() { _ = snap.Close() }()
	for subject, byKey := range computed {
		if len(byKey) == 0 {
			continue
		}
		err := eachProfile(ctx, snap, profile.Subject(subject), func(ref profile.Ref) error {
			writes, err := snap.Traits(ctx, ref)
			for _, w := range writes {
				if d := byKey[w.Name]; d != nil && !w.Value.IsNull() {
					return d.fail("key", fmt.Errorf("%w: %s %q has a custom trait of that name", ErrExists, ref.Subject, ref.ID))
				}
			}
			return err
		})
		if err != nil {
			unreserve()
			return nil, err
		}
	}
	return unreserve, nil
}

// computes reports whether a trait of a name is the engine's to set.
func (e *Engine) computes(name string, of keyOf) bool {
	return e.keyOf(name) == of || e.reserved[name] == of
}
