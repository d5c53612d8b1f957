package destination

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// backfill subscribes, then queues the present members.
//
// The store changes before the callback tells of it, so a member that is read
// here is at least as new as all callbacks until then, unless the iterator read
// ahead. Of a pair that a callback told of it is therefore the callbacks that
// count; there are all of them from the subscription on, and the last is the
// truth. Those that tell of the time before a member entered are passed over by
// the ledger.
func (c *Connection) backfill(ctx context.Context) error {
	gone, err := c.seed()
	if err != nil {
		return err
	}
	c.cancel = c.hub.source.Subscribe(c.hear)
	keys, err := c.audiences()
	if err != nil {
		return err
	}
	for _, key := range keys {
		for m, err := range c.hub.source.Members(ctx, key) {
			if err == nil {
				err = ctx.Err()
			}
			if errors.Is(err, profile.ErrNotFound) {
				break // deleted meanwhile: the callbacks tell the exits
			}
			if err != nil {
				return fmt.Errorf("members of %q: %w", key, err)
			}
			c.present(m, gone)
		}
	}
	c.absent(gone)
	return nil
}

// audiences returns the keys of the audiences that there are and that are sent.
func (c *Connection) audiences() (keys []string, err error) {
	defs := c.hub.source.List()
	c.learnAll(defs)
	for _, d := range defs {
		if c.wants(d.Key) {
			keys = append(keys, d.Key)
		}
	}
	for key := range c.wanted {
		if !slices.Contains(keys, key) {
			return nil, fmt.Errorf("audience %q: %w", key, profile.ErrNotFound)
		}
	}
	return keys, nil
}

// seed enters what the receiver was told, what it may not have got as batches to
// be sent before anything else. It returns the members that it has.
func (c *Connection) seed() (map[pair]struct{}, error) {
	seeds := map[pair]struct{}{}
	if c.cfg.Known == nil {
		return seeds, nil
	}
	c.learnAll(c.hub.source.List())
	c.mu.Lock()
	defer c.mu.Unlock()
	var unsure []item
	for s := range c.cfg.Known {
		if err := s.validate(); err != nil {
			return nil, fmt.Errorf("known state of %s %q in %q: %w", s.Ref.Subject, s.Ref.ID, s.Audience, err)
		}
		if !c.wants(s.Audience) || !c.takes(s.Audience, s.Ref.Subject) {
			continue
		}
		it := c.ledger.restore(&s)
		if it.entered {
			seeds[it.pair] = struct{}{}
		}
		if s.Unsure {
			unsure = append(unsure, it)
		}
	}
	for items := range slices.Chunk(unsure, c.cfg.BatchSize) {
		c.flights = append(c.flights, &flight{items: items})
	}
	return seeds, nil
}

func (s *State) validate() error {
	if s.Ref.Subject > profile.Account || s.Type > audience.Exited {
		return fmt.Errorf("%w: subject %d, type %d", profile.ErrInvalid, s.Ref.Subject, s.Type)
	}
	return cmp.Or(profile.CheckID("audience", s.Audience), profile.CheckID("profile id", s.Ref.ID), profile.CheckTime(s.At))
}

// present queues a member. What is in gone is in there no more.
func (c *Connection) present(m profile.Membership, gone map[pair]struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.takes(m.Audience, m.Ref.Subject) {
		return
	}
	p := c.ledger.pairOf(m.Audience, m.Ref)
	delete(gone, p)
	if _, is := c.touched[p]; is {
		return
	}
	at := m.Since.UnixNano()
	if k, known := c.ledger.known[p]; known {
		if k.at != at {
			c.ledger.known[p] = mark{at: at}
		}
		return
	}
	c.ledger.record(p, true, at, true)
}

// absent queues the exits of what the receiver has and is not there.
func (c *Connection) absent(gone map[pair]struct{}) {
	now := c.hub.clock.Now().UnixNano()
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := range gone {
		if _, is := c.touched[p]; !is {
			c.ledger.record(p, false, max(now, c.ledger.known[p].at), true)
		}
	}
}
