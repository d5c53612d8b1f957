package destination

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/muster-go/muster/profile"
)

// Connection is a destination that is connected to a hub. It is safe for
// concurrent use.
type Connection struct {
	hub    *Hub
	dest   Destination
	cfg    Config
	wanted map[key]bool // what is sent
	cancel func()       // of the subscription

	delivering chan struct{}   // holds one token, for whoever delivers
	wake       chan struct{}   // tells run that there is something to send
	alive      context.Context // ends when deliveries are to be broken off
	kill       context.CancelFunc
	done       chan struct{} // closed by Close
	loop       sync.WaitGroup

	mu       sync.Mutex
	state    connectionState
	ledger   ledger
	ids      uint64            // how often profiles got ids
	touched  map[pair]struct{} // the pairs of which callbacks told since the snapshot that is read was asked for
	renamed  []profile.Ref     // and the profiles that got ids
	accounts map[string]bool   // whether audiences are of accounts
	nextSync time.Time         // begin of the next sync, at the earliest
	cut      uint64            // the last change of the sync that is under way; 0: none is
	flights  []*flight         // batches on their way, the first one first
	retryAt  time.Time         // of the first flight
	stats    Stats
}

type connectionState uint8

const (
	connecting connectionState = iota
	open
	closed
)

// Stats are figures of a connection since it was made. A change is one
// membership, or value of a trait, that differs from what the receiver was told
// last, or of whom there are new ids to tell.
type Stats struct {
	Queued      int       // changes that wait
	InFlight    int       // changes in the batch that is being sent, or sent again
	Known       int       // members and values that the receiver has, taken that what is in flight arrives
	Sent        uint64    // changes that were accepted
	Batches     uint64    // batches that were accepted
	Refused     uint64    // changes that were refused for good, and given up
	Folded      uint64    // changes that became unnecessary while they waited
	Failures    uint64    // attempts that failed
	Retries     uint64    // attempts that were not the first with their batch
	LastError   error     // of the last attempt that failed, or nil
	LastErrorAt time.Time // when that was
	NextSync    time.Time // when something is due next; zero if nothing waits
}

func newConnection(h *Hub, d Destination, cfg Config) *Connection {
	c := &Connection{
		hub:        h,
		dest:       d,
		cfg:        cfg,
		cancel:     func() {},
		delivering: make(chan struct{}, 1),
		wake:       make(chan struct{}, 1),
		done:       make(chan struct{}),
		ledger:     newLedger(),
		touched:    map[pair]struct{}{},
		accounts:   map[string]bool{},
		wanted:     map[key]bool{{name: All}: cfg.Audiences == nil},
	}
	for _, name := range cfg.Audiences {
		c.wanted[key{name: name}] = true
	}
	for _, name := range cfg.Traits {
		c.wanted[key{name, true}] = true
	}
	c.alive, c.kill = context.WithCancel(context.Background())
	return c
}

// Type returns the type of the destination.
func (c *Connection) Type() string { return c.dest.Type() }

// Stats returns the present figures.
func (c *Connection) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Queued = len(c.ledger.changes)
	for _, f := range c.flights {
		s.InFlight += len(f.told)
		if f.told == nil {
			for _, p := range f.pairs {
				if _, waits := c.ledger.changes[p]; waits {
					s.InFlight++
					s.Queued--
				}
			}
		}
	}
	s.Known = c.ledger.known.Len()
	s.Folded = c.ledger.folded
	s.NextSync = c.due(c.hub.now())
	return s
}

// Known yields what the receiver was told, as of the call, for Config.Known:
// in no order, the members and values that it has, those that ended lately, even if
// they began anew since, and what was on its way. It works on a closed connection too.
func (c *Connection) Known() iter.Seq[State] {
	return func(yield func(State) bool) {
		for _, s := range c.states() {
			if !yield(s) {
				return
			}
		}
	}
}

func (c *Connection) states() []State {
	c.mu.Lock()
	defer c.mu.Unlock()
	states := make([]State, 0, c.ledger.known.Len())
	seen := map[pair]bool{}
	for _, f := range c.flights {
		for _, t := range f.calls {
			if !seen[t.pair] {
				states = append(states, c.ledger.export(t.pair, c.ledger.either(f.undo[t.pair], t), t.entry))
			}
			seen[t.pair] = true
		}
	}
	c.ledger.known.Scan(func(r row) bool {
		if !seen[r.pair] {
			change, known := c.ledger.changes[r.pair], r.told
			if known.doubt && !change.again {
				known.number++ // what it has by the present mark it would not take again
			}
			states = append(states, c.ledger.export(r.pair, known, change.to.in || !change.again))
		}
		seen[r.pair] = true
		return true
	})
	for _, exits := range c.ledger.exits {
		for p, m := range exits {
			states = append(states, c.ledger.export(p, told{mark: m}, false))
		}
	}
	return states
}

// either returns what the receiver has of a pair if a call of a flight did arrive
// or did not.
func (l *ledger) either(was before, now call) told {
	t, known := l.get(now.pair)
	if !known {
		t = told{value: was.told.value}
	}
	if was.known {
		var list []Identity
		if known {
			list = t.identities(now.pair)
		}
		for _, i := range was.told.identities(now.pair) {
			t.name(now.pair, list, i)
			list = t.identities(now.pair)
		}
	}
	t.mark, t.doubt = now.mark, true
	return t
}

// open ends connecting.
func (c *Connection) open() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = open
	c.touched, c.renamed = nil, nil
	c.nextSync = c.hub.now()
}

func (c *Connection) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == open
}

// Close ends the connection; its type is free again. What waits is sent first,
// as by Flush, until ctx is done: with a ctx that is done already nothing is
// sent. A delivery under way is waited for until then. An *UnsentError says how
// much is left. When Close returns no goroutine of the connection is left; so it
// must not be called from within Destination.Deliver. Closing again does nothing.
func (c *Connection) Close(ctx context.Context) error {
	c.cancel()
	c.mu.Lock()
	was := c.state
	c.state = closed
	c.mu.Unlock()
	if was != open {
		return nil
	}
	close(c.done)
	defer context.AfterFunc(ctx, c.kill)()
	c.loop.Wait()
	unsent := &UnsentError{Type: c.dest.Type()}
	if ctx.Err() == nil {
		unsent.Err = c.flush(ctx)
	}
	c.kill()
	// Another caller may still be delivering.
	c.delivering <- struct{}{}
	<-c.delivering
	c.hub.remove(c)
	var err error
	if closer, ok := c.dest.(io.Closer); ok {
		err = closer.Close()
	}
	s := c.Stats()
	if unsent.Changes = s.Queued + s.InFlight; unsent.Changes > 0 {
		return errors.Join(unsent, err)
	}
	return err
}
