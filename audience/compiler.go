package audience

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/profile"
)

// compiler turns the plan of one audience into nodes: those that are there as
// far as they are, and fresh ones.
type compiler struct {
	nets    *networks
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
		nothing := noData(n.reads)
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
