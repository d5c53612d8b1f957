package audience

import (
	"context"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/internal/reuse"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// step moves one profile, or several that depend on each other (see txn), from
// what held before to what holds at t, with all that is new to it, as one
// change. It is the engine's inner loop:
//
//	add       data reaches the leaves that name it
//	walk      what changes is recomputed upwards, each node once
//	settle    roots whose verdict has run out are asked again
//	flips     the roots that became true or false
//
// Two facts keep it short. A node that keeps its truth and does not end sooner
// stops the walk. And a verdict that has run out needs no walk: who relied on
// it has run out as well, and asks again when it is asked itself.
type step struct {
	nets  *networks
	net   *network // of the profile at hand
	store profile.Reader
	ctx   context.Context // of the call that the step is part of
	p     *state          // the profile at hand
	t     int64
	err   error // of the store, the first of the transaction: it is void
	quiet bool  // misses of filters are not counted: nothing arrived
	dirty dirtHeap
	flips []flip // roots whose truth changed
	moves []move // computed traits whose value changed
	peek  bool   // of a state that is not the engine's: nothing is changed

	outside outside
	words   *seenWords

	event   *profile.Event // that arrived, for leaves whose filter reads traits
	takers  []*state       // the profiles it arrived for
	taken   []dirt         // the leaves that have taken it
	input   celfilter.Input
	view    fields
	account fields

	linkedOf *state         // the user whose accounts linked has
	linked   []*state       // see accounts
	taking   *profile.Event // the one in input

	// Of an account: the user whose event is at hand, with the traits of that
	// user that were last asked for, and until when all those asked for hold.
	actor      string
	actorSet   traitset.Set
	actorSince uint64
	actorKnown bool
	actorUntil int64
}

// outside is what a run asks of profiles other than the one at hand, and tells them.
type outside interface {
	// Reach returns the state of a stored profile, which the run may change from here on.
	Reach(ref profile.Ref) *state
	// Look returns the state of a profile, to be read: as much of it as others ask for.
	Look(ref profile.Ref) *state
	// TruthOf returns what others know of a node of a profile.
	TruthOf(ref profile.Ref, n *node) bool
	// BatchDue notes that a batch audience is to be computed at an instant.
	BatchDue(at int64)
}

// flip is a root's change of truth, from what it was.
type flip struct {
	p    *state
	node *node
	was  bool
}

// move is a computed trait's change of value.
type move struct {
	p        *state
	node     *node
	old, new profile.Value
}

// begin makes the step one of p.
func (s *step) begin(ctx context.Context, p *state, t int64) {
	s.ctx, s.t = ctx, t
	s.flips, s.moves = reuse.Emptied(s.flips), reuse.Emptied(s.moves)
	s.dirty = reuse.Emptied(s.dirty)
	s.event, s.taken, s.takers = nil, reuse.Emptied(s.taken), reuse.Emptied(s.takers)
	s.actor, s.actorKnown = "", false
	s.turn(p)
}

// turn makes p the profile at hand.
func (s *step) turn(p *state) {
	s.p = p
	if p != nil {
		s.net = s.nets[p.ref.Subject]
	}
}

// push marks nodes to be computed anew for the profile at hand.
func (s *step) push(nodes ...*node) {
	for _, n := range nodes {
		s.dirty.push(dirt{n, s.p})
	}
}

// addEvent brings an event that just arrived to the leaves that it matches.
func (s *step) addEvent(ev *profile.Event) {
	if s.p.ref.Subject == profile.User {
		s.words.events.note(ev.Name)
	}
	d := s.net.events[ev.Name]
	if d == nil {
		return
	}
	s.take(ev)
	s.event, s.takers = ev, append(s.takers, s.p)
	for _, u := range d.plain {
		s.apply(u)
	}
	for _, ix := range d.indexes {
		v, ok := ev.Properties.Lookup(ix.key)
		if !ok {
			ix.missing.Add(1)
			continue
		}
		for _, u := range ix.find(v) {
			s.apply(u)
		}
	}
}

// take makes ev the event that filters see.
func (s *step) take(ev *profile.Event) {
	s.input.Name, s.input.Time = ev.Name, ev.Time.UnixNano()
	s.input.Properties, s.input.Context = ev.Properties, ev.Context
	s.taking = ev
	if ev.Profile != s.actor {
		s.actor, s.actorKnown = ev.Profile, false
	}
}

func (s *step) apply(u *use) {
	if u.readsTraits {
		s.pushTargets(u) // they take the event when what they read is settled
		return
	}
	if !s.passes(u, nil) {
		return
	}
	for _, to := range u.targets {
		if s.counts(to.node) {
			s.feed(to)
		}
	}
}

func (s *step) pushTargets(u *use) {
	for _, to := range u.targets {
		s.push(to.node)
	}
}

// counts reports whether the event at hand is one of those that a leaf is about,
// its filter aside.
func (s *step) counts(n *node) bool {
	return s.taking.Seq > n.since && (!n.group || s.taking.Account == s.p.ref.ID)
}

// feed adds the event at hand to a leaf that it matches.
func (s *step) feed(to target) {
	n := to.node
	if n.kind != kindEvent {
		s.collect(to)
		s.touch(n)
		return
	}
	c := s.p.cell(n)
	old := c.verdict()
	c.add(&n.count, s.input.Time, s.t)
	v := c.at(&n.count, s.t)
	s.put(n, c, v)
	s.mark(n, old, v, false)
}

// collect adds the event at hand to a leaf, without computing it.
func (s *step) collect(to target) {
	n := to.node
	switch n.kind {
	case kindFunnel:
		s.attempt(to)
		return
	case kindComputed:
		var from property.Fields = &s.input.Properties
		if n.source.OfUser {
			from = s.actorTraits(n)
		}
		value := n.source.Value(from)
		if n.computed.Property != "" && value.IsNull() && !s.quiet && n.misses.Add(1) == 1 {
			n.noteMissing(from)
		}
		s.p.aggregate(n).Add(s.input.Time, value, s.t)
		return
	}
	s.p.cell(n).add(&n.count, s.input.Time, s.t)
}

// renewTraits reads the profile's traits anew, of which some changed.
func (s *step) renewTraits(changed profile.Object) {
	if s.loadTraits(); s.err == nil {
		s.changeTraits(changed)
	}
}

// changeTraits brings the traits that just changed to the leaves that read
// them. The profile's state has them already.
func (s *step) changeTraits(changed profile.Object) {
	s.words.noteTraits(s.p.ref.Subject, changed)
	s.recompute(s.net.allTrait...)
	for name := range changed.All() {
		s.recompute(s.net.traits[name]...)
	}
	s.overReaders(changed)
}

// overReaders marks, for all users of the account at hand, what reads traits of it that
// just changed.
func (s *step) overReaders(changed profile.Object) {
	s.overUsers(s.net.allReaders)
	for name := range changed.All() {
		s.overUsers(s.net.readers[name])
	}
}

// recompute marks leaves that read traits to be computed anew: not at once, as
// each may read computed traits that change as well.
func (s *step) recompute(nodes ...*node) {
	for _, n := range nodes {
		delete(s.p.counts, n.id)
		s.push(n)
	}
}

// touch recomputes a node.
func (s *step) touch(n *node) {
	old := horizon.Always(n.idle)
	if i, ok := s.p.find(n.id); ok {
		old = s.p.cells[i].verdict()
	}
	v, moved := s.compute(n)
	s.set(n, v)
	s.mark(n, old, v, moved)
}

// mark marks the node's parents if they may depend on how it changed.
func (s *step) mark(n *node, old, v horizon.Verdict, moved bool) {
	if s.t >= old.Until || v.True == old.True && v.Until >= old.Until && !moved {
		return
	}
	for _, parent := range n.parents {
		if parent.readsTraits {
			delete(s.p.counts, parent.id)
		}
		s.push(parent)
	}
}

// walk recomputes what is marked, children before parents.
func (s *step) walk() {
	var last dirt
	for len(s.dirty) > 0 {
		d := s.dirty.pop()
		if d == last {
			continue
		}
		last = d
		if s.p != d.p {
			s.turn(d.p)
		}
		s.touch(d.n)
	}
}

// rouse asks the roots of the profile at hand that have run out.
func (s *step) rouse() {
	if s.p.wake > s.t {
		return
	}
	// By index: asking may make cells. A cell made meanwhile is fresh.
	for i := 0; i < len(s.p.cells); i++ {
		if id := s.p.nodes[i]; s.p.cells[i].until <= s.t && s.net.root[id] {
			s.ask(s.net.nodes[id])
		}
	}
	s.p.wake = horizon.Never
	for i := range s.p.cells {
		if until := s.p.cells[i].until; until < s.p.wake && s.net.root[s.p.nodes[i]] {
			s.p.wake = until
		}
	}
}

// ask returns the node's verdict at t.
func (s *step) ask(n *node) horizon.Verdict {
	i, ok := s.p.find(n.id)
	if !ok {
		return horizon.Always(n.idle)
	}
	if c := &s.p.cells[i]; s.t < c.until {
		return c.verdict()
	}
	v, _ := s.compute(n)
	s.set(n, v)
	return v
}

// set records a verdict.
func (s *step) set(n *node, v horizon.Verdict) {
	if i, ok := s.p.find(n.id); ok {
		s.put(n, &s.p.cells[i], v)
	} else if v != horizon.Always(n.idle) {
		s.put(n, s.p.cell(n), v)
	}
}

// put records a verdict in the node's cell; a root's also as a flip and as the
// profile's next wake.
func (s *step) put(n *node, c *cell, v horizon.Verdict) {
	was := c.truth
	c.truth, c.until = v.True, v.Until
	if !s.net.root[n.id] {
		return
	}
	s.p.wake = min(s.p.wake, v.Until)
	if was != v.True {
		s.flips = append(s.flips, flip{s.p, n, was})
		if n.latches > 0 {
			s.noteFlip(n)
		}
		if len(n.across) > 0 {
			s.spread(n)
		}
	}
}
