package destination

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
)

// backfill goes on where a former connection was, if there was one, subscribes, and queues
// the present members and values of what was not queued yet. was says that there was one.
//
// The store changes before the callback tells of it, so what is read here is at
// least as new as all callbacks until then, unless the snapshot is older than the
// last of them. Of a pair that a callback told of it is therefore the callbacks
// that count; there are all of them from the subscription on, and the last is the
// truth. Those that tell of the time before what is read here are passed over by
// the ledger.
//
// What is read is kept as it comes, and then that it was: if the process ends in between
// it is read again, which changes nothing of what is there.
func (c *Connection) backfill(ctx context.Context) (was bool, err error) {
	if was, err = c.load(ctx); err != nil {
		return true, err // or not: then there is nothing to forget
	}
	stop, err := c.hub.source.SubscribeDurable(ctx, c.subscriber, c.hear)
	if err != nil {
		return true, err
	}
	c.stop = stop
	return was, c.fill(ctx)
}

// fill queues the members of what was not queued yet.
func (c *Connection) fill(ctx context.Context) error {
	keys, err := c.sent()
	if err != nil {
		return err
	}
	keys = slices.DeleteFunc(keys, func(k key) bool { return c.filled[k] })
	if len(keys) == 0 {
		return c.keep(ctx)
	}
	gone := c.seed(keys)
	snapshot, err := c.hub.source.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snapshot.Close()
	n := c.namer(ctx, snapshot)
	for _, k := range keys {
		if err := c.present(n, k, gone); err != nil {
			return fmt.Errorf("members of %q: %w", k.name, err)
		}
	}
	c.absent(gone)
	c.mu.Lock()
	for _, k := range keys {
		c.filled[k], c.unkeptFilled[k] = true, true
	}
	c.unkeptSchedule = true
	c.mu.Unlock()
	return c.keep(ctx)
}

// sent returns the keys that there are of what is sent: audiences, then traits.
func (c *Connection) sent() (keys []key, err error) {
	defs := c.hub.source.List()
	c.learnAll(defs)
	for _, d := range defs {
		keys = append(keys, key{name: d.Key})
	}
	for _, t := range c.hub.source.ListTraits() {
		keys = append(keys, key{t.Key, true})
	}
	keys = slices.DeleteFunc(keys, func(k key) bool { return !c.wants(k) })
	for k := range c.wanted {
		if k.name != All && !slices.Contains(keys, k) {
			return nil, fmt.Errorf("%s: %w", k, profile.ErrNotFound)
		}
	}
	for _, k := range keys {
		if err := c.cfg.checkNames(k); err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
	}
	return keys, nil
}

// String returns, say, `audience "vips"`.
func (k key) String() string {
	if k.trait {
		return fmt.Sprintf("trait %q", k.name)
	}
	return fmt.Sprintf("audience %q", k.name)
}

// seed returns the pairs of keys of which the receiver was told, or is to be.
func (c *Connection) seed(keys []key) map[pair]struct{} {
	seeds, of := map[pair]struct{}{}, map[uint32]bool{}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range keys {
		if number, is := c.ledger.numbers[k]; is {
			of[number] = true
		}
	}
	c.ledger.known.Scan(func(r row) bool {
		if of[r.pair.key] {
			seeds[r.pair] = struct{}{}
		}
		return true
	})
	for p := range c.ledger.changes {
		if of[p.key] {
			seeds[p] = struct{}{}
		}
	}
	return seeds
}

// present queues the members of an audience, or the values of a trait. What is in
// gone is in there no more.
func (c *Connection) present(n *namer, k key, gone map[pair]struct{}) error {
	if k.trait {
		for v, err := range n.Values(n.ctx, k.name, "") {
			if err = cmp.Or(err, n.ctx.Err()); err == nil {
				err = c.presentOne(n, k, v.Ref, valued(v.Value), v.Since, gone)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	for m, err := range n.Members(n.ctx, k.name, "") {
		if err = cmp.Or(err, n.ctx.Err()); err == nil {
			err = c.presentOne(n, k, m.Ref, state{in: true}, m.Since, gone)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keepEvery is of how many pairs what is queued is kept at once.
const keepEvery = 1000

func (c *Connection) presentOne(n *namer, k key, ref profile.Ref, s state, since time.Time, gone map[pair]struct{}) error {
	c.mu.Lock()
	much := len(c.ledger.dirty) >= keepEvery
	c.mu.Unlock()
	if much {
		if err := c.keep(n.ctx); err != nil {
			return err
		}
	}
	c.mu.Lock()
	takes, p := c.takes(k, ref.Subject), c.ledger.pairOf(k, ref)
	_, known := c.ledger.get(p)
	c.mu.Unlock()
	if !takes {
		return nil
	}
	delete(gone, p)
	var name Identity
	if known {
		var err error
		if name, err = n.nameOf(ref); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, is := c.touched[p]; is {
		c.ledger.lookAt(p) // callbacks before the first that was heard are not known
		return nil
	}
	at := since.UnixNano()
	if !known {
		c.ledger.record(p, s, at)
		return nil
	}
	t, _ := c.ledger.get(p)
	if t.at != at && t.state().equal(s) {
		t.mark = mark{at: at}
		c.ledger.set(p, t)
	}
	c.ledger.record(p, s, max(at, t.at))
	// It may have got ids meanwhile, or been deleted and be there anew.
	if told := t.identities(p); len(told) > 1 || !told[0].equal(&name) {
		c.ledger.lookAt(p)
	}
	return nil
}

// absent queues the exits of what the receiver has and is not there.
func (c *Connection) absent(gone map[pair]struct{}) {
	now := c.hub.now().UnixNano()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range slices.SortedFunc(maps.Keys(gone), pair.compare) {
		if _, is := c.touched[p]; !is {
			t, _ := c.ledger.get(p)
			c.ledger.record(p, state{}, max(now, t.at))
		}
		c.ledger.lookAt(p) // it may come back under other ids
	}
}
