package network

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/internal/selector"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Kind is what a node does.
type Kind uint8

// The kinds.
const (
	KindAll Kind = iota
	KindAny
	KindNot
	KindEvent
	KindTrait
	KindDate
	KindFunnel
	KindComputed  // a computed trait: its truth is nothing, its value is in the profile's state
	KindFormula   // one that is made of other traits, likewise
	KindUsers     // of an account: what its users meet
	KindInAccount // of a user: one of its accounts is a member
	KindBatch     // of a batch audience: what its condition was when it was last computed
	KindSample    // of a share of all profiles: its truth follows from the id
	KindTenure    // how long the profile has been a member: of an audience, which is all that it reads
	KindRef       // only in plans: in the network it is the other audience's root
)

// Node is one node of the network: a condition that any number of audiences
// share. It is the same for all profiles; what a profile makes of it is in the
// profile's cells.
type Node struct {
	ID     uint32
	Kind   Kind
	Of     profile.Subject
	Idle   bool // its truth for a profile without any data, at all times
	Height int32
	text   string // what makes it this node and no other, in this network
	Mark   uint64 // likewise in any network: what the store has of it

	Children  []*Node
	Parents   []*Node
	Others    []*Node   // of the other subject, which it depends on
	Across    []*Node   // of the other subject, which depend on it
	Linked    bool      // it, or what it depends on, depends on others
	Crosses   bool      // a change of it may change, or ask for, other profiles: see crosses.go
	Latched   *Node     // of KindBatch: the condition
	Latches   int       // how many latch it
	pins      int       // how many rollouts keep it up to date before it is asked across
	Audiences []*Output // those whose root it is
	Traits    []*Output // the computed traits that it computes
	uses      int       // parents, audiences and traits, each time they name it; across

	// Of leaves only.
	Events      []selector.Selector    // the events it takes
	Count       Count                  // of an event leaf; of a computed trait only the window
	Filter      *celfilter.Filter      // of events (nil: every event), of a trait leaf and a formula
	Misses      atomic.Uint64          // of the filter of a trait leaf; dates that are none; events without the property
	Missing     atomic.Pointer[string] // the property that may be meant instead of one that is missing
	Before      uint64                 // calls that set traits before it was made
	ReadsTraits bool                   // what it takes of events depends on traits
	ReadsActor  bool                   // on those of the acting user, for one of accounts
	Accounts    bool                   // on those of the user's accounts, for one of users
	Group       bool                   // only events sent with the account's id count
	Reads       []Reading              // those of its traits that are computed, children all
	OfAccount   []Reading              // those of the accounts', others all
	Date        traitset.Date
	Funnel      *sequence.Matcher
	StepMisses  []atomic.Uint64 // of a funnel: of the filter of each step
	Computed    *trait.Computed
	Initial     profile.Value   // of a formula: what it is for a profile without any data
	Distinct    bool            // of an event leaf: it counts the values of events
	Source      property.Source // of a computed trait and of distinct values: where these are
	Property    string          // the same as it is written; empty: none
	Units       *horizon.Units  // instead: the values are units of the calendar
	Quantifier  Quantifier
	Sample      Sample
	Tenure      Tenure
	BatchOf     string        // the key
	Interval    time.Duration // of its computations
	Paused      bool          // it is never computed: who was in when it was paused stays
	Due         atomic.Int64  // when the next one is; horizon.Never: nothing has changed since the last
	Born        uint32        // the version of the definitions from which on it has been there, or a later one
	Pending     uint32        // the version with which it comes to profiles that do not have it yet; 0: all have
	Replaces    *Node         // until all have it, the one whose place it takes as something that it reads is edited
	Since       uint64        // only data of a greater arrival number counts
	leaf        string        // what makes it this leaf, what it reads aside
}

// Reading is a name among the traits that a leaf reads that is a key.
type Reading struct {
	Name string
	Node *Node
}

// Output is an audience or a computed trait, as far as the network is concerned: the node
// that answers for it.
type Output struct {
	Key    string
	Of     profile.Subject // of whom it is
	Root   *Node
	Users  *Node // of an audience of accounts that tells of users, too: the users of its members
	Shadow bool  // of an edit that runs: it is told to nobody
}

// RootOf returns the node that says whether a profile of a subject is a member,
// nil if none ever is.
func (o *Output) RootOf(of profile.Subject) *Node {
	if of == o.Of {
		return o.Root
	}
	return o.Users
}

