package audience

import (
	"slices"

	"github.com/muster-go/muster/profile"
)

// A change of one profile changes others only by way of nodes that others look at, and asks
// for others only by way of nodes that look at them. Which nodes of users have one of these
// above them is found once, when the networks have changed.

// confinesEvent reports whether nothing that an event of a name changes of a user
// depends on other profiles, or others on it.
func (net *network) confinesEvent(name string) bool {
	d := net.events[name]
	if d == nil {
		return true
	}
	for _, u := range d.uses {
		for _, to := range u.targets {
			if to.node.joint {
				return false
			}
		}
	}
	return true
}

// confinesTraits is confinesEvent for traits that are set.
func (net *network) confinesTraits(traits profile.Object) bool {
	is := func(n *node) bool { return n.joint }
	if slices.ContainsFunc(net.allTrait, is) {
		return false
	}
	for name := range traits.All() {
		if slices.ContainsFunc(net.traits[name], is) {
			return false
		}
	}
	return true
}

// alone says what stays with its profile.
type alone struct {
	accounts bool // what time changes of an account
	timers   bool // and what it changes of a user, too
}

// rejoin finds out anew which nodes of users are joint, if nodes came or went so that it may
// be others.
func (nets *networks) rejoin(a *alone) {
	users, accounts := nets[profile.User], nets[profile.Account]
	if !users.rejoin && !accounts.rejoin {
		return
	}
	users.rejoin, accounts.rejoin = false, false
	a.accounts = len(users.linked) == 0 &&
		!slices.ContainsFunc(accounts.nodes, func(n *node) bool { return n != nil && n.readsTraits })
	known := map[*node]bool{}
	users.joint = 0
	for _, n := range users.nodes {
		if n == nil {
			continue
		}
		if n.joint = isJoint(n, known); n.joint {
			users.joint++
		}
	}
	a.timers = a.accounts && users.joint == 0
}

// isJoint reports whether a change of a node of users, or of what depends on it, may
// change other profiles or ask for them.
func isJoint(n *node, known map[*node]bool) bool {
	joint, is := known[n]
	if is {
		return joint
	}
	joint = len(n.across) > 0 || n.linked // what has run out below it is computed with it
	for _, parent := range n.parents {
		joint = joint || isJoint(parent, known)
	}
	known[n] = joint
	return joint
}
