package audience

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/muster-go/muster/internal/celfilter"
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
	others    []*node   // of the other subject, which it depends on
	across    []*node   // of the other subject, which depend on it
	linked    bool      // it, or what it depends on, depends on others
	joint     bool      // a change of it may change, or ask for, other profiles: see reach.go
	latched   *node     // of kindBatch: the condition
	latches   int       // how many latch it
	pins      int       // how many rollouts keep it up to date before it is asked across
	audiences []*output // those whose root it is
	traits    []*output // the computed traits that it computes
	uses      int       // parents, audiences and traits, each time they name it; across

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

// output is an audience or a computed trait, as far as the network is concerned: the node
// that answers for it.
type output struct {
	Key    string
	Of     profile.Subject // of whom it is
	root   *node
	users  *node // of an audience of accounts that tells of users, too: the users of its members
	shadow bool  // of an edit that runs: it is told to nobody
}

// rootOf returns the node that says whether a profile of a subject is a member,
// nil if none ever is.
func (o *output) rootOf(of profile.Subject) *node {
	if of == o.Of {
		return o.root
	}
	return o.users
}

// network is the conditions of all live audiences, each distinct one once.
type network struct {
	leafIndex
	quantified []*node // of kindUsers
	across     []*node // those that others depend on, or are about to
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

// networks are those of users and of accounts.
type networks [2]*network // by Subject

func newNetworks() networks { return networks{newNetwork(), newNetwork()} }

// attach makes n the root of an output, or the node of its users.
func (nets *networks) attach(o *output, n *node) {
	if n.of == o.Of {
		o.root = n
	} else {
		o.users = n
	}
	n.uses++
	if n.kind == kindComputed {
		n.traits = append(n.traits, o)
	} else {
		n.audiences = append(n.audiences, o)
	}
	nets[n.of].setRoot(n)
}

// detach undoes attach and releases the nodes that nothing uses any more; it
// returns them.
func (nets *networks) detach(o *output, n *node) (released []*node) {
	is := func(b *output) bool { return o == b }
	n.audiences = slices.DeleteFunc(n.audiences, is)
	n.traits = slices.DeleteFunc(n.traits, is)
	nets[n.of].setRoot(n)
	return nets.release(n, nil)
}

// pin keeps n up to date, and known to others, although nothing asks for it yet.
func (nets *networks) pin(n *node) {
	n.uses++
	n.pins++
	nets[n.of].setRoot(n)
}

// unpin undoes pin, as detach does attach.
func (nets *networks) unpin(n *node) (released []*node) {
	n.pins--
	nets[n.of].setRoot(n)
	return nets.release(n, nil)
}

func (net *network) setRoot(n *node) {
	across := len(n.across)+n.pins > 0
	if at := slices.Index(net.across, n); at < 0 && across {
		net.across = append(net.across, n)
	} else if at >= 0 && !across {
		net.across = slices.Delete(net.across, at, at+1)
	}
	is := len(n.audiences)+len(n.traits)+n.latches > 0 || across
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

func (nets *networks) release(n *node, released []*node) []*node {
	if n.uses--; n.uses > 0 {
		return released
	}
	nets[n.of].remove(n)
	nets[n.of].rejoin = nets[n.of].rejoin || n.linked || n.of == profile.Account
	if n.accounts {
		nets[profile.Account].removeReader(n)
	}
	released = append(released, n)
	is := func(p *node) bool { return p == n }
	for _, c := range n.children {
		c.parents = slices.DeleteFunc(c.parents, is)
		released = nets.release(c, released)
	}
	if n.latched != nil {
		n.latched.latches--
		nets[n.of].setRoot(n.latched)
		released = nets.release(n.latched, released)
	}
	for _, other := range n.others {
		other.across = slices.DeleteFunc(other.across, is)
		nets[other.of].setRoot(other)
		released = nets.release(other, released)
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
