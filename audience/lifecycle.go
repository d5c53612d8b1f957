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
// exits, with the cause delete, and the keys are free again. If the engine is closed meanwhile, or the process ends,
// it goes on with the next engine of the store.
//
// What asks accounts of their users, or users of their accounts, comes in stages: who is
// asked is gone through before who asks. Up to a few hundred profiles all is one change.
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
func (e *Engine) CreateFile(ctx context.Context, f File) (err error) {
	ctx, end := e.begin(ctx, "create")
	defer func() { err = end(err) }()
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
	var r *rollout
	var all bool
	err = e.planned(ctx, func() ([]*definition, func(string) keyOf, error) { return defs, e.keyOf, nil }, func(x *txn, sorted []*definition) (err error) {
		r, all, err = x.beginCreation(sorted)
		return err
	})
	if err != nil || all {
		return err
	}
	return e.endCreation(ctx, r)
}

// endCreation brings a creation that has begun to every profile, or breaks it off.
func (e *Engine) endCreation(ctx context.Context, r *rollout) error {
	err := e.carryOut(ctx, r, func(x *txn) error { return x.made(r) })
	if err != nil {
		return e.breakOff(lasting(ctx), r, err)
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

// beginCreation makes planned definitions live. all says that every profile has them. All
// locks are held.
func (x *txn) beginCreation(sorted []*definition) (r *rollout, all bool, err error) {
	e := x.e
	if err := x.checkNew(sorted); err != nil {
		return nil, false, err
	}
	seq, _, err := x.Store.Position(x.Ctx)
	if err != nil {
		return nil, false, err
	}
	for _, d := range sorted {
		if d.noBackfill() {
			d.since = seq
		}
		d.pending = true
	}
	r = newRollout(e, sorted)
	if err := x.countProfiles(r); err != nil {
		return nil, false, err
	}
	e.changes++
	r.start()
	x.onAbandon(r.undefine)
	if all, err = x.bringRest(r); all && err == nil {
		// As one change: in the order of profiles, whatever stage it is of.
		slices.SortStableFunc(x.notices, compareNotices)
		err = x.made(r)
	}
	return r, all, err
}

// countProfiles counts the profiles that a rollout has to upgrade.
func (x *txn) countProfiles(r *rollout) error {
	var n [2]int
	for of := range n {
		var err error
		if n[of], err = x.Store.Count(x.Ctx, profile.Subject(of)); err != nil {
			return err
		}
	}
	for i := range r.stages {
		for of, concerned := range r.stages[i].of {
			if concerned {
				r.total.Add(int64(n[of]))
			}
		}
	}
	return nil
}

// storeVersion stores the version that profiles have with the next stage of a rollout. All
// locks are held.
func (x *txn) storeVersion(r *rollout) error {
	for _, d := range r.edited {
		was := *x.e.live[d.key].definition
		was.version = x.e.version
		if err := x.storeDefinition(&was); err != nil {
			return err
		}
	}
	if r.edited != nil {
		return nil
	}
	for _, d := range r.defs {
		d.version = x.e.version
		record, err := d.record()
		if err != nil {
			return err
		}
		var change profile.Change = &profile.SetKey{Record: record}
		if r.next == 0 && !r.resumed && !d.again {
			change = &profile.UseKey{Record: record}
		}
		if err := x.put(change); err != nil {
			return err
		}
	}
	return nil
}

// undefine takes new definitions away. All locks are held.
func (r *rollout) undefine() {
	for _, key := range r.keys {
		delete(r.e.live, key)
	}
	r.end()
	r.e.changes++
	r.e.publish()
}

// made ends the making of definitions that all profiles have.
func (x *txn) made(r *rollout) error {
	for _, d := range r.defs {
		done := *d
		done.pending = false
		if err := x.storeDefinition(&done); err != nil {
			return err
		}
	}
	x.onCommit(func() {
		for _, d := range r.defs {
			d.pending = false
		}
		r.end()
	})
	return nil
}

// breakOff ends a creation that cannot be completed: there is nothing of it then, and its
// keys are free.
func (e *Engine) breakOff(ctx context.Context, r *rollout, broken error) error {
	return errors.Join(broken, e.alone(ctx, "", true, func(x *txn) error {
		if err := x.deleteAll(r.keys); err != nil {
			return err
		}
		x.onCommit(func() {
			r.end()
			e.giveUp(r.revision)
		})
		return nil
	}))
}

// deleteAll ends definitions of which those that come later may read those that come
// earlier.
func (x *txn) deleteAll(keys []string) error {
	for _, key := range slices.Backward(keys) {
		delete(x.e.changing, key)
		x.onAbandon(func() { x.e.changing[key] = true })
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
	used := map[string]bool{} // false: it is free again
	for r, err := range x.Store.Keys(x.Ctx) {
		if err != nil {
			return err
		}
		used[r.Key] = !r.Free()
	}
	if err := e.readsBroken(defs); err != nil {
		return err
	}
	for _, d := range defs {
		_, d.again = used[d.key]
		net := e.nets[d.subject()]
		switch {
		case used[d.key]:
			return d.fail("key", profile.ErrRetired)
		case len(net.Traits[d.key])+len(net.Readers[d.key]) > 0,
			d.subject() == profile.User && e.nets[profile.Account].ReadsOfActor(d.key):
			return d.fail("key", errReadAsCustom)
		}
		for _, key := range d.plan.Refs(nil) {
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
