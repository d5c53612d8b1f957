package eval

import (
	"context"
	"iter"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/internal/reuse"
	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// Run moves one profile, or several that depend on each other, from what held before to what
// holds at an instant, with all that is new to them, as one change:
//
//	AddEvent   data reaches the leaves that name it
//	Walk       what is stale is recomputed upwards, each node once
//	AskRoots   roots whose verdict has run out are asked again
//	Truths     the roots that became true or false
//
// Two facts keep it short. A node that keeps its truth and does not end sooner stops the
// walk. And a verdict that has run out needs no walk: who relied on it has run out as well,
// and asks again when it is asked itself.
type Run struct {
	Nets     *network.Networks
	Net      *network.Network // of the profile at hand
	Store    profile.Reader
	Ctx      context.Context // of the call that the run is part of
	Profile  *state.State    // the profile at hand
	At       int64
	Err      error // of the store, the first of the transaction: it is void
	Quiet    bool  // misses of filters are not counted: nothing arrived
	Stale    heap
	Truths   []TruthChange // roots whose truth changed
	Values   []ValueChange // computed traits whose value changed
	ReadOnly bool          // of a state that is not the engine's: nothing is changed
	Aside    bool          // what follows is not stored, and told to nobody

	// Born reports whether a user who is stored is there at the instant of the run; nil: all are.
	// The others count as no users of their accounts.
	Born    func(user string) bool
	Outside Outside
	Words   *network.Names
	Past    *profile.History // that of the profile at hand, from a scan; nil: it is read from the store
	history profile.History  // as it was read last
	noted   []string         // names of events that were noted lately

	Event   *profile.Event // that arrived, for leaves whose filter reads traits
	takers  []*state.State // the profiles it arrived for
	taken   []entry        // the leaves that have taken it
	Input   celfilter.Input
	view    state.Fields
	account state.Fields

	LinkedOf *state.State   // the user whose accounts linked has
	linked   []*state.State // see Accounts
	Taking   *profile.Event // the one in Input

	// Of an account: the user whose event is at hand, with the traits of that
	// user that were last asked for, and until when all those asked for hold.
	actor      string
	actorSet   traitset.Set
	actorSince uint64
	ActorKnown bool
	actorUntil int64
}

// Outside is what a run asks of profiles other than the one at hand, and tells them.
type Outside interface {
	// Reach returns the state of a stored profile, which the run may change from here on.
	Reach(ref profile.Ref) *state.State
	// Look returns the state of a profile, to be read: as much of it as others ask for.
	Look(ref profile.Ref) *state.State
	// TruthOf returns what others know of a node of a profile.
	TruthOf(ref profile.Ref, n *network.Node) bool
	// MemberSince returns since when a profile is in an audience, as it was told; ok: it is.
	MemberSince(ref profile.Ref, audience string) (at int64, ok bool)
	// BatchDue notes that a batch audience is to be computed at an instant.
	BatchDue(at int64)
}

// TruthChange is a root's change of truth, from what it was.
type TruthChange struct {
	P    *state.State
	Node *network.Node
	Was  bool
}

// ValueChange is a computed trait's change of value.
type ValueChange struct {
	P        *state.State
	Node     *network.Node
	Old, New profile.Value
}

// Begin begins a run of p at an instant.
func (r *Run) Begin(ctx context.Context, p *state.State, t int64) {
	r.Ctx, r.At = ctx, t
	r.Truths, r.Values = reuse.Emptied(r.Truths), reuse.Emptied(r.Values)
	r.Stale = reuse.Emptied(r.Stale)
	r.Event, r.taken, r.takers = nil, reuse.Emptied(r.taken), reuse.Emptied(r.takers)
	r.actor, r.ActorKnown = "", false
	r.Switch(p)
}

// Switch makes p the profile at hand.
func (r *Run) Switch(p *state.State) {
	r.Profile = p
	if p != nil {
		r.Net = r.Nets[p.Ref.Subject]
	}
}

// Push marks nodes to be computed anew for the profile at hand.
func (r *Run) Push(nodes ...*network.Node) {
	for _, n := range nodes {
		r.Stale.push(entry{n, r.Profile})
	}
}

// AddEvent brings an event that just arrived to the leaves that it matches.
func (r *Run) AddEvent(ev *profile.Event) {
	if r.Profile.Ref.Subject == profile.User {
		r.Words.Events.Note(ev.Name)
	}
	for d := range r.Net.Dispatches(ev.Name) {
		r.dispatch(d, ev)
	}
}

// dispatch brings an event that just arrived to the leaves of one dispatch.
func (r *Run) dispatch(d *network.Dispatch, ev *profile.Event) {
	r.Take(ev)
	r.Event, r.takers = ev, append(r.takers, r.Profile)
	for _, u := range d.Plain {
		r.apply(u)
	}
	for _, ix := range d.Indexes {
		v, ok := ev.Properties.Lookup(ix.Key)
		if !ok {
			ix.Missing.Add(1)
			continue
		}
		for _, u := range ix.Find(v) {
			r.apply(u)
		}
	}
}

// Take makes ev the event that filters see.
func (r *Run) Take(ev *profile.Event) {
	r.Input.Name, r.Input.Time = ev.Name, ev.Time.UnixNano()
	r.Input.Properties, r.Input.Context = ev.Properties, ev.Context
	r.Taking = ev
	if ev.Profile != r.actor {
		r.actor, r.ActorKnown = ev.Profile, false
	}
}

func (r *Run) apply(u *network.Use) {
	if u.ReadsTraits {
		r.pushTargets(u) // they take the event when what they read is settled
		return
	}
	if !r.Passes(u, nil) {
		return
	}
	for _, to := range u.Targets {
		if r.Counts(to.Node) {
			r.feed(to)
		}
	}
}

func (r *Run) pushTargets(u *network.Use) {
	for _, to := range u.Targets {
		r.Push(to.Node)
	}
}

// Counts reports whether the event at hand is one of those that a leaf is about,
// its filter aside.
func (r *Run) Counts(n *network.Node) bool {
	return r.Taking.Seq > n.Since && (!n.Group || r.Taking.Account == r.Profile.Ref.ID)
}

// feed adds the event at hand to a leaf that it matches.
func (r *Run) feed(to network.Target) {
	n := to.Node
	if n.Kind != network.KindEvent || n.Distinct {
		r.collect(to)
		r.touch(n)
		return
	}
	c := r.Profile.Cell(n)
	old := c.Verdict()
	c.Add(&n.Count, r.Input.Time, r.At)
	v := c.At(&n.Count, r.At)
	r.put(n, c, v)
	r.mark(n, old, v, false)
}

// collect adds the event at hand to a leaf, without computing it.
func (r *Run) collect(to network.Target) {
	n := to.Node
	switch n.Kind {
	case network.KindFunnel:
		r.attempt(to)
		return
	case network.KindComputed:
		r.collectValues(n)
		return
	}
	if n.Distinct {
		r.collectValues(n)
		return
	}
	r.Profile.Cell(n).Add(&n.Count, r.Input.Time, r.At)
}

// collectValues adds what the event at hand has for a leaf that is about values.
func (r *Run) collectValues(n *network.Node) {
	a := r.Profile.Aggregate(n)
	for value := range r.ValuesFor(n) {
		a.Add(r.Input.Time, value, r.At)
	}
}

// ValuesFor yields what the event at hand has for a leaf that is about values: null once where it
// has none, several where they are of the elements of a list.
func (r *Run) ValuesFor(n *network.Node) iter.Seq[profile.Value] {
	return func(yield func(profile.Value) bool) {
		if n.Units != nil {
			yield(profile.IntValue(n.Units.Begin(r.Input.Time)))
			return
		}
		var from property.Fields = &r.Input.Properties
		if n.Source.OfUser {
			from = r.actorTraits(n)
		}
		if n.Source.Lists() {
			any := false
			for value := range n.Source.All(from) {
				if any = true; !yield(value) {
					return
				}
			}
			if !any {
				r.miss(n, from)
			}
			return
		}
		value := n.Source.Value(from)
		if n.Property != "" && value.IsNull() {
			r.miss(n, from)
		}
		yield(value)
	}
}

// miss notes that an event has no value for a leaf that is about some.
func (r *Run) miss(n *network.Node, from property.Fields) {
	if !r.Quiet && n.Misses.Add(1) == 1 {
		n.NoteMissing(from)
	}
}

// Recompute marks leaves that read traits to be computed anew: not at once, as
// each may read computed traits that change as well.
func (r *Run) Recompute(nodes ...*network.Node) {
	for _, n := range nodes {
		delete(r.Profile.Counts, n.ID)
		r.Push(n)
	}
}

// touch recomputes a node.
func (r *Run) touch(n *network.Node) {
	old := horizon.Always(n.Idle)
	if i, ok := r.Profile.Find(n.ID); ok {
		old = r.Profile.Cells[i].Verdict()
	}
	v, moved := r.compute(n)
	r.set(n, v)
	r.mark(n, old, v, moved)
}

// mark marks the node's parents if they may depend on how it changed.
func (r *Run) mark(n *network.Node, old, v horizon.Verdict, moved bool) {
	if r.At >= old.Until || v.True == old.True && v.Until >= old.Until && !moved {
		return
	}
	for _, parent := range n.Parents {
		if parent.ReadsTraits {
			delete(r.Profile.Counts, parent.ID)
		}
		r.Push(parent)
	}
}

// Walk recomputes what is marked, children before parents.
func (r *Run) Walk() {
	var last entry
	for len(r.Stale) > 0 {
		d := r.Stale.pop()
		if d == last {
			continue
		}
		last = d
		if r.Profile != d.p {
			r.Switch(d.p)
		}
		r.touch(d.n)
	}
}

// AskRoots asks the roots of the profile at hand that have run out.
func (r *Run) AskRoots() {
	if r.Profile.Wake > r.At {
		return
	}
	// By index: asking may make cells. A cell made meanwhile is fresh.
	for i := 0; i < len(r.Profile.Cells); i++ {
		if id := r.Profile.Nodes[i]; r.Profile.Cells[i].Until <= r.At && r.Net.Root[id] {
			r.Ask(r.Net.Nodes[id])
		}
	}
	r.Profile.Wake = horizon.Never
	for i := range r.Profile.Cells {
		if until := r.Profile.Cells[i].Until; until < r.Profile.Wake && r.Net.Root[r.Profile.Nodes[i]] {
			r.Profile.Wake = until
		}
	}
}

// Ask returns the node's verdict at t.
func (r *Run) Ask(n *network.Node) horizon.Verdict {
	i, ok := r.Profile.Find(n.ID)
	if !ok {
		return horizon.Always(n.Idle)
	}
	if c := &r.Profile.Cells[i]; r.At < c.Until {
		return c.Verdict()
	}
	v, _ := r.compute(n)
	r.set(n, v)
	return v
}

// set records a verdict.
func (r *Run) set(n *network.Node, v horizon.Verdict) {
	if i, ok := r.Profile.Find(n.ID); ok {
		r.put(n, &r.Profile.Cells[i], v)
	} else if v != horizon.Always(n.Idle) {
		r.put(n, r.Profile.Cell(n), v)
	}
}

// put records a verdict in the node's cell; a root's also as a change and as
// the profile's next wake.
func (r *Run) put(n *network.Node, c *state.Cell, v horizon.Verdict) {
	was := c.Truth
	c.Truth, c.Until = v.True, v.Until
	if !r.Net.Root[n.ID] {
		return
	}
	r.Profile.Wake = min(r.Profile.Wake, v.Until)
	if was != v.True {
		r.Truths = append(r.Truths, TruthChange{r.Profile, n, was})
		if n.Latches > 0 {
			r.noteFlip(n)
		}
		r.endTenures(n, v.True)
		if len(n.Across) > 0 {
			r.PropagateAcross(n)
		}
	}
}
