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
// As Create, it goes through every stored profile while data is taken. Until it
// is through, the trait and what reads it are the old ones for everybody, and
// then at once the new ones; that moment takes as long as looking at each
// profile. Meanwhile they cannot be edited or deleted: the error wraps
// ErrLocked. If ctx ends before that moment, or the store fails, nothing has changed.
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
	}, func(x *txn, sorted []*definition) (err error) {
		if err = x.checkEdit(edited, sorted); err != nil {
			return err
		}
		if e.joined() || edited.plan.joins() {
			return x.editJoint(sorted, edited)
		}
		ed, err = x.beginEdit(sorted, edited)
		return err
	})
	if err != nil || ed == nil {
		return in(what, err)
	}
	return in(what, e.endEdit(lasting(ctx), ed, e.upgradeAll(ctx, ed.growth)))
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
func (x *txn) checkEdit(edited *definition, sorted []*definition) (err error) {
	e := x.e
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
		edited.since, _, err = x.store.Position(x.ctx)
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
func (x *txn) beginEdit(sorted []*definition, edited *definition) (*editing, error) {
	e, ed := x.e, &editing{edited: edited}
	x.onAbandon(func() { e.endShadows(ed) })
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
	// The version is used from here on, also if the edit is broken off.
	e.version++
	was := *e.live[edited.key].definition
	was.version = e.version
	if err := x.storeDefinition(&was); err != nil {
		return ed, err
	}
	var err error
	ed.growth, _, err = x.beginGrowth(&b, keys)
	return ed, err
}

// endShadows takes the new definitions of an edit out of the network, and lets what it
// is of be changed again.
func (e *Engine) endShadows(ed *editing) {
	for _, a := range slices.Backward(ed.shadows) {
		e.dropNodes(e.detach(a, a.root))
		delete(e.changing, a.key)
		for _, key := range a.refs {
			if e.pinned[key]--; e.pinned[key] == 0 {
				delete(e.pinned, key)
			}
		}
	}
}

// endEdit puts the new definitions in the place of the old ones, or forgets them
// if the edit was broken off.
func (e *Engine) endEdit(ctx context.Context, ed *editing, broken error) error {
	err := e.alone(ctx, "", true, func(x *txn) error {
		if broken != nil {
			return broken
		}
		return x.completeEdit(ed)
	})
	if err == nil {
		return nil
	}
	e.lock()
	defer e.unlock()
	e.endShadows(ed)
	e.giveUp(ed.growth)
	return err
}

// completeEdit makes the new definitions those of their keys, for every profile.
func (x *txn) completeEdit(ed *editing) error {
	e := x.e
	ed.edited.version = ed.growth.version
	if err := x.storeDefinition(ed.edited); err != nil {
		return err
	}
	made := x.swap(ed)
	for id, err := range x.store.Profiles(x.ctx, profile.User, "") {
		if err == nil {
			err = x.tellEdit(profile.UserRef(id), made)
		}
		if err != nil {
			return err
		}
	}
	x.onCommit(func() {
		e.over(ed.growth)
		for _, m := range slices.Backward(made) {
			e.dropNodes(e.detach(m.live, m.old))
		}
		e.endShadows(ed)
	})
	return nil
}

// swap makes the new definitions those of their keys.
func (x *txn) swap(ed *editing) (made []remade) {
	e := x.e
	e.changes++
	for _, s := range ed.shadows {
		a := e.live[s.key]
		m := remade{live: a, root: s.root, old: a.root, cause: CauseDependency}
		if s.definition == ed.edited {
			m.cause = CauseEdit
		}
		x.keepDefinition(a)
		a.definition, a.refs, a.filters = s.definition, s.refs, s.filters
		if m.root != m.old {
			e.nets[m.root.of].attach(a, m.root)
			made = append(made, m)
			x.onAbandon(func() {
				e.detach(a, m.root) // the shadow has it still
				a.root = m.old
			})
		}
	}
	e.publish()
	return made
}

// keepDefinition has what is live keep its definition if the transaction fails.
func (x *txn) keepDefinition(a *live) {
	was := *a
	x.onAbandon(func() {
		a.definition, a.refs, a.filters = was.definition, was.refs, was.filters
		x.e.publish()
	})
}

// tellEdit records what new roots change for a user, who has them.
func (x *txn) tellEdit(ref profile.Ref, made []remade) error {
	x.begin(x.ctx, x.t, CauseEdit)
	p, _ := x.reach(ref)
	p.part.made = append(p.part.made, made...)
	if len(p.part.made) == 0 {
		p.part.made = []remade{} // of what is an edit's shadow nothing is told
	}
	x.turn(p)
	x.settle()
	for _, m := range made {
		if m.root.kind == kindBatch && m.root.batchOf == m.key {
			x.latch(m.root) // anew: it is some time ago
		}
	}
	x.walk()
	x.noteAll()
	err := x.gatherRun()
	x.evict()
	return err
}

// storeDefinition stores the definition of a key that was used.
func (x *txn) storeDefinition(d *definition) error {
	r, err := d.record()
	if err != nil {
		return err
	}
	return x.put(&profile.SetKey{Record: r})
}

// editJoint is an edit where profiles depend on each other: no data is taken
// meanwhile.
func (x *txn) editJoint(sorted []*definition, edited *definition) error {
	e := x.e
	edited.version = e.version
	record, err := edited.record()
	if err != nil {
		return err
	}
	e.changes++
	var b backfill
	x.onAbandon(func() { e.unmake(&b) })
	for _, d := range sorted {
		cause := CauseDependency
		if d == edited {
			cause = CauseEdit
		}
		a := e.live[d.key]
		old := a.root
		x.keepDefinition(a)
		b.bring(e, a, d, cause)
		if d != edited {
			d.takePlace(a.root, old)
		}
	}
	keys := make([]string, len(sorted))
	for i, d := range sorted {
		keys[i] = d.key
	}
	x.onCommit(func() {
		e.publish()
		for _, m := range slices.Backward(b.made) {
			if m.old != nil {
				e.dropNodes(e.detach(m.live, m.old))
			}
		}
	})
	return x.backfillJoined(&b, keys, CauseEdit, &profile.SetKey{Record: record})
}

// unmake gives what was made anew its old roots back.
func (e *Engine) unmake(b *backfill) {
	for _, m := range slices.Backward(b.made) {
		var released []*node
		if m.root != nil {
			released = e.detach(m.live, m.root)
		}
		if m.subjectOf() == m.live.subject() {
			m.live.root = m.old
		} else {
			m.live.users = m.old
		}
		e.dropNodes(released)
	}
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
