package network

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/selector"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// Compiler turns the plan of one audience into nodes: those that are there as
// far as they are, and fresh ones.
type Compiler struct {
	Nets    *Networks
	Since   uint64
	Version uint32                 // of the definitions, from which on what is compiled has been there
	Root    func(key string) *Node // the root of a live audience or computed trait
	Fresh   []*Node                // children before parents
	Filters []FilterAt
}

// FilterAt is a leaf with a filter, and the filter's place in the definition.
type FilterAt struct {
	Path   string
	Leaf   *Node
	Step   int               // of a funnel
	Filter *celfilter.Filter // nil: it is of something else that can miss
	Event  string            // then: an event's name
	Prefix bool              // of Event: it is what names of events begin with
}

// Node returns the node of a plan, and notes it in the plan.
func (c *Compiler) Node(p *Plan) *Node {
	p.Node = c.build(p)
	return p.Node
}

func (c *Compiler) build(p *Plan) *Node {
	if p.Kind == KindRef {
		root := c.Root(p.Ref)
		if root.Of != p.Of {
			return c.InAccount(root)
		}
		return root
	}
	n := &Node{Kind: p.Kind, Of: p.Of}
	switch p.Kind {
	case KindBatch:
		n.Latched, n.BatchOf, n.Interval = c.Node(p.Children[0]), p.Ref, p.Batch
		if n.Paused = p.Paused; n.Paused {
			n.Interval = 0
		}
		n.above(n.Latched)
		n.Due.Store(horizon.Never)
	case KindUsers:
		n.Quantifier = p.Quantifier
		n.Idle = p.Quantifier.Holds(0, 0)
		n.dependOn(c.Node(p.Children[0]))
	case KindInAccount:
		return c.InAccount(c.Node(p.Children[0]))
	case KindAll, KindAny, KindNot:
		for _, plan := range p.Children {
			if child := c.Node(plan); !slices.Contains(n.Children, child) {
				n.Children = append(n.Children, child)
			}
		}
		if len(n.Children) == 1 && p.Kind != KindNot {
			return n.Children[0]
		}
		n.setGroup()
	default:
		for _, key := range p.Reads {
			child := c.Root(key)
			n.Reads = append(n.Reads, Reading{key, child})
			n.Children = append(n.Children, child)
			n.above(child)
		}
		for _, key := range p.OfAccount {
			n.dependOn(c.Root(key))
			n.OfAccount = append(n.OfAccount, Reading{key, n.Others[len(n.Others)-1]})
		}
		n.setLeaf(p, c.Since)
	}
	n = c.intern(n)
	base := strings.TrimSuffix(p.Path, "where")
	switch p.Kind {
	case KindEvent:
		c.noteNames(n, &p.Select, base, "name")
		if n.Property != "" {
			c.Filters = append(c.Filters, FilterAt{Path: base + "distinct.by", Leaf: n})
		}
	case KindComputed:
		c.noteNames(n, &p.Select, "", "event")
		if n.Property != "" {
			c.Filters = append(c.Filters, FilterAt{Path: "property", Leaf: n})
		}
	case KindDate:
		c.Filters = append(c.Filters, FilterAt{Path: p.Path, Leaf: n})
	}
	if n.Filter != nil {
		c.Filters = append(c.Filters, FilterAt{Path: p.Path, Leaf: n, Filter: n.Filter})
	}
	if n.Funnel != nil {
		for step := range n.Funnel.Funnel().Steps {
			c.noteNames(n, n.Funnel.EventsOf(step), fmt.Sprintf("%s.steps[%d].", p.Path, step), "event")
		}
		for step, f := range n.Funnel.Filters() {
			c.Filters = append(c.Filters, FilterAt{Path: fmt.Sprintf("%s.steps[%d].where", p.Path, step), Leaf: n, Step: step, Filter: f})
		}
	}
	return n
}

// noteNames notes the names of events that a leaf lists, or what they begin with, of which nobody
// may send any: below a path, in a field where it is one.
func (c *Compiler) noteNames(n *Node, of *selector.Selector, path, field string) {
	if prefix, is := of.Prefix(); is && prefix != "" {
		c.Filters = append(c.Filters, FilterAt{Path: path + "prefix", Leaf: n, Event: prefix, Prefix: true})
	}
	names, _ := of.Names()
	for i, name := range names {
		at := path + field
		if len(names) > 1 {
			at = fmt.Sprintf("%snames[%d]", path, i)
		}
		c.Filters = append(c.Filters, FilterAt{Path: at, Leaf: n, Event: name})
	}
}

// InAccount returns the node of users of which an account meets root.
func (c *Compiler) InAccount(root *Node) *Node {
	n := &Node{Kind: KindInAccount, Of: profile.User}
	n.dependOn(root)
	return c.intern(n)
}

// above makes n higher than a node that it depends on.
func (n *Node) above(child *Node) {
	n.Height = max(n.Height, child.Height+1)
	n.Linked = n.Linked || child.Linked
}

// dependOn makes n depend on a node of the other subject.
func (n *Node) dependOn(other *Node) {
	n.Others = append(n.Others, other)
	n.above(other)
	n.Linked = true
}