// Network is the conditions of all live audiences, each distinct one once.
type Network struct {
	Leaves
	Quantified []*Node // of KindUsers
	Across     []*Node // those that others depend on, or are about to
	Batches    []*Node // of KindBatch
	Linked     []*Node // those with others
	Nodes      []*Node // by id; nil once released
	Root       []bool  // by id: it is the root of an audience, or a computed trait
	Crosses    int     // how many nodes do
	recross    bool    // nodes came or went that decide which do
	IdleTrue   []*Node // roots that a new profile meets without any data
	byText     map[string]*Node
}

func newNetwork() *Network {
	return &Network{Leaves: NewLeaves(), byText: map[string]*Node{}}
}

// Networks are those of users and of accounts.
type Networks [2]*Network // by Subject

// New returns networks without a node.
func New() Networks { return Networks{newNetwork(), newNetwork()} }

// Attach makes n the root of an output, or the node of its users.
func (nets *Networks) Attach(o *Output, n *Node) {
	if n.Of == o.Of {
		o.Root = n
	} else {
		o.Users = n
	}
	n.uses++
	if n.HasValue() {
		n.Traits = append(n.Traits, o)
	} else {
		n.Audiences = append(n.Audiences, o)
	}
	nets[n.Of].setRoot(n)
}

// Detach undoes Attach and releases the nodes that nothing uses any more; it
// returns them.
func (nets *Networks) Detach(o *Output, n *Node) (released []*Node) {
	is := func(b *Output) bool { return o == b }
	n.Audiences = slices.DeleteFunc(n.Audiences, is)
	n.Traits = slices.DeleteFunc(n.Traits, is)
	nets[n.Of].setRoot(n)
	return nets.release(n, nil)
}

// Pin keeps n up to date, and known to others, although nothing asks for it yet.
func (nets *Networks) Pin(n *Node) {
	n.uses++
	n.pins++
	nets[n.Of].setRoot(n)
}

// Unpin undoes Pin, as Detach does Attach.
func (nets *Networks) Unpin(n *Node) (released []*Node) {
	n.pins--
	nets[n.Of].setRoot(n)
	return nets.release(n, nil)
}

// CrossProfile reports whether profiles depend on each other: something is defined of accounts, or
// of users by what their accounts are.
func (nets *Networks) CrossProfile() bool {
	return len(nets[profile.Account].byText)+len(nets[profile.User].Linked) > 0
}

// setRoot notes whether a node is a root, which something observes.
func (net *Network) setRoot(n *Node) {
	across := len(n.Across)+n.pins > 0
	if at := slices.Index(net.Across, n); at < 0 && across {
		net.Across = append(net.Across, n)
	} else if at >= 0 && !across {
		net.Across = slices.Delete(net.Across, at, at+1)
	}
	is := len(n.Audiences)+len(n.Traits)+n.Latches > 0 || across
	if is == net.Root[n.ID] {
		return
	}
	net.Root[n.ID] = is
	if !n.Idle {
		return
	}
	if is {
		net.IdleTrue = append(net.IdleTrue, n)
	} else {
		net.IdleTrue = slices.DeleteFunc(net.IdleTrue, func(m *Node) bool { return m == n })
	}
}

func (nets *Networks) release(n *Node, released []*Node) []*Node {
	if n.uses--; n.uses > 0 {
		return released
	}
	nets[n.Of].remove(n)
	nets[n.Of].recross = nets[n.Of].recross || n.Linked || n.Of == profile.Account
	if n.Accounts {
		nets[profile.Account].removeReader(n)
	}
	released = append(released, n)
	is := func(p *Node) bool { return p == n }
	for _, c := range n.Children {
		c.Parents = slices.DeleteFunc(c.Parents, is)
		released = nets.release(c, released)
	}
	if n.Latched != nil {
		n.Latched.Latches--
		nets[n.Of].setRoot(n.Latched)
		released = nets.release(n.Latched, released)
	}
	for _, other := range n.Others {
		other.Across = slices.DeleteFunc(other.Across, is)
		nets[other.Of].setRoot(other)
		released = nets.release(other, released)
	}
	return released
}

// remove takes a node out that nothing uses.
func (net *Network) remove(n *Node) {
	is := func(m *Node) bool { return m == n }
	net.Leaves.remove(n)
	net.Nodes[n.ID] = nil
	delete(net.byText, n.text)
	net.Quantified = slices.DeleteFunc(net.Quantified, is)
	net.Batches = slices.DeleteFunc(net.Batches, is)
	net.Linked = slices.DeleteFunc(net.Linked, is)
}
