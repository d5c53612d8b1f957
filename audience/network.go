package audience

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// kind is what a node does.
type kind uint8

const (
	kindAll kind = iota
	kindAny
	kindNot
	kindEvent
	kindTrait
	kindDate
	kindFunnel
	kindComputed  // a computed trait: its truth is nothing, its value is in the profile's state
	kindUsers     // of an account: what its users meet
	kindInAccount // of a user: one of its accounts is a member
	kindBatch     // of a batch audience: what its condition was when it was last computed
	kindRef       // only in plans: in the network it is the other audience's root
)

// node is one node of the network: a condition that any number of audiences
// share. It is the same for all profiles; what a profile makes of it is in the
// profile's cells.
type node struct {
	id     uint32
	kind   kind
	of     profile.Subject
	idle   bool // its truth for a profile without any data, at all times
	height int32
	text   string // what makes it this node and no other, in this network
	mark   uint64 // likewise in any network: what the store has of it

	children  []*node
	parents   []*node
	others    []*node // of the other subject, which it depends on
	across    []*node // of the other subject, which depend on it
	linked    bool    // it, or what it depends on, depends on others
	joint     bool    // a change of it may change, or ask for, other profiles: see reach.go
	latched   *node   // of kindBatch: the condition
	latches   int     // how many latch it
	audiences []*live // those whose root it is
	traits    []*live // the computed traits that it computes
	uses      int     // parents, audiences and traits, each time they name it; across

	// Of leaves only.
	events      []string               // the names of the events it takes
	count       countLeaf              // of an event leaf; of a computed trait only the window
	filter      *celfilter.Filter      // of events (nil: every event) and of a trait leaf
	misses      atomic.Uint64          // of the filter of a trait leaf; dates that are none; events without the property
	missing     atomic.Pointer[string] // the property that may be meant instead of one that is missing
	before      uint64                 // calls that set traits before it was made
	readsTraits bool                   // what it takes of events depends on traits
	readsActor  bool                   // on those of the acting user, for one of accounts
	accounts    bool                   // on those of the user's accounts, for one of users
	group       bool                   // only events sent with the account's id count
	reads       []reading              // those of its traits that are computed, children all
	ofAccount   []reading              // those of the accounts', others all
	date        trait.Date
	dateKey     profile.Key // of its name
	funnel      *sequence.Matcher
	stepMisses  []atomic.Uint64 // of a funnel: of the filter of each step
	computed    *trait.Computed
	source      property.Source
	quantifier  quantifier
	batchOf     string        // the key
	interval    time.Duration // of its computations
	due         atomic.Int64  // when the next one is; horizon.Never: nothing has changed since the last
	pending     uint32        // the version with which it comes to profiles that do not have it yet; 0: all have
	replaces    *node         // until all have it, the one whose place it takes as something that it reads is edited
	since       uint64        // only data of a greater arrival number counts
	leaf        string        // what makes it this leaf, what it reads aside
}

// reading is a name among the traits that a leaf reads that is a key.
type reading struct {
	name string
	node *node
}

// live is an audience or a computed trait that exists.
type live struct {
	*definition
	refs    []string // the keys that it reads
	root    *node
	users   *node // of an audience of accounts that tells of users, too: the users of its members
	filters []filterAt
	shadow  bool // of an edit that runs: it is told to nobody
}

// network is the conditions of all live audiences, each distinct one once.
type network struct {
	leafIndex
	quantified []*node // of kindUsers
	across     []*node // those that others depend on
	batches    []*node // of kindBatch
	linked     []*node // those with others
	nodes      []*node // by id; nil once released
	root       []bool  // by id: it is the root of an audience, or a computed trait
	joint      int     // how many nodes are joint
	rejoin     bool    // nodes came or went that decide which are joint
	idleTrue   []*node // roots that a new profile meets without any data
	byText     map[string]*node
}

func newNetwork() *network {
	return &network{leafIndex: newLeafIndex(), byText: map[string]*node{}}
}

// compiler turns the plan of one audience into nodes: those that are there as
// far as they are, and fresh ones.
type compiler struct {
	nets    *[2]*network
	since   uint64
	root    func(key string) *node // the root of a live audience or computed trait
	fresh   []*node                // children before parents
	filters []filterAt
}

// filterAt is a leaf with a filter, and the filter's place in the definition.
type filterAt struct {
	path   string
	leaf   *node
	step   int               // of a funnel
	filter *celfilter.Filter // nil: it is of something else that can miss
	event  string            // then: an event's name
}

func (c *compiler) node(p *plan) *node {
	p.node = c.build(p)
	return p.node
}

