package network

import (
	"slices"

	"github.com/muster-go/muster/profile"
)

// A change of one profile changes others only by way of nodes that others look at, and asks
// for others only by way of nodes that look at them. Which nodes of users have one of these
// above them is found once, when the networks have changed.

// ConfinesEvent reports whether nothing that an event of a name changes of a user
// depends on other profiles, or others on it.
func (net *Network) ConfinesEvent(name string) bool {
	for d := range net.Dispatches(name) {
		if d.crosses {
			return false
		}
	}
	return true
}

// findCrosses notes whether one of the leaves crosses: it is asked for with each event.
func (d *Dispatch) findCrosses() {
	d.crosses = slices.ContainsFunc(d.All, func(u *Use) bool {
		return slices.ContainsFunc(u.Targets, func(to Target) bool { return to.Node.Crosses })
	})
}

// ConfinesTraits is ConfinesEvent for traits that are set.
func (net *Network) ConfinesTraits(traits profile.Object) bool {
	is := func(n *Node) bool { return n.Crosses }
	if slices.ContainsFunc(net.AllTrait, is) {
		return false
	}
	for name := range traits.All() {
		if slices.ContainsFunc(net.Traits[name], is) {
			return false
		}
	}
	return true
}

// Alone says what stays with its profile.
type Alone struct {
	Accounts bool // what time changes of an account
	Timers   bool // and what it changes of a user, too
}

// FindCrosses finds out anew which nodes of users cross, if nodes came or went so that it may be
// others.
func (nets *Networks) FindCrosses(a *Alone) {
	users, accounts := nets[profile.User], nets[profile.Account]
	if !users.recross && !accounts.recross {
		return
	}
	users.recross, accounts.recross = false, false
	a.Accounts = len(users.Linked) == 0 &&
		!slices.ContainsFunc(accounts.Nodes, func(n *Node) bool { return n != nil && n.ReadsTraits })
	known := map[*Node]bool{}
	users.Crosses = 0
	for _, n := range users.Nodes {
		if n == nil {
			continue
		}
		if n.Crosses = crosses(n, known); n.Crosses {
			users.Crosses++
		}
	}
	for _, d := range users.named {
		d.findCrosses()
	}
	for _, p := range users.prefixes {
		p.d.findCrosses()
	}
	a.Timers = a.Accounts && users.Crosses == 0
}

// crosses reports whether a change of a node of users, or of what depends on it, may
// change other profiles or ask for them.
func crosses(n *Node, known map[*Node]bool) bool {
	does, is := known[n]
	if is {
		return does
	}
	does = len(n.Across) > 0 || n.Linked // what has run out below it is computed with it
	for _, parent := range n.Parents {
		does = does || crosses(parent, known)
	}
	known[n] = does
	return does
}
