package audience

import (
	"cmp"
	"context"
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
// It computes every stored profile while no data is taken.
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
	return e.alone(ctx, "create", true, func(t int64) error { return e.create(ctx, f.definitions(), t) })
}

// create is CreateFile with all locks held.
func (e *Engine) create(ctx context.Context, defs []*definition, t int64) error {
	sorted, err := planAll(e.env, e.store.Retention(), defs, e.keyOf)
	if err != nil {
		return err
	}
	if err := e.checkKeys(ctx, sorted); err != nil {
		return err
	}
	seq, _, err := e.store.Position(ctx)
	if err != nil {
		return err
	}
	batch := make([]profile.Change, 0, len(sorted))
	for _, d := range sorted {
		if d.noBackfill() {
			d.since = seq
		}
		r, err := d.record()
		if err != nil {
			return err
		}
		batch = append(batch, &profile.UseKey{Record: r})
	}
	if err := e.store.Apply(ctx, instant(t), batch...); err != nil {
		return err
	}
	var b backfill
	for _, d := range sorted {
		b.bring(e, &live{}, d, CauseBackfill)
	}
	return e.backfill(lasting(ctx), &b, t)
}

// keyOf returns what a key names.
func (e *Engine) keyOf(key string) keyOf {
	if a := e.live[key]; a != nil {
		return a.of()
	}
	return nothing
}

var errReadAsCustom = fmt.Errorf("%w: a live definition reads the custom trait of that name", ErrExists)

// checkKeys returns an error for a key that was used before, or that is the
// name of a custom trait.
func (e *Engine) checkKeys(ctx context.Context, defs []*definition) error {
	used := map[string]bool{}
	for r, err := range e.store.Keys(ctx) {
		if err != nil {
			return err
		}
		used[r.Key] = true
	}
	computed := [2]map[string]*definition{{}, {}}
	for _, d := range defs {
		switch {
		case used[d.key]:
			return d.fail("key", profile.ErrRetired)
		case len(e.nets[d.subject()].traits[d.key])+len(e.nets[d.subject()].readers[d.key]) > 0:
			return d.fail("key", errReadAsCustom)
		case d.subject() == profile.User && e.nets[profile.Account].readsOfActor(d.key):
			return d.fail("key", errReadAsCustom)
		case d.computed != nil:
			computed[d.subject()][d.key] = d
		}
	}
	for subject, byKey := range computed {
		if len(byKey) == 0 {
			continue
		}
		err := e.everyProfile(ctx, profile.Subject(subject), func(_ *shard, ref profile.Ref) error {
			writes, err := e.store.Traits(ctx, ref)
			for _, w := range writes {
				if d := byKey[w.Name]; d != nil && !w.Value.IsNull() {
					return d.fail("key", fmt.Errorf("%w: %s %q has a custom trait of that name", ErrExists, ref.Subject, ref.ID))
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// List returns the definitions of the live audiences, by key.
func (e *Engine) List() []Definition {
	e.mu.RLock()
	defer e.mu.RUnlock()
	defs := []Definition{}
	for _, a := range e.live {
		if a.audience != nil {
			defs = append(defs, *a.audience)
		}
	}
	slices.SortFunc(defs, func(a, b Definition) int { return cmp.Compare(a.Key, b.Key) })
	return defs
}

// ListTraits returns the definitions of the live computed traits, by key.
func (e *Engine) ListTraits() []trait.Computed {
	e.mu.RLock()
	defer e.mu.RUnlock()
	traits := []trait.Computed{}
	for _, a := range e.live {
		if a.computed != nil {
			traits = append(traits, *a.computed)
		}
	}
	slices.SortFunc(traits, func(a, b trait.Computed) int { return cmp.Compare(a.Key, b.Key) })
	return traits
}
