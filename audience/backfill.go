package audience

import (
	"context"
	"fmt"
	"slices"

	"github.com/muster-go/muster/profile"
)

// backfill is what a change of definitions brings to every profile.
type backfill struct {
	fresh []*node
	made  []remade
}

// remade is an audience or a computed trait whose root is new.
type remade struct {
	*live
	root  *node
	old   *node // the root that it had; nil: it is new
	cause Cause
}

// bring puts a definition into the network as that of a.
func (b *backfill) bring(e *Engine, a *live, d *definition, cause Cause) {
	c := compiler{nets: &e.nets, since: d.since, root: func(key string) *node { return e.live[key].root }}
	was, wasUsers := a.root, a.users
	a.definition, a.refs = d, d.plan.refs(nil)
	if n := c.node(d.plan); n != was {
		c.nets[n.of].attach(a, n)
		b.made = append(b.made, remade{a, n, was, cause})
	}
	if d.audience != nil && d.audience.PerUser {
		if n := c.inAccount(a.root); n != wasUsers {
			c.nets[n.of].attach(a, n)
			b.made = append(b.made, remade{a, n, wasUsers, cause})
		}
	} else if wasUsers != nil {
		a.users = nil
		b.made = append(b.made, remade{a, nil, wasUsers, cause})
	}
	a.filters = c.filters
	e.live[d.key] = a
	b.fresh = append(b.fresh, c.fresh...)
}

// of returns what is made of a subject.
func (b *backfill) of(of profile.Subject) (made []remade, fresh []*node) {
	for _, m := range b.made {
		if m.subjectOf() == of {
			made = append(made, m)
		}
	}
	for _, n := range b.fresh {
		if n.of == of {
			fresh = append(fresh, n)
		}
	}
	return made, fresh
}

func (m *remade) subjectOf() profile.Subject {
	if m.root != nil {
		return m.root.of
	}
	return m.old.of
}

// indexOf returns the index of leaves among nodes.
func indexOf(nodes []*node) *leafIndex {
	ix := newLeafIndex()
	for _, n := range nodes {
		ix.add(n)
	}
	return &ix
}

// bringFresh loads fresh leaves and marks the nodes above.
func (s *step) bringFresh(ix *leafIndex, fresh []*node) {
	s.load(ix)
	for _, n := range fresh {
		if len(n.children) > 0 || n.kind == kindBatch {
			s.push(n)
		}
	}
}

// relied returns the nodes of a subject that fresh ones rely on to be up to date
// from now on, as roots are. They need not be fresh, and so far have answered
// only when asked.
func relied(fresh []*node, of profile.Subject) (on []*node) {
	for _, n := range fresh {
		if n.latched != nil && n.of == of {
			on = append(on, n.latched)
		}
		for _, other := range n.others {
			if other.of == of {
				on = append(on, other)
			}
		}
	}
	return on
}

// rely brings nodes up to date for the profile at hand, and has it woken when
// they end.
func (s *step) rely(on []*node) {
	for _, n := range on {
		s.p.wake = min(s.p.wake, s.ask(n).Until)
	}
}

