package audience

import (
	"slices"
	"time"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// rollout brings definitions to profiles. A condition that is asked across subjects, by an
// account of its users or by a user of its accounts, must be up to date for all profiles
// before the first of the others asks. So a rollout has stages: each brings what asks only
// what the stages before it have brought, and goes through every profile that it concerns.
// Most have one.
type rollout struct {
	e        *Engine
	defs     []*definition // each after those that it reads
	keys     []string
	lives    map[string]*live // of the definitions
	edited   []*definition    // of an edit: the lives are shadows, which are told to nobody
	stages   []stage
	next     int       // the stage to be brought next
	revision *revision // of the stage before
	stored   bool      // the definitions have been there since their versions
	born     map[string]uint32
	resumed  bool // an engine before has brought some profiles more than the stage at hand
	started  time.Time
	counters
}

// stage is what of a rollout is brought together.
type stage struct {
	roots []*definition // those whose conditions are brought
	users []*definition // those of accounts, where it is brought which users have one
	pins  []pin
	of    [2]bool // by Subject: it concerns these profiles
}

// pin is a condition that is kept up to date before anything asks for it.
type pin struct {
	plan *network.Plan // it, or
	of   *definition   // of which it is part
	key  string        // that of the definition whose condition it is
	node *network.Node // what it has become
}

// newRollout returns the rollout of definitions, which are planned, and sorted such that
// each comes after those that it reads.
func newRollout(e *Engine, defs []*definition) *rollout {
	r := &rollout{e: e, defs: defs, lives: map[string]*live{}, born: map[string]uint32{}, started: time.Now()}
	for _, d := range defs {
		r.keys = append(r.keys, d.key)
		r.lives[d.key] = newLive(d)
	}
	at := map[string]int{}
	for _, d := range defs {
		n := r.stageOf(d, d.plan, at)
		at[d.key] = n
		s := r.stage(n, d.subject())
		s.roots = append(s.roots, d)
		if d.audience != nil && d.audience.PerUser {
			s.pins = append(s.pins, pin{key: d.key})
			s = r.stage(n+1, profile.User)
			s.users = append(s.users, d)
		}
	}
	return r
}

// stage returns the n-th stage, which concerns a subject.
func (r *rollout) stage(n int, of profile.Subject) *stage {
	for len(r.stages) <= n {
		r.stages = append(r.stages, stage{})
	}
	r.stages[n].of[of] = true
	return &r.stages[n]
}

// stageOf returns the stage of a condition of a definition, and has what it asks across
// subjects pinned in the stages before. at has that of each definition so far.
func (r *rollout) stageOf(d *definition, p *network.Plan, at map[string]int) int {
	n := 0
	for _, child := range p.Children {
		of := r.stageOf(d, child, at)
		if child.Of != p.Of { // it is asked across
			s := r.stage(of, child.Of)
			s.pins = append(s.pins, pin{plan: child, of: d})
			of++
		}
		n = max(n, of)
	}
	keys := slices.Concat(p.Reads, p.OfAccount)
	if p.Kind == network.KindRef {
		keys = append(keys, p.Ref)
	}
	for _, key := range keys {
		of := at[key] // 0: all profiles have it
		if subject := r.live(key).subject(); subject != p.Of {
			s := r.stage(of, subject)
			s.pins = append(s.pins, pin{key: key})
			of++
		}
		n = max(n, of)
	}
	return n
}

// live returns what a key names for the definitions of the rollout.
func (r *rollout) live(key string) *live {
	if a := r.lives[key]; a != nil {
		return a
	}
	return r.e.live[key]
}

// brought is what a stage brings to the profiles of a subject.
type brought struct {
	concerns bool
	fresh    []*network.Node
	observed []*network.Node // is up to date from now on, as roots are; so far it has answered when asked
	made     []remade        // what is told of each profile when it is upgraded
}

// remade is an audience or a computed trait whose root is new.
type remade struct {
	*live
	root  *network.Node // nil: it has none any more
	old   *network.Node // the root that it had; nil: it is new
	cause Cause
}

// bring puts the next stage into the network. All locks are held.
func (r *rollout) bring() (b [2]brought) {
	s := &r.stages[r.next]
	r.next++
	for of := range b {
		b[of].concerns = s.of[of]
	}
	add := func(fresh []*network.Node) {
		r.e.words.Begin(fresh)
		for _, n := range fresh {
			b[n.Of].fresh = append(b[n.Of].fresh, n)
			if n.Latched != nil {
				b[n.Of].observed = append(b[n.Of].observed, n.Latched)
			}
		}
	}
	root := func(a *live, n *network.Node) {
		r.e.nets.Attach(&a.Output, n)
		if !a.Shadow {
			b[n.Of].made = append(b[n.Of].made, remade{a, n, nil, CauseBackfill})
		}
	}
	for _, d := range s.roots {
		a, c := r.lives[d.key], r.compiler(d)
		n := c.Node(d.plan)
		if a.filters = c.Filters; a.Shadow && (!slices.Contains(r.edited, d) || d.audience != nil && d.audience.Paused) {
			d.takePlace(n, r.e.live[d.key].Root)
		}
		root(a, n)
		add(c.Fresh)
	}
	for _, d := range s.users {
		a, c := r.lives[d.key], r.compiler(d)
		root(a, c.InAccount(a.Root))
		add(c.Fresh)
	}
	for i := range s.pins {
		p := &s.pins[i]
		if p.plan == nil {
			p.node = r.live(p.key).Root
		} else {
			c := r.compiler(p.of)
			p.node = c.Node(p.plan)
			add(c.Fresh)
		}
		r.e.nets.Pin(p.node)
		b[p.node.Of].observed = append(b[p.node.Of].observed, p.node)
	}
	return b
}

func (r *rollout) compiler(d *definition) *network.Compiler {
	return &network.Compiler{Nets: &r.e.nets, Since: d.since, Version: r.bornOf(d), Root: func(key string) *network.Node { return r.live(key).Root }}
}

// bornOf returns the version from which on the conditions of a definition have been asked, or a
// later one: since neither it nor what it reads was edited.
func (r *rollout) bornOf(d *definition) uint32 {
	if !r.stored {
		return r.e.version
	}
	born, ok := r.born[d.key]
	if !ok {
		born = d.version
		for _, key := range d.plan.Refs(nil) {
			born = max(born, r.bornOf(r.live(key).definition))
		}
		r.born[d.key] = born
	}
	return born
}

// unbring takes the last stage out of the network. All locks are held.
func (r *rollout) unbring() {
	r.next--
	s := &r.stages[r.next]
	r.unpin(s)
	for _, d := range slices.Backward(s.users) {
		a := r.lives[d.key]
		r.e.dropNodes(r.e.nets.Detach(&a.Output, a.Users))
		a.Users = nil
	}
	for _, d := range slices.Backward(s.roots) {
		a := r.lives[d.key]
		r.e.dropNodes(r.e.nets.Detach(&a.Output, a.Root))
		a.Root = nil
	}
}

func (r *rollout) unpin(s *stage) {
	for i := range s.pins {
		if n := s.pins[i].node; n != nil {
			s.pins[i].node = nil
			r.e.dropNodes(r.e.nets.Unpin(n))
		}
	}
}

// bringAll puts all stages into the network: no profile has anything to be upgraded. All
// locks are held.
func (r *rollout) bringAll() (fresh []*network.Node) {
	for r.next < len(r.stages) {
		for _, b := range r.bring() {
			fresh = append(fresh, b.fresh...)
		}
	}
	r.unpinAll()
	return fresh
}

func (r *rollout) unpinAll() {
	for i := range r.stages {
		r.unpin(&r.stages[i])
	}
}

// start notes that the rollout runs. All locks are held.
func (r *rollout) start() {
	r.e.rollouts = append(r.e.rollouts, r)
	for _, key := range r.keys {
		r.e.changing[key] = true
		a := r.lives[key]
		if !a.Shadow {
			r.e.live[key] = a
			continue
		}
		for _, read := range a.refs {
			r.e.pinned[read]++
		}
	}
}

// unpinKeys lets definitions be changed that an edit which is over reads.
func (e *Engine) unpinKeys(keys []string) {
	for _, key := range keys {
		if e.pinned[key]--; e.pinned[key] == 0 {
			delete(e.pinned, key)
		}
	}
}

// end notes that it runs no more. All locks are held.
func (r *rollout) end() {
	r.unpinAll()
	for r.edited != nil && r.next > 0 {
		r.unbring()
	}
	for _, key := range r.keys {
		delete(r.e.changing, key)
		if a := r.lives[key]; a.Shadow {
			r.e.unpinKeys(a.refs)
		}
	}
	r.e.rollouts = slices.DeleteFunc(r.e.rollouts, func(o *rollout) bool { return o == r })
	r.e.publish()
}
