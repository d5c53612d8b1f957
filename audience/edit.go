package audience

import (
	"context"
	"fmt"
	"slices"

	"github.com/muster-go/muster/internal/network"
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
// ErrLocked. If ctx ends before that moment, or the store fails, nothing has changed. An
// edit that only changes what is for people, as the name, computes nothing: it is done at
// once, and the data that counts stays the same also where that is without backfill.
func (e *Engine) EditTrait(ctx context.Context, c trait.Computed) (err error) {
	ctx, end := e.begin(ctx, "edit")
	defer func() { err = end(err) }()
	return e.edit(ctx, "trait", &definition{key: c.Key, computed: &c})
}

// EditAudience gives a live audience another definition, as EditTrait does.
func (e *Engine) EditAudience(ctx context.Context, d Definition) (err error) {
	ctx, end := e.begin(ctx, "edit")
	defer func() { err = end(err) }()
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
	if done, err := e.editText(ctx, edited); done || err != nil {
		return in(what, err)
	}
	return in(what, e.editTogether(ctx, edited))
}

// editTogether makes edits as one: all is the old until at once all is the new.
func (e *Engine) editTogether(ctx context.Context, edited ...*definition) error {
	var r *rollout
	err := e.planned(ctx, func() ([]*definition, func(string) keyOf, error) {
		return e.affectedBy(edited)
	}, func(x *txn, sorted []*definition) (err error) {
		if err = x.checkEdit(edited, sorted); err != nil {
			return err
		}
		r, err = x.beginEdit(sorted, edited)
		return err
	})
	if err != nil {
		return err
	}
	if err = e.carryOut(ctx, r, func(x *txn) error { return x.completeEdit(r) }); err != nil {
		e.lock()
		defer e.unlock()
		r.end()
		e.giveUp(r.revision)
	}
	return err
}

// affectedBy returns the definitions that edits make anew: the edited ones, and, as they
// are, those that read them.
func (e *Engine) affectedBy(edited []*definition) (defs []*definition, kinds func(string) keyOf, err error) {
	anew := map[string]bool{}
	for _, d := range edited {
		a := e.live[d.key]
		switch {
		case a == nil || (a.computed == nil) != (d.computed == nil):
			return nil, nil, profile.ErrNotFound
		case d.subject() != a.subject():
			return nil, nil, d.fail("of", fmt.Errorf("%w: it cannot be edited", profile.ErrInvalid))
		case e.changing[d.key]:
			return nil, nil, ErrLocked
		case d.was != nil && d.was != a.definition:
			return nil, nil, errOvertaken
		}
		defs = append(defs, d)
		anew[d.key] = true
	}
	for _, d := range edited {
		for _, other := range e.dependents(e.live[d.key])[1:] {
			if !anew[other.key] {
				again := *other.definition // planned anew, as what it reads may differ
				defs = append(defs, &again)
				anew[other.key] = true
			}
		}
	}
	return defs, func(key string) keyOf {
		if anew[key] {
			return nothing // its new definition is among defs
		}
		return e.keyOf(key)
	}, nil
}

// checkEdit returns an error for edits that another one, or a creation, is in
// the way of. All locks are held.
func (x *txn) checkEdit(edited, sorted []*definition) (err error) {
	e := x.e
	if err := e.readsBroken(sorted); err != nil {
		return err
	}
	for _, d := range sorted {
		if e.changing[d.key] || e.pinned[d.key] > 0 {
			return fmt.Errorf("%w: %s", ErrLocked, d.key)
		}
		for _, key := range d.plan.Refs(nil) {
			if e.changing[key] {
				return fmt.Errorf("%w: %s, which it reads", ErrLocked, key)
			}
		}
	}
	for _, d := range edited {
		d.was = nil
		switch was := e.live[d.key].definition; {
		case !d.noBackfill():
		case d.pauses(was):
			d.since = was.since
		default:
			if d.since, _, err = x.Store.Position(x.Ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// beginEdit brings the new definitions into the network beside the old ones. All
// locks are held.
func (x *txn) beginEdit(sorted, edited []*definition) (*rollout, error) {
	r := newRollout(x.e, sorted)
	r.edited = edited
	for _, a := range r.lives {
		a.Shadow = true
	}
	if err := x.countProfiles(r); err != nil {
		return nil, err
	}
	r.start()
	x.onAbandon(r.end)
	_, err := x.bringRest(r)
	return r, err
}

// completeEdit makes the new definitions those of their keys, for every profile.
func (x *txn) completeEdit(r *rollout) error {
	for _, d := range r.edited {
		d.version = x.e.version
		if err := x.storeDefinition(d); err != nil {
			return err
		}
	}
	latched, err := x.latchEdited(r)
	if err != nil {
		return err
	}
	made := x.swap(r)
	if err := x.every(func(ref profile.Ref) error {
		err := x.tellEdit(ref, made[ref.Subject])
		if !latched { // what they have latched is only in their states so far
			x.evict()
		}
		return err
	}); err != nil {
		return err
	}
	x.onCommit(func() {
		for _, of := range made {
			for _, m := range slices.Backward(of) {
				if m.old != nil {
					x.e.dropNodes(x.e.nets.Detach(&m.live.Output, m.old))
				}
			}
		}
		for _, a := range r.lives {
			a.Root.Replaces = nil
		}
		r.end()
	})
	return nil
}

// latchEdited has new definitions of batch audiences latch anew what they latched as each
// profile was upgraded: that is some time ago. What follows is that of new definitions
// only, and told of none.
func (x *txn) latchEdited(r *rollout) (any bool, err error) {
	var of [2][]*network.Node
	for _, d := range r.defs {
		if n := r.lives[d.key].Root; n.Kind == network.KindBatch && n.BatchOf == d.key && n != x.e.live[d.key].Root {
			of[n.Of] = append(of[n.Of], n)
		}
	}
	for subject, nodes := range of {
		if len(nodes) == 0 {
			continue
		}
		any = true
		if err := x.everyProfile(profile.Subject(subject), func(ref profile.Ref) error {
			x.begin(x.Ctx, x.At, CauseEdit)
			p := x.reach(ref)
			x.settle()
			for _, n := range nodes {
				x.Switch(p)
				x.Latch(n)
			}
			x.settle()
			return x.gatherRun()
		}); err != nil {
			return any, err
		}
	}
	return any, nil
}

// swap makes the new definitions those of their keys, and returns what that makes anew of
// the profiles of each subject.
func (x *txn) swap(r *rollout) (made [2][]remade) {
	e := x.e
	e.changes++
	for _, d := range r.defs {
		a, s := e.live[d.key], r.lives[d.key]
		cause := CauseDependency
		if slices.Contains(r.edited, d) {
			cause = CauseEdit
		}
		x.keepDefinition(a)
		a.definition, a.refs, a.filters = d, s.refs, s.filters
		for of := range made {
			m := remade{a, s.RootOf(profile.Subject(of)), a.RootOf(profile.Subject(of)), cause}
			if m.root == m.old {
				continue
			}
			made[of] = append(made[of], m)
			if m.root != nil {
				e.nets.Attach(&a.Output, m.root)
			} else {
				a.Users = nil
			}
		}
		x.onAbandon(func() {
			for of := range made {
				for _, m := range made[of] {
					if m.live == a && m.root != nil {
						e.nets.Detach(&a.Output, m.root) // the shadow has it still
					}
				}
			}
		})
	}
	e.publish()
	return made
}

// keepDefinition has what is live keep its definition if the transaction fails.
func (x *txn) keepDefinition(a *live) {
	was := *a
	x.onAbandon(func() {
		*a = was
		x.e.publish()
	})
}

// tellEdit records what new roots change for a profile, which has them.
func (x *txn) tellEdit(ref profile.Ref, made []remade) error {
	x.begin(x.Ctx, x.At, CauseEdit)
	p := x.reach(ref)
	pt := partOf(p)
	pt.made = made
	x.bring(p, func() { pt.diff = (*txn).diffMade })
	x.Switch(p)
	for _, m := range made {
		if m.root != nil {
			x.RenewTenures(m.root) // for what is told now, not as the profile was brought to it
		}
	}
	x.settle()
	x.NoteAll()
	return x.gatherRun()
}

// every calls fn for every stored user, then every account.
func (x *txn) every(fn func(ref profile.Ref) error) error {
	for of := range x.Nets {
		if err := x.everyProfile(profile.Subject(of), fn); err != nil {
			return err
		}
	}
	return nil
}

// everyProfile calls fn for every stored profile of a subject in the order of ids.
func (x *txn) everyProfile(of profile.Subject, fn func(ref profile.Ref) error) error {
	return eachProfile(x.Ctx, x.Store, of, fn)
}

// eachProfile calls fn for every profile of a subject that a reader has, in the order of
// ids.
func eachProfile(ctx context.Context, r profile.Reader, of profile.Subject, fn func(ref profile.Ref) error) error {
	for id, err := range r.Profiles(ctx, of, "") {
		if err != nil {
			return err
		}
		if err := fn(profile.Ref{Subject: of, ID: id}); err != nil {
			return err
		}
	}
	return nil
}

// storeDefinition stores the definition of a key that was used.
func (x *txn) storeDefinition(d *definition) error {
	r, err := d.record()
	if err != nil {
		return err
	}
	return x.put(&profile.SetKey{Record: r})
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
func (e *Engine) dropNodes(released []*network.Node) {
	var of [2][]*network.Node
	for _, n := range released {
		of[n.Of] = append(of[n.Of], n)
	}
	for _, sh := range e.shards {
		for subject, nodes := range of {
			if len(nodes) == 0 {
				continue
			}
			for p := range sh.states.All(profile.Subject(subject)) {
				p.Drop(nodes)
			}
		}
	}
	if !e.nets.CrossProfile() { // and so accounts are of no account
		for _, sh := range e.shards {
			for p := range sh.states.All(profile.Account) {
				sh.states.Forget(p)
			}
		}
	}
}
