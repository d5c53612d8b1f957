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
	if c.cfg.Accounts != GroupCalls || k.trait {
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

// subscribe has the connection hear of all that changes.
func (c *Connection) subscribe() (cancel func(), err error) {
	var cancels []func()
	cancel = func() {
		for _, cancel := range cancels {
			cancel()
		}
	}
	for _, subscribe := range [...]func() (func(), error){
		func() (func(), error) { return c.hub.source.Subscribe(c.hear) },
		func() (func(), error) { return c.hub.source.SubscribeIDs(c.hearIDs) },
		func() (func(), error) {
			if len(c.cfg.Traits) == 0 {
				return func() {}, nil
			}
			return c.hub.source.SubscribeTraits(c.hearTrait)
		},
	} {
		end, err := subscribe()
		if err != nil {
			cancel()
			return nil, err
		}
		cancels = append(cancels, end)
	}
	return cancel, nil
}

// hear is told of the transitions.
func (c *Connection) hear(_ context.Context, t audience.Transition) error {
	c.note(key{name: t.Audience}, t.Ref(), state{in: t.Type == audience.Entered}, t.At.UnixNano())
	return nil
}

// hearTrait is told of the values of computed traits.
func (c *Connection) hearTrait(_ context.Context, t audience.TraitChange) error {
	c.note(key{name: t.Trait, trait: true}, t.Profile, valued(t.New), t.At.UnixNano())
	return nil
}

// valued returns the state of a pair whose trait has a value; null is none.
func valued(v profile.Value) state {
	if v.IsNull() {
		return state{}
	}
	return state{in: true, value: &v}
}

// hearIDs is told of profiles that have got ids.
func (c *Connection) hearIDs(_ context.Context, t audience.IDChange) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ids++; c.state != closed {
		c.queue(func() { c.ledger.lookAtAll(t.Profile) })
		if c.touched != nil {
			c.renamed = append(c.renamed, t.Profile)
		}
	}
	return nil
}

// note queues what has become of a pair. It waits for nothing: what is queued is
// one change a pair at most, however long the receiver takes.
func (c *Connection) note(k key, ref profile.Ref, to state, at int64) {
	if !c.wants(k) {
		return
	}
	c.learn(k)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == closed || !c.takes(k, ref.Subject) {
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
