package audience

import (
	"context"
	"errors"
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
// As Create, it goes through every stored profile while data is taken. Until it
// is through, the trait and what reads it are the old ones for everybody, and
// then at once the new ones; that moment takes as long as looking at each
// profile. Meanwhile they cannot be edited or deleted: the error wraps
// ErrLocked. If ctx ends before that moment, nothing has changed; if the store
// fails after it, the edit is made, and what of it could not be told is told with
// the next call.
func (e *Engine) EditTrait(ctx context.Context, c trait.Computed) error {
	return e.edit(ctx, "trait", &definition{key: c.Key, computed: &c})
}

// EditAudience gives a live audience another definition, as EditTrait does.
func (e *Engine) EditAudience(ctx context.Context, d Definition) error {
	return e.edit(ctx, "audience", &definition{key: d.Key, audience: &d})
}

func (e *Engine) edit(ctx context.Context, what string, edited *definition) error {
	what = fmt.Sprintf("edit %s %q", what, edited.key)
	if slices.ContainsFunc(e.ListBroken(), func(b Broken) bool { return b.Key == edited.key }) {
		return e.alone(ctx, what, true, func(x *txn) error {
			if e.broken[edited.key] == nil {
				return ErrLocked // somebody else edits it
			}
			return x.mend(edited)
		})
	}
	var ed *editing
	err := e.planned(ctx, func() ([]*definition, func(string) keyOf, error) {
		return e.affectedBy(edited)
	}, func(sorted []*definition, t int64) (err error) {
		if err = e.checkEdit(ctx, edited, sorted); err != nil {
			return err
		}
		if e.joined() || edited.plan.joins() {
			return e.editJoint(lasting(ctx), sorted, edited, t)
		}
		ed, err = e.beginEdit(ctx, sorted, edited, t)
		return err
	})
	if ed == nil {
		return in(what, err)
	}
	if err == nil {
		err = e.upgradeAll(ctx, ed.growth)
	}
	return in(what, e.endEdit(lasting(ctx), ed, err))
}

// affectedBy returns the definitions that an edit makes anew: the edited one,
// and, as they are, those that read it.
func (e *Engine) affectedBy(edited *definition) (defs []*definition, kinds func(string) keyOf, err error) {
	a := e.live[edited.key]
	if a == nil || (a.computed == nil) != (edited.computed == nil) {
		return nil, nil, profile.ErrNotFound
	}
	if edited.subject() != a.subject() {
		return nil, nil, edited.fail("of", fmt.Errorf("%w: it cannot be edited", profile.ErrInvalid))
	}
	if e.changing[edited.key] {
		return nil, nil, ErrLocked
	}
	defs = []*definition{edited}
	anew := map[string]bool{edited.key: true}
	for _, other := range e.dependents(a)[1:] {
		again := *other.definition // planned anew, as what it reads may differ
		defs = append(defs, &again)
		anew[other.key] = true
	}
	return defs, func(key string) keyOf {
		if anew[key] {
			return nothing // its new definition is among defs
		}
		return e.keyOf(key)
	}, nil
}

// checkEdit returns an error for an edit that another one, or a creation, is in
// the way of. All locks are held.
func (e *Engine) checkEdit(ctx context.Context, edited *definition, sorted []*definition) (err error) {
	if err := e.readsBroken(sorted); err != nil {
		return err
	}
	for _, d := range sorted {
		if e.changing[d.key] || e.pinned[d.key] > 0 {
			return fmt.Errorf("%w: %s", ErrLocked, d.key)
		}
		for _, key := range d.plan.refs(nil) {
			if e.changing[key] {
				return fmt.Errorf("%w: %s, which it reads", ErrLocked, key)
			}
		}
	}
	if len(e.growths) > 0 && edited.plan.joins() {
		return fmt.Errorf("%w: another definition is in the making, and this one is of accounts", ErrLocked)
	}
	if edited.noBackfill() {
		edited.since, _, err = e.store.Position(ctx)
	}
	return err
}

// editing is an edit that runs.
type editing struct {
	growth  *growth
	edited  *definition
	shadows []*live // the new definitions: kept up to date, and told to nobody
}

// beginEdit brings the new definitions into the network beside the old ones. All
// locks are held.
func (e *Engine) beginEdit(ctx context.Context, sorted []*definition, edited *definition, t int64) (*editing, error) {
	ed := &editing{edited: edited}
	shadow := map[string]*live{}
	var b backfill
	keys := make([]string, 0, len(sorted))
	for _, d := range sorted {
		a := &live{definition: d, refs: d.plan.refs(nil), shadow: true}
		c := compiler{nets: &e.nets, since: d.since, root: func(key string) *node {
			if s := shadow[key]; s != nil {
				return s.root
			}
			return e.live[key].root
		}}
		n := c.node(d.plan)
		if d != edited {
			d.takePlace(n, e.live[d.key].root)
		}
		c.nets[n.of].attach(a, n)
		a.filters = c.filters
		e.begins(c.fresh)
		b.fresh = append(b.fresh, c.fresh...)
		shadow[d.key] = a
		ed.shadows = append(ed.shadows, a)
		keys = append(keys, d.key)
		e.changing[d.key] = true
		for _, key := range a.refs {
			e.pinned[key]++
		}
	}
	var err error
	ed.growth, _, err = e.begin(lasting(ctx), &b, keys, t)
	return ed, err
}

// endEdit puts the new definitions in the place of the old ones, or forgets them
// if the edit was broken off.
func (e *Engine) endEdit(ctx context.Context, ed *editing, broken error) error {
	x, err := e.exclusive(ctx, true)
	if err != nil {
		return errors.Join(broken, err)
	}
	t := x.t
	defer e.release(ctx)
	for _, a := range ed.shadows {
		delete(e.changing, a.key)
		for _, key := range a.refs {
			if e.pinned[key]--; e.pinned[key] == 0 {
				delete(e.pinned, key)
			}
		}
	}
	var users []profile.Ref
	if broken == nil {
		broken = e.everyProfile(ctx, profile.User, func(ref profile.Ref) error {
			users = append(users, ref)
			return nil
		})
	}
	if broken == nil {
		broken = e.storeEdit(ctx, ed.edited, t)
	}
	var made []remade
	if broken == nil {
		made = e.swap(ed)
		for _, ref := range users {
			if failed := x.tellEdit(ref, made); failed != nil {
				err = failed // what it changes for the others is told, and for this one later
			}
		}
	}
	if broken == nil {
		e.over(ed.growth)
	}
	for _, m := range slices.Backward(made) {
		e.dropNodes(e.detach(m.live, m.old))
	}
	for _, a := range slices.Backward(ed.shadows) {
		e.dropNodes(e.detach(a, a.root))
	}
	if broken != nil {
		e.giveUp(ed.growth)
	}
	return errors.Join(broken, err)
}

// swap makes the new definitions those of their keys.
func (e *Engine) swap(ed *editing) (made []remade) {
	e.version++
	for _, s := range ed.shadows {
		a := e.live[s.key]
		m := remade{live: a, root: s.root, old: a.root, cause: CauseDependency}
		if s.definition == ed.edited {
			m.cause = CauseEdit
		}
		a.definition, a.refs, a.filters = s.definition, s.refs, s.filters
		if m.root != m.old {
			e.nets[m.root.of].attach(a, m.root)
			made = append(made, m)
		}
	}
	e.publish()
	return made
}

// tellEdit records what new roots change for a user, who has them.
func (x *txn) tellEdit(ref profile.Ref, made []remade) error {
	p := x.shardOf(ref).state(ref)
	if p == nil || p.stale {
		return x.run(CauseEdit, func() { x.reach(ref) })
	}
	x.begin(x.ctx, x.t, CauseEdit)
	return x.compare(p, made, func() {
		for _, m := range made {
			if m.root.kind == kindBatch && m.root.batchOf == m.key {
				x.latch(m.root) // anew: it is some time ago
			}
		}
		x.walk()
		x.noteAll()
	})
}

func (e *Engine) storeEdit(ctx context.Context, edited *definition, t int64) error {
	r, err := edited.record()
	if err != nil {
		return err
	}
	return e.store.Apply(ctx, instant(t), &profile.SetKey{Record: r})
}

// editJoint is an edit where profiles depend on each other: no data is taken
// meanwhile.
func (e *Engine) editJoint(ctx context.Context, sorted []*definition, edited *definition, t int64) error {
	if err := e.storeEdit(ctx, edited, t); err != nil {
		return err
	}
	e.version++
	var b backfill
	for _, d := range sorted {
		cause := CauseDependency
		if d == edited {
			cause = CauseEdit
		}
		old := e.live[d.key].root
		b.bring(e, e.live[d.key], d, cause)
		if d != edited {
			d.takePlace(e.live[d.key].root, old)
		}
	}
	keys := make([]string, len(sorted))
	for i, d := range sorted {
		keys[i] = d.key
	}
	err := e.x.backfillJoined(&b, keys, CauseEdit)
	e.publish()
	for _, m := range slices.Backward(b.made) {
		if m.old != nil {
			e.dropNodes(e.detach(m.live, m.old))
		}
	}
	return err
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
