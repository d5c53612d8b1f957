package destination

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/muster-go/muster/profile"
)

// Connection is a destination that is connected to a hub. It is safe for
// concurrent use.
type Connection struct {
	hub        *Hub
	dest       Destination
	cfg        Config
	wanted     map[key]bool // what is sent
	subscriber string       // its name
	stop       func()       // of the subscription

	delivering chan struct{}   // holds one token, for whoever delivers
	wake       chan struct{}   // tells run that there is something to send
	alive      context.Context // ends when deliveries are to be broken off
	kill       context.CancelFunc
	done       chan struct{} // closed by Close
	loop       sync.WaitGroup

	keeping sync.Mutex   // before mu; held while something is kept
	kept    profile.Mark // of what was kept last

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

	heard          uint64       // the last notice that is in the ledger
	filled         map[key]bool // whose members were queued
	unkeptFilled   map[key]bool // of which that is to be kept
	unkeptSchedule bool
	unkeptFlight   bool
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
		hub:          h,
		dest:         d,
		cfg:          cfg,
		subscriber:   subscriberOf(d.Type()),
		stop:         func() {},
		delivering:   make(chan struct{}, 1),
		wake:         make(chan struct{}, 1),
		done:         make(chan struct{}),
		ledger:       newLedger(),
		touched:      map[pair]struct{}{},
		filled:       map[key]bool{},
		unkeptFilled: map[key]bool{},
		accounts:     map[string]bool{},
		wanted:       map[key]bool{{name: All}: cfg.Audiences == nil},
	}
	for _, name := range cfg.Audiences {
		c.wanted[key{name: name}] = true
	}
	for _, name := range cfg.Traits {
		c.wanted[key{name, true}] = true
	}
	c.ledger.dirty = map[pair]struct{}{}
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

// open ends connecting.
func (c *Connection) open() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = open
	c.touched, c.renamed = nil, nil
	// A shorter interval than before counts at once.
	latest := c.hub.now().Add(c.cfg.Interval)
	if c.nextSync.IsZero() {
		c.nextSync = c.hub.now()
	} else if c.nextSync.After(latest) {
		c.nextSync = latest
	}
}

func (c *Connection) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == open
}

// Close ends the connection, for this process: its type is free again, and what it was
// told and what waits stay in the store, where the next Connect of the type goes on. So
// nothing is sent any more; but a delivery under way is waited for until ctx is done. When
// Close returns no goroutine of the connection is left; so it must not be called from
// within Destination.Deliver. Closing again does nothing.
func (c *Connection) Close(ctx context.Context) error {
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
	// Another caller may still be delivering.
	c.delivering <- struct{}{}
	<-c.delivering
	c.kill()
	c.stop()
	err := c.keep(context.WithoutCancel(ctx))
	c.hub.remove(c)
	if closer, ok := c.dest.(io.Closer); ok {
		err = errors.Join(err, closer.Close())
	}
	return err
}
