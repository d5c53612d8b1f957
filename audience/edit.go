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
// that would make a circle or a bad definition changes nothing, nor can one
// change of whom it is.
//
// It computes every stored profile while no data is taken.
func (e *Engine) EditTrait(ctx context.Context, c trait.Computed) error {
	return e.edit(ctx, "trait", &definition{key: c.Key, computed: &c})
}

// EditAudience gives a live audience another definition, as EditTrait does.
func (e *Engine) EditAudience(ctx context.Context, d Definition) error {
	return e.edit(ctx, "audience", &definition{key: d.Key, audience: &d})
}

func (e *Engine) edit(ctx context.Context, what string, edited *definition) error {
	return e.alone(ctx, fmt.Sprintf("edit %s %q", what, edited.key), true, func(t int64) error {
		return e.editLocked(ctx, edited, t)
	})
}

// editLocked is edit with all locks held.
func (e *Engine) editLocked(ctx context.Context, edited *definition, t int64) error {
	a := e.live[edited.key]
	if a == nil || (a.computed == nil) != (edited.computed == nil) {
		return profile.ErrNotFound
	}
	if edited.subject() != a.subject() {
		return edited.fail("of", fmt.Errorf("%w: it cannot be edited", profile.ErrInvalid))
	}
	if edited.noBackfill() {
		var err error
		if edited.since, _, err = e.store.Position(ctx); err != nil {
			return err
		}
	}
	affected := e.dependents(a)
	defs := []*definition{edited}
	for _, other := range affected[1:] {
		again := *other.definition // planned anew, as what it reads may differ
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
	var b backfill
	for _, d := range sorted {
		cause := CauseDependency
		if d == edited {
			cause = CauseEdit
		}
		b.bring(e, e.live[d.key], d, cause)
	}
	err := e.backfill(ctx, &b, t)
	for _, m := range slices.Backward(b.made) {
		if m.old != nil {
			e.dropNodes(e.detach(m.live, m.old))
		}
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
func (e *Engine) dropNodes(released []*node) {
	var of [2][]*node
	for _, n := range released {
		of[n.of] = append(of[n.of], n)
	}
	for _, sh := range e.shards {
		for subject, nodes := range of {
			if len(nodes) == 0 {
				continue
			}
			for _, p := range sh.states[subject] {
				p.drop(nodes)
			}
		}
	}
	if !e.joined() { // and so accounts are of no account
		for _, sh := range e.shards {
			for _, p := range sh.states[profile.Account] {
				sh.forget(p)
			}
		}
	}
}