// compareRoots adds what a new root changes for the profile of the step.
func (sh *shard) compareRoots(s *step, m remade) {
	p := s.p
	is := false
	if m.root != nil {
		v := s.ask(m.root)
		is = v.True
		p.wake = min(p.wake, v.Until)
	}
	if m.computed == nil {
		if was := m.old != nil && p.truth(m.old); was != is {
			sh.changes = append(sh.changes, change{audience: m.live, member: is, cause: m.cause})
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

// every calls fn for every stored user, then every account.
func (e *Engine) every(ctx context.Context, fn func(sh *shard, ref profile.Ref) error) error {
	for of := range e.nets {
		if err := e.everyProfile(ctx, profile.Subject(of), fn); err != nil {
			return err
		}
	}
	return nil
}

// backfillJoint is backfill where profiles depend on each other.
func (e *Engine) backfillJoint(ctx context.Context, b *backfill, t int64) error {
	var made [2][]remade
	var fresh [2][]*node
	var ix [2]*leafIndex
	var on [2][]*node
	for of := range ix {
		made[of], fresh[of] = b.of(profile.Subject(of))
		ix[of] = indexOf(fresh[of])
		on[of] = relied(b.fresh, profile.Subject(of))
	}
	unknown := map[profile.Ref]bool{} // to the cache
	j := e.joint
	err := j.computeAll(ctx, t, b.fresh, func(p *state) {
		of := p.ref.Subject
		j.bringFresh(ix[of], fresh[of])
		j.walk()
		j.rely(on[of])
	}, func(ref profile.Ref) { unknown[ref] = true })
	if err != nil {
		return err
	}
	settleBatches(b.fresh)
	return e.every(ctx, func(sh *shard, ref profile.Ref) error {
		p := sh.state(ref)
		if unknown[ref] {
			return j.recordUnknown(sh, p, CauseBackfill)
		}
		j.turn(p)
		j.rouse()
		j.noteAll()
		sh.clear()
		for _, m := range made[ref.Subject] {
			sh.compareRoots(j.step, m)
		}
		return sh.record(j.step)
	})
}

// recordUnknown records the difference of what follows for a profile whose state
// is new from what is stored.
func (j *joint) recordUnknown(sh *shard, p *state, cause Cause) error {
	if err := j.compareUnknown(sh, p, cause); err != nil {
		return err
	}
	return sh.record(j.step)
}

func (j *joint) compareUnknown(sh *shard, p *state, cause Cause) error {
	j.turn(p)
	j.rouse()
	if err := sh.compareStored(j.step, j.movesOf(p), cause); err != nil {
		return failed(p.ref, err)
	}
	return nil
}

// movesOf returns the values of a profile whose state is new, as moves from
// nothing.
func (j *joint) movesOf(p *state) []move {
	var moves []move
	for _, a := range p.aggregates {
		moves = append(moves, move{p: p, node: j.net.nodes[a.node], new: a.value})
	}
	return moves
}

// computeAll computes nodes for all profiles: first what depends on no other
// profile, then the rest by height, each node for all before the next. A profile
// that is known gets what bring does; another is read as a whole, and told to
// unknown.
func (j *joint) computeAll(ctx context.Context, t int64, nodes []*node, bring func(*state), unknown func(profile.Ref)) error {
	j.start(ctx, t)
	j.mute, j.waiting = true, true
	defer func() { j.mute, j.waiting = false, false }()
	all := false // nodes: some profile is unknown
	err := j.e.every(ctx, func(sh *shard, ref profile.Ref) error {
		p := sh.state(ref)
		if p != nil && !p.stale {
			j.turn(p)
			bring(p)
		} else {
			all = true
			p = newState(ref)
			sh.keep(p)
			j.turn(p)
			j.first = true
			j.load(&j.net.leafIndex)
			j.first = false
			unknown(ref)
		}
		j.walk()
		j.flips, j.moves = j.flips[:0], j.moves[:0]
		return j.err
	})
	if err != nil {
		return err
	}
	j.waiting = false
	for _, n := range j.linkedNodes(nodes, all) {
		if err := j.e.everyProfile(ctx, n.of, func(sh *shard, ref profile.Ref) error {
			j.turn(sh.state(ref))
			j.touch(n)
			j.dirty = j.dirty[:0] // what is above comes later
			j.flips, j.moves = j.flips[:0], j.moves[:0]
			return j.err
		}); err != nil {
			return err
		}
	}
	return nil
}

// linkedNodes returns those of the nodes, or of all there are, that depend on
// other profiles, by height.
func (j *joint) linkedNodes(nodes []*node, all bool) []*node {
	if all {
		nodes = slices.Concat(j.nets[profile.User].nodes, j.nets[profile.Account].nodes)
	}
	nodes = slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool { return n == nil || !n.linked })
	slices.SortStableFunc(nodes, func(a, b *node) int { return int(a.height - b.height) })
	return nodes
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
	var b backfill
	for _, d := range sorted {
		b.bring(e, &live{}, d, CauseTime)
	}
	settleBatches(b.fresh)
	if e.joined() {
		return e.restoreJoint(ctx, now.UnixNano())
	}
	return e.everyProfile(ctx, profile.User, func(sh *shard, ref profile.Ref) error {
		if err := sh.compare(ctx, ref, now.UnixNano(), CauseTime); err != nil {
			return failed(ref, err)
		}
		sh.restored(sh.step.p, now.UnixNano())
		return nil
	})
}

func (e *Engine) restoreJoint(ctx context.Context, t int64) error {
	j := e.joint
	if err := j.computeAll(ctx, t, nil, nil, func(profile.Ref) {}); err != nil {
		return err
	}
	again := map[string]bool{}
	err := e.every(ctx, func(sh *shard, ref profile.Ref) error {
		p := sh.state(ref)
		if err := j.compareUnknown(sh, p, CauseTime); err != nil {
			return err
		}
		if sh.restored(p, t); sh.state(ref) != p && ref.Subject == profile.User {
			// Its accounts have counted it as it was.
			for _, account := range j.accountsOf(ref.ID) {
				again[account] = true
			}
		}
		return j.err
	})
	for account := range again {
		e.shardOf(account).stale(profile.AccountRef(account), t)
	}
	return err
}

// restored sets the timer of a profile whose state has been made as it was when
// the store was left, at t. What differs from what is stored was due at that
// very instant, or left undone by a crash: it happens with the first call.
func (sh *shard) restored(p *state, t int64) {
	if len(sh.changes)+len(sh.values) > 0 {
		sh.stale(p.ref, t)
	} else {
		sh.schedule(p)
	}
}