// intern returns the node of its network that is the same as n: n itself, if
// there is none.
func (c *Compiler) intern(n *Node) *Node {
	net := c.Nets[n.Of]
	n.text = n.identity(func(m *Node) string { return strconv.Itoa(int(m.ID)) })
	if old, ok := net.byText[n.text]; ok {
		old.Born = min(old.Born, c.Version)
		return old
	}
	n.Born = c.Version
	n.setMark()
	n.ID = uint32(len(net.Nodes))
	net.Nodes = append(net.Nodes, n)
	net.Root = append(net.Root, false)
	net.byText[n.text] = n
	for _, child := range n.Children {
		child.Parents = append(child.Parents, n)
		child.uses++
	}
	for _, other := range n.Others {
		other.Across = append(other.Across, n)
		other.uses++
		c.Nets[other.Of].setRoot(other)
	}
	if n.Latched != nil {
		n.Latched.Latches++
		n.Latched.uses++
		net.setRoot(n.Latched)
		net.Batches = append(net.Batches, n)
	}
	if n.Kind == KindUsers {
		net.Quantified = append(net.Quantified, n)
	}
	if len(n.Others) > 0 || n.Accounts {
		net.Linked = append(net.Linked, n)
	}
	net.Leaves.Add(n)
	net.recross = net.recross || n.Linked || n.Of == profile.Account
	if n.Accounts {
		c.Nets[profile.Account].addReader(n)
	}
	c.Fresh = append(c.Fresh, n)
	return n
}

func (n *Node) setLeaf(p *Plan, since uint64) {
	n.Since, n.Filter = since, p.Filter
	n.Accounts, n.Group = p.Accounts, p.Group
	n.Linked = n.Linked || n.Accounts // whatever traits they are
	switch p.Kind {
	case KindEvent:
		n.Events, n.Count = []selector.Selector{p.Select}, newCount(p)
		n.setValues(p)
		n.Idle = n.Count.Holds(0)
		n.leaf = fmt.Sprintf("event\x00%d\x00%s\x00%s\x00%d-%d\x00%s\x00%t",
			since, p.Select.Text(), source(p.Filter), p.Min, p.Max, p.Window, p.Group)
		if p.Length > 0 {
			n.leaf += fmt.Sprintf("\x00%d of %s", p.Periods, p.Length)
		}
		if p.Distinct {
			n.leaf += fmt.Sprintf("\x00distinct %q %t %s %q", p.Property, p.Source.OfUser, p.Unit, p.Zone)
		}
	case KindComputed:
		c := *p.Computed
		n.Events, n.Count, n.Computed = []selector.Selector{p.Select}, newCount(p), &c
		n.setValues(p)
		n.leaf = fmt.Sprintf("computed\x00%d\x00%s\x00%s\x00%s\x00%d\x00%q\x00%s",
			since, p.Select.Text(), source(p.Filter), c.Type, c.MinFrequency, c.Property, p.Window)
		if n.Units != nil {
			n.leaf += fmt.Sprintf("\x00%s %q", p.Unit, p.Zone)
		}
	case KindFunnel:
		n.Events, n.Count, n.Funnel = p.Funnel.Events(), newCount(p), p.Funnel
		n.StepMisses = make([]atomic.Uint64, len(p.Funnel.Funnel().Steps))
		for _, f := range p.Funnel.Filters() {
			n.ReadsTraits = n.ReadsTraits || readsTraits(f)
			n.ReadsActor = n.ReadsActor || n.Of == profile.Account && readsActor(f)
		}
		text, _ := json.Marshal(p.Funnel.Funnel()) // it has been compiled
		n.leaf = fmt.Sprintf("funnel\x00%d\x00%s", since, text)
	case KindTrait:
		n.Idle = !n.Accounts && p.Filter.Eval(n.noInput()) == celfilter.True
		n.leaf = fmt.Sprintf("trait\x00%d\x00%s", since, p.Filter.Source())
	case KindFormula:
		c := *p.Computed
		n.Computed = &c
		n.Initial, _ = n.Formula(n.noInput())
		n.leaf = fmt.Sprintf("formula\x00%d\x00%s", since, p.Filter.Source())
	case KindSample:
		n.Sample = p.Sample
		n.leaf = fmt.Sprintf("sample\x00%g\x00%q", p.Sample.Percent, p.Sample.Salt)
	case KindTenure:
		n.setTenure(p.Tenure)
	case KindDate:
		n.Date = traitset.NewDate(p.Date)
		n.leaf = fmt.Sprintf("date\x00%d\x00%q\x00%+v", since, p.Date.Name, p.Date.Window)
		if p.Date.Yearly {
			n.leaf += fmt.Sprintf("\x00yearly %q", p.Date.Zone)
		}
	}
}

// setValues sets what is read of events, and what that depends on.
func (n *Node) setValues(p *Plan) {
	n.Distinct, n.Source, n.Property = p.Distinct, p.Source, p.Property
	if p.Unit != profile.NoUnit {
		n.Units = horizon.NewUnits(p.Unit, p.Zone)
	}
	n.ReadsTraits = readsTraits(p.Filter) || n.Source.OfUser
	n.ReadsActor = n.Of == profile.Account && (readsActor(p.Filter) || n.Source.OfUser)
}

func (n *Node) setGroup() {
	n.Idle = n.Kind != KindAny
	for _, c := range n.Children {
		n.above(c)
		switch n.Kind {
		case KindAll:
			n.Idle = n.Idle && c.Idle
		case KindAny:
			n.Idle = n.Idle || c.Idle
		case KindNot:
			n.Idle = !c.Idle
		}
	}
}
