package destination

import (
	"context"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// wants reports whether an audience is sent.
func (c *Connection) wants(key string) bool { return c.wanted == nil || c.wanted[key] }

// takes reports whether memberships of a subject in an audience are sent. c.mu
// is held.
func (c *Connection) takes(key string, of profile.Subject) bool {
	switch {
	case c.cfg.Accounts == GroupAndUserCalls:
		return true
	case of == profile.Account:
		return c.cfg.Accounts == GroupCalls
	}
	return c.cfg.Accounts == UserCalls || !c.accounts[key]
}

// learn finds out of what audiences are, where that is needed.
func (c *Connection) learn(key string) {
	if c.cfg.Accounts != GroupCalls {
		return
	}
	c.mu.Lock()
	_, known := c.accounts[key]
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

// hear is the callback of the subscription.
func (c *Connection) hear(ctx context.Context, t audience.Transition) error {
	if !c.wants(t.Audience) {
		return nil
	}
	c.learn(t.Audience)
	c.mu.Lock()
	if c.state == closed || !c.takes(t.Audience, t.Subject) {
		c.mu.Unlock()
		return nil
	}
	p := c.ledger.pairOf(t.Audience, profile.Ref{Subject: t.Subject, ID: t.Profile})
	if c.state == connecting {
		c.touched[p] = struct{}{}
	}
	idle, full := len(c.ledger.changes) == 0, c.full()
	c.ledger.record(p, t.Type == audience.Entered, t.At.UnixNano(), false)
	if full && !c.full() {
		c.makeRoom()
	}
	if idle && len(c.ledger.changes) > 0 {
		c.schedule()
		c.poke()
	}
	c.mu.Unlock()
	c.awaitRoom(ctx)
	return nil
}

// schedule sets the sync in which the first change that waits is sent: the first
// after now of those that are an interval apart. c.mu is held.
func (c *Connection) schedule() {
	late := c.hub.clock.Now().Sub(c.nextSync)
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

// awaitRoom waits while the queue is full and a loop is there to empty it. A
// callback that a delivery caused does not wait: it may be what the loop waits
// for.
func (c *Connection) awaitRoom(ctx context.Context) {
	for ctx.Value(deliveringKey{}) == nil {
		c.mu.Lock()
		full, room := c.running && c.full(), c.room
		c.mu.Unlock()
		if !full {
			return
		}
		select {
		case <-room:
		case <-ctx.Done():
			return
		}
	}
}

// full reports whether callbacks have to wait. c.mu is held.
func (c *Connection) full() bool { return c.ledger.counted > c.cfg.MaxQueued }

// makeRoom lets callbacks look whether there is room. c.mu is held.
func (c *Connection) makeRoom() {
	close(c.room)
	c.room = make(chan struct{})
}
