package audience

import (
	"context"
	"math"
	"slices"
	"time"

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
	e.begins(c.fresh)
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

// everyProfile calls fn for every stored profile of a subject in the order of ids.
func (x *txn) everyProfile(of profile.Subject, fn func(ref profile.Ref) error) error {
	return eachProfile(x.ctx, x.store, of, fn)
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

// every calls fn for every stored user, then every account.
func (x *txn) every(fn func(ref profile.Ref) error) error {
	for of := range x.nets {
		if err := x.everyProfile(profile.Subject(of), fn); err != nil {
			return err
		}
	}
	return nil
}

// backfillJoined brings what a change of definitions brings to every profile at
// once, where profiles depend on each other.
//
// What is to be stored with it comes when all is computed: until then everybody reads.
func (x *txn) backfillJoined(b *backfill, keys []string, cause Cause, with ...profile.Change) (err error) {
	progress := making{keys: keys, started: time.Now(), counters: new(counters)}
	for of := range x.e.nets {
		n, err := x.store.Count(x.ctx, profile.Subject(of))
		if err != nil {
			return err
		}
		progress.total.Add(int64(2 * n)) // each is computed, and then told of
	}
	x.e.publish(progress)
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
	setPending(b.fresh, math.MaxUint32)
	err = x.computeAll(b.fresh, func(p *state) {
		progress.done.Add(1)
		of := p.ref.Subject
		x.bringFresh(ix[of], fresh[of])
		x.walk()
		x.rely(on[of])
	}, func(ref profile.Ref) { unknown[ref] = true })
	if err != nil {
		return err
	}
	allHave(b.fresh)
	if err := x.put(with...); err != nil {
		return err
	}
	return x.every(func(ref profile.Ref) error {
		progress.done.Add(1)
		p := x.shardOf(ref).state(ref)
		x.begin(x.ctx, x.t, cause)
		pt := x.add(ref, p)
		x.turn(p)
		x.rouse()
		if pt.made = made[ref.Subject]; pt.made == nil {
			pt.made = []remade{}
		}
		if pt.fresh = unknown[ref]; pt.fresh {
			x.moves = x.movesOf(p)
		} else {
			x.noteAll()
		}
		return x.gatherRun()
	})
}

// movesOf returns the values of a profile whose state is new, as moves from
// nothing.
func (x *txn) movesOf(p *state) []move {
	var moves []move
	for _, a := range p.aggregates {
		moves = append(moves, move{p: p, node: x.net.nodes[a.node], new: a.value})
	}
	return moves
}

// computeAll computes nodes for all profiles: first what depends on no other
// profile, then the rest by height, each node for all before the next. A profile
// that is known gets what bring does; another is read as a whole, and told to
// unknown.
func (x *txn) computeAll(nodes []*node, bring func(*state), unknown func(profile.Ref)) error {
	x.begin(x.ctx, x.t, CauseBackfill)
	x.mute, x.waiting = true, true
	defer func() { x.mute, x.waiting = false, false }()
	anew := map[profile.Ref]bool{} // what is read as a whole
	err := x.every(func(ref profile.Ref) error {
		p := x.shardOf(ref).state(ref)
		if p != nil {
			x.remember(p)
			x.turn(p)
			bring(p)
		} else {
			anew[ref] = true
			p = x.renew(ref, x.keptOf(ref))
			x.turn(p)
			x.load(&x.net.leafIndex)
			unknown(ref)
		}
		x.walk()
		x.flips, x.moves = x.flips[:0], x.moves[:0]
		return x.err
	})
	if err != nil {
		return err
	}
	x.waiting = false
	for _, n := range x.linkedNodes(nodes, len(anew) > 0) {
		made := slices.Contains(nodes, n)
		if err := x.everyProfile(n.of, func(ref profile.Ref) error {
			if !made && !anew[ref] {
				return nil
			}
			x.turn(x.shardOf(ref).state(ref))
			x.touch(n)
			x.dirty = x.dirty[:0] // what is above comes later
			x.flips, x.moves = x.flips[:0], x.moves[:0]
			return x.err
		}); err != nil {
			return err
		}
	}
	return nil
}

// linkedNodes returns those of the nodes, or of all there are, that depend on
// other profiles, by height.
func (x *txn) linkedNodes(nodes []*node, all bool) []*node {
	if all {
		nodes = slices.Concat(x.nets[profile.User].nodes, x.nets[profile.Account].nodes)
	}
	nodes = slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool { return n == nil || !n.linked })
	slices.SortStableFunc(nodes, func(a, b *node) int { return int(a.height - b.height) })
	return nodes
}