func (c *compiler) build(p *plan) *node {
	if p.kind == kindRef {
		root := c.root(p.ref)
		if root.of != p.of {
			return c.inAccount(root)
		}
		return root
	}
	n := &node{kind: p.kind, of: p.of}
	switch p.kind {
	case kindBatch:
		n.latched, n.batchOf, n.interval = c.node(p.children[0]), p.ref, p.batch
		n.above(n.latched)
		n.due.Store(horizon.Never)
	case kindUsers:
		n.quantifier = p.quantifier
		n.idle = p.quantifier.holds(0, 0)
		n.dependOn(c.node(p.children[0]))
	case kindAll, kindAny, kindNot:
		for _, plan := range p.children {
			if child := c.node(plan); !slices.Contains(n.children, child) {
				n.children = append(n.children, child)
			}
		}
		if len(n.children) == 1 && p.kind != kindNot {
			return n.children[0]
		}
		n.setGroup()
	default:
		for _, key := range p.reads {
			child := c.root(key)
			n.reads = append(n.reads, reading{key, child})
			n.children = append(n.children, child)
			n.above(child)
		}
		for _, key := range p.ofAccount {
			n.dependOn(c.root(key))
			n.ofAccount = append(n.ofAccount, reading{key, n.others[len(n.others)-1]})
		}
		n.setLeaf(p, c.since)
	}
	n = c.intern(n)
	base := strings.TrimSuffix(p.path, "where")
	switch p.kind {
	case kindEvent:
		c.filters = append(c.filters, filterAt{path: base + "name", leaf: n, event: p.name})
	case kindComputed:
		c.filters = append(c.filters, filterAt{path: "event", leaf: n, event: p.name})
		if p.computed.Property != "" {
			c.filters = append(c.filters, filterAt{path: "property", leaf: n})
		}
	case kindDate:
		c.filters = append(c.filters, filterAt{path: p.path, leaf: n})
	}
	if n.filter != nil {
		c.filters = append(c.filters, filterAt{path: p.path, leaf: n, filter: n.filter})
	}
	if n.funnel != nil {
		for step, s := range n.funnel.Funnel().Steps {
			c.filters = append(c.filters, filterAt{path: fmt.Sprintf("%s.steps[%d].event", p.path, step), leaf: n, event: s.Event})
		}
		for step, f := range n.funnel.Filters() {
			c.filters = append(c.filters, filterAt{path: fmt.Sprintf("%s.steps[%d].where", p.path, step), leaf: n, step: step, filter: f})
		}
	}
	return n
}

// inAccount returns the node of users of which an account meets root.
func (c *compiler) inAccount(root *node) *node {
	n := &node{kind: kindInAccount, of: profile.User}
	n.dependOn(root)
	return c.intern(n)
}

// above makes n higher than a node that it depends on.
func (n *node) above(child *node) {
	n.height = max(n.height, child.height+1)
	n.linked = n.linked || child.linked
}

// dependOn makes n depend on a node of the other subject.
func (n *node) dependOn(other *node) {
	n.others = append(n.others, other)
	n.above(other)
	n.linked = true
}

// intern returns the node of its network that is the same as n: n itself, if
// there is none.
func (c *compiler) intern(n *node) *node {
	net := c.nets[n.of]
	n.text = n.identity(func(m *node) string { return strconv.Itoa(int(m.id)) })
	if old, ok := net.byText[n.text]; ok {
		return old
	}
	n.setMark()
	n.id = uint32(len(net.nodes))
	net.nodes = append(net.nodes, n)
	net.root = append(net.root, false)
	net.byText[n.text] = n
	for _, child := range n.children {
		child.parents = append(child.parents, n)
		child.uses++
	}
	for _, other := range n.others {
		other.across = append(other.across, n)
		other.uses++
		c.nets[other.of].setRoot(other)
	}
	if n.latched != nil {
		n.latched.latches++
		n.latched.uses++
		net.setRoot(n.latched)
		net.batches = append(net.batches, n)
	}
	if n.kind == kindUsers {
		net.quantified = append(net.quantified, n)
	}
	if len(n.others) > 0 || n.accounts {
		net.linked = append(net.linked, n)
	}
	net.leafIndex.add(n)
	net.rejoin = net.rejoin || n.linked || n.of == profile.Account
	if n.accounts {
		c.nets[profile.Account].addReader(n)
	}
	c.fresh = append(c.fresh, n)
	return n
}

