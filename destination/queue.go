package destination

import (
	"context"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// wants reports whether an audience or a computed trait is sent.
func (c *Connection) wants(k key) bool {
	return c.wanted[k] || c.wanted[key{All, k.trait}]
}

// takes reports whether what concerns a subject is sent of an audience or trait.
// c.mu is held.
func (c *Connection) takes(k key, of profile.Subject) bool {
	switch {
	case c.cfg.Accounts == GroupAndUserCalls:
		return true
	case of == profile.Account:
		return c.cfg.Accounts == GroupCalls
	}
	return c.cfg.Accounts == UserCalls || k.trait || !c.accounts[k.name]
}

// learn finds out of what audiences are, where that is needed.
func (c *Connection) learn(k key) {
	if c.cfg.Accounts != GroupCalls || k.trait || !c.wants(k) {
		return
	}
	c.mu.Lock()
	_, known := c.accounts[k.name]
	c.mu.Unlock()
	if !known {
		c.learnAll(c.hub.source.List())
	}
}

func (c *Connection) learnAll(defs []audience.Definition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range defs {
		c.accounts[d.Key] = d.Of == profile.Account
	}
}

// hear is told of all that changes. What comes of it is kept before it returns; what was
// heard before, and could not be kept, is only kept.
func (c *Connection) hear(ctx context.Context, n audience.Notice) error {
	var k key
	switch {
	case n.Transition != nil:
		k = key{name: n.Transition.Audience}
		c.learn(k)
	case n.TraitChange != nil:
		k = key{n.TraitChange.Trait, true}
	}
	c.mu.Lock()
	if n.ID > c.heard {
		c.heard = n.ID
		switch {
		case n.IDChange != nil:
			c.note(n.IDChange)
		case n.TraitChange != nil:
			c.record(k, n.TraitChange.Profile, valued(n.TraitChange.New), n.TraitChange.At.UnixNano())
		default:
			t := n.Transition
			c.record(k, t.Ref(), state{in: t.Type == audience.Entered}, t.At.UnixNano())
		}
	}
	c.mu.Unlock()
	return c.keep(ctx)
}

// valued returns the state of a pair whose trait has a value; null is none.
func valued(v profile.Value) state {
	if v.IsNull() {
		return state{}
	}
	return state{in: true, value: &v}
}

// note takes note that a profile has got ids. c.mu is held.
func (c *Connection) note(t *audience.IDChange) {
	c.ids++
	c.queue(func() { c.ledger.lookAtAll(t.Profile) })
	if c.touched != nil {
		c.renamed = append(c.renamed, t.Profile)
	}
}

// record queues what has become of a pair. What is queued is one change a pair at most,
// however long the receiver takes. c.mu is held.
func (c *Connection) record(k key, ref profile.Ref, to state, at int64) {
	if !c.wants(k) || !c.takes(k, ref.Subject) {
		return
	}
	p := c.ledger.pairOf(k, ref)
	if c.touched != nil {
		c.touched[p] = struct{}{}
	}
	c.queue(func() { c.ledger.record(p, to, at) })
}

// queue changes what waits, and sees to it that it is sent. c.mu is held.
func (c *Connection) queue(change func()) {
	idle := c.ledger.order.Len() == 0
	change()
	if idle && c.ledger.order.Len() > 0 {
		c.schedule()
		c.poke()
	}
}

// schedule sets the sync in which the first change that waits is sent: the first
// after now of those that are an interval apart. c.mu is held.
func (c *Connection) schedule() {
	late := c.hub.now().Sub(c.nextSync)
	if every := c.cfg.Interval; every > 0 && c.cut == 0 && late > 0 && c.state == open {
		c.nextSync = c.nextSync.Add((late + every - 1) / every * every)
	}
}

// poke tells run to look again.
func (c *Connection) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
