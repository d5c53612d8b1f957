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
		if d.joint {
			return false
		}
	}
	return true
}

// findJoint notes whether one of the leaves is joint: it is asked for with each event.
func (d *Dispatch) findJoint() {
	d.joint = slices.ContainsFunc(d.All, func(u *Use) bool {
		return slices.ContainsFunc(u.Targets, func(to Target) bool { return to.Node.Joint })
	})
}

// ConfinesTraits is ConfinesEvent for traits that are set.
func (net *Network) ConfinesTraits(traits profile.Object) bool {
	is := func(n *Node) bool { return n.Joint }
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

// Rejoin finds out anew which nodes of users are joint, if nodes came or went so that it may
// be others.
func (nets *Networks) Rejoin(a *Alone) {
	users, accounts := nets[profile.User], nets[profile.Account]
	if !users.rejoin && !accounts.rejoin {
		return
	}
	users.rejoin, accounts.rejoin = false, false
	a.Accounts = len(users.Linked) == 0 &&
		!slices.ContainsFunc(accounts.Nodes, func(n *Node) bool { return n != nil && n.ReadsTraits })
	known := map[*Node]bool{}
	users.Joint = 0
	for _, n := range users.Nodes {
		if n == nil {
			continue
		}
		if n.Joint = isJoint(n, known); n.Joint {
			users.Joint++
		}
	}
	for _, d := range users.named {
		d.findJoint()
	}
	for _, p := range users.prefixes {
		p.d.findJoint()
	}
	a.Timers = a.Accounts && users.Joint == 0
}

// isJoint reports whether a change of a node of users, or of what depends on it, may
// change other profiles or ask for them.
func isJoint(n *Node, known map[*Node]bool) bool {
	joint, is := known[n]
	if is {
		return joint
	}
	joint = len(n.Across) > 0 || n.Linked // what has run out below it is computed with it
	for _, parent := range n.Parents {
		joint = joint || isJoint(parent, known)
	}
	known[n] = joint
	return joint
}