func (n *node) setLeaf(p *plan, since uint64) {
	n.since, n.filter = since, p.filter
	n.accounts, n.group = p.accounts, p.group
	n.linked = n.linked || n.accounts // whatever traits they are
	switch p.kind {
	case kindEvent:
		n.events, n.count = []string{p.name}, newCountLeaf(p)
		n.readsTraits = readsTraits(p.filter)
		n.idle = n.count.holds(0)
		n.readsActor = n.of == profile.Account && readsActor(p.filter)
		n.leaf = fmt.Sprintf("event\x00%d\x00%q\x00%s\x00%d-%d\x00%s\x00%t",
			since, p.name, source(p.filter), p.min, p.max, p.window, p.group)
	case kindComputed:
		c := *p.computed
		n.events, n.count, n.computed = []string{p.name}, newCountLeaf(p), &c
		if c.Property != "" {
			n.source, _ = property.Parse(c.Property) // it is valid
		}
		n.readsTraits = readsTraits(p.filter) || n.source.OfUser
		n.readsActor = n.of == profile.Account && (readsActor(p.filter) || n.source.OfUser)
		n.leaf = fmt.Sprintf("computed\x00%d\x00%q\x00%s\x00%s\x00%d\x00%q\x00%s",
			since, p.name, source(p.filter), c.Type, c.MinFrequency, c.Property, p.window)
	case kindFunnel:
		n.events, n.count, n.funnel = p.funnel.Events(), newCountLeaf(p), p.funnel
		n.stepMisses = make([]atomic.Uint64, len(p.funnel.Funnel().Steps))
		for _, f := range p.funnel.Filters() {
			n.readsTraits = n.readsTraits || readsTraits(f)
			n.readsActor = n.readsActor || n.of == profile.Account && readsActor(f)
		}
		text, _ := json.Marshal(p.funnel.Funnel()) // it has been compiled
		n.leaf = fmt.Sprintf("funnel\x00%d\x00%s", since, text)
	case kindTrait:
		nothing := &fields{p: newState(profile.Ref{}), reads: n.reads}
		in := celfilter.Input{Traits: nothing}
		if n.of == profile.Account {
			in.Account = nothing
		}
		n.idle = !n.accounts && p.filter.Eval(&in) == celfilter.True
		n.leaf = fmt.Sprintf("trait\x00%d\x00%s", since, p.filter.Source())
	case kindDate:
		n.date, n.dateKey = p.date, (*profile.Dict)(nil).Key(p.date.Name)
		n.leaf = fmt.Sprintf("date\x00%d\x00%q\x00%+v", since, p.date.Name, p.date.Window)
	}
}

func (n *node) setGroup() {
	n.idle = n.kind != kindAny
	for _, c := range n.children {
		n.above(c)
		switch n.kind {
		case kindAll:
			n.idle = n.idle && c.idle
		case kindAny:
			n.idle = n.idle || c.idle
		case kindNot:
			n.idle = !c.idle
		}
	}
}

// attach makes n the root of a, or the node of its users.
func (net *network) attach(a *live, n *node) {
	if n.of == a.subject() {
		a.root = n
	} else {
		a.users = n
	}
	n.uses++
	if a.computed != nil {
		n.traits = append(n.traits, a)
	} else {
		n.audiences = append(n.audiences, a)
	}
	net.setRoot(n)
}

// detach undoes attach and releases the nodes that nothing uses any more; it
// returns them.
func (e *Engine) detach(a *live, n *node) (released []*node) {
	is := func(b *live) bool { return a == b }
	n.audiences = slices.DeleteFunc(n.audiences, is)
	n.traits = slices.DeleteFunc(n.traits, is)
	e.nets[n.of].setRoot(n)
	return e.releaseNode(n, nil)
}

func (net *network) setRoot(n *node) {
	if at := slices.Index(net.across, n); at < 0 && len(n.across) > 0 {
		net.across = append(net.across, n)
	} else if at >= 0 && len(n.across) == 0 {
		net.across = slices.Delete(net.across, at, at+1)
	}
	is := len(n.audiences)+len(n.traits)+len(n.across)+n.latches > 0
	if is == net.root[n.id] {
		return
	}
	net.root[n.id] = is
	if !n.idle {
		return
	}
	if is {
		net.idleTrue = append(net.idleTrue, n)
	} else {
		net.idleTrue = slices.DeleteFunc(net.idleTrue, func(m *node) bool { return m == n })
	}
}

func (e *Engine) releaseNode(n *node, released []*node) []*node {
	if n.uses--; n.uses > 0 {
		return released
	}
	e.nets[n.of].remove(n)
	e.nets[n.of].rejoin = e.nets[n.of].rejoin || n.linked || n.of == profile.Account
	if n.accounts {
		e.nets[profile.Account].removeReader(n)
	}
	released = append(released, n)
	is := func(p *node) bool { return p == n }
	for _, c := range n.children {
		c.parents = slices.DeleteFunc(c.parents, is)
		released = e.releaseNode(c, released)
	}
	if n.latched != nil {
		n.latched.latches--
		e.nets[n.of].setRoot(n.latched)
		released = e.releaseNode(n.latched, released)
	}
	for _, other := range n.others {
		other.across = slices.DeleteFunc(other.across, is)
		e.nets[other.of].setRoot(other)
		released = e.releaseNode(other, released)
	}
	return released
}

// remove takes a node out that nothing uses.
func (net *network) remove(n *node) {
	is := func(m *node) bool { return m == n }
	net.leafIndex.remove(n)
	net.nodes[n.id] = nil
	delete(net.byText, n.text)
	net.quantified = slices.DeleteFunc(net.quantified, is)
	net.batches = slices.DeleteFunc(net.batches, is)
	net.linked = slices.DeleteFunc(net.linked, is)
}
