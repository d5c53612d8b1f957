package audience

import (
	"context"
	"fmt"
	"slices"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// EditTrait gives a live computed trait another definition under its key. Only
// the difference is told: changes of its value with the cause edit, and what
// follows for the definitions that read it with the cause dependency. An edit
// that would make a circle or a bad definition changes nothing.
//
// It computes every stored profile while no data is taken.
func (e *Engine) EditTrait(ctx context.Context, c trait.Computed) error {
	return e.alone(ctx, fmt.Sprintf("edit trait %q", c.Key), true, func(t int64) error { return e.editTrait(ctx, c, t) })
}

func (e *Engine) editTrait(ctx context.Context, c trait.Computed, t int64) error {
	a, err := e.computed(c.Key)
	if err != nil {
		return err
	}
	edited := &definition{key: c.Key, computed: &c}
	if edited.subject() != a.subject() {
		return edited.fail("of", fmt.Errorf("%w: it cannot be edited", profile.ErrInvalid))
	}
	if c.NoBackfill {
		if edited.since, _, err = e.store.Position(ctx); err != nil {
			return err
		}
	}
	affected := e.dependents(a)
	defs := []*definition{edited}
	for _, other := range affected[1:] {
		again := *other.definition
		defs = append(defs, &again)
	}
	sorted, err := planAll(e.env, e.store.Retention(), defs, func(key string) keyOf {
		if slices.Contains(affected, e.live[key]) {
			return nothing // its new definition is among defs
		}
		return e.keyOf(key)
	})
	if err != nil {
		return err
	}
	r, err := edited.record()
	if err != nil {
		return err
	}
	if err := e.store.Apply(ctx, instant(t), &profile.SetKey{Record: r}); err != nil {
		return err
	}
	return e.replace(lasting(ctx), sorted, edited, t)
}

// replace gives live keys new definitions and records the difference.
func (e *Engine) replace(ctx context.Context, sorted []*definition, edited *definition, t int64) error {
	var fresh []*node
	var made []remade
	for _, d := range sorted {
		m := remade{live: e.live[d.key], old: e.live[d.key].root, cause: CauseDependency}
		if d == edited {
			m.cause = CauseEdit
		}
		if e.bring(m.live, d, &fresh); m.root != m.old {
			made = append(made, m)
		}
	}
	err := e.backfill(ctx, made, fresh, t)
	for _, m := range slices.Backward(made) {
		e.dropNodes(m.subject(), e.netOf(m.definition).detach(m.live, m.old))
	}
	return err
}

// computed returns a live computed trait.
func (e *Engine) computed(key string) (*live, error) {
	if a := e.live[key]; a != nil && a.definition.computed != nil {
		return a, nil
	}
	return nil, profile.ErrNotFound
}

// dependents returns a and all that reads it, directly or not.
func (e *Engine) dependents(a *live) []*live {
	found := []*live{a}
	for i := 0; i < len(found); i++ {
		for _, other := range e.live {
			if slices.Contains(other.refs, found[i].key) && !slices.Contains(found, other) {
				found = append(found, other)
			}
		}
	}
	return found
}

// dropNodes removes what profiles have of nodes that are no more.
func (e *Engine) dropNodes(of profile.Subject, released []*node) {
	if len(released) == 0 {
		return
	}
	for _, sh := range e.shards {
		for _, p := range sh.states[of] {
			p.drop(released)
		}
	}
}
