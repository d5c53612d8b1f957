package destination

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Source is what a hub needs of an *audience.Engine: what time it is, what there
// is, and what changes. The hub is closed before the engine.
type Source interface {
	Now() time.Time
	List() []audience.Definition
	ListTraits() []trait.Computed
	Snapshot(context.Context) (profile.Snapshot, error)
	SubscribeDurable(ctx context.Context, name string, fn audience.DurableCallback) (stop func(), err error)
	RemoveSubscriber(ctx context.Context, name string) error
	CatchUp(ctx context.Context, name string) error
	Keep(ctx context.Context, name string, upTo uint64, records ...profile.Record) (profile.Mark, error)
	Durable(context.Context, profile.Mark) error
}

// Options of a hub; the zero value is fine.
type Options struct {
	// OnError is told of attempts that failed, by a *DeliveryError; but of a
	// batch that goes on in halves not before those do. It is told, too, what could not
	// be kept in the store, and is tried again. It must not block; nil ignores them.
	OnError func(error)
}

// Hub connects destinations to a source. It is safe for concurrent use.
type Hub struct {
	source  Source
	onError func(error)

	mu      sync.Mutex
	conns   map[string]*Connection // by type
	running *sync.WaitGroup        // of the connections' loops, while Run runs
	runs    context.Context        // of Run
	closed  bool
	done    chan struct{}
}

// NewHub returns a hub with no connection.
func NewHub(source Source, opts Options) *Hub {
	return &Hub{
		source:  source,
		onError: opts.OnError,
		conns:   map[string]*Connection{},
		done:    make(chan struct{}),
	}
}

// now is the engine's time, for intervals and retries too.
func (h *Hub) now() time.Time { return h.source.Now() }

// Connect begins to send memberships to a destination: first those that there
// are (the backfill), then what changes. It reads the members of the audiences
// before it returns; they are sent by Run or Sync. Changes that happen while it
// reads are neither lost nor sent twice.
//
// The error wraps ErrConnected if a destination of that type is connected
// already, ErrMode, profile.ErrNotFound for an audience or a trait that does not
// exist, or profile.ErrInvalid.
func (h *Hub) Connect(ctx context.Context, d Destination, cfg Config) (*Connection, error) {
	if d == nil {
		return nil, fmt.Errorf("connect: %w: no destination", profile.ErrInvalid)
	}
	c, err := h.connect(ctx, d, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect %q: %w", d.Type(), err)
	}
	return c, nil
}

func (h *Hub) connect(ctx context.Context, d Destination, cfg Config) (*Connection, error) {
	cfg, err := cfg.withDefaults(d)
	if err != nil {
		return nil, err
	}
	c := newConnection(h, d, cfg)
	if err := h.add(c); err != nil {
		return nil, err
	}
	was, err := c.backfill(ctx)
	if err != nil {
		c.stop()
		if !was { // nothing is to wait for it
			err = errors.Join(err, h.forget(context.WithoutCancel(ctx), d.Type()))
		}
		h.remove(c)
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		c.stop()
		return nil, profile.ErrClosed
	}
	c.open()
	h.start(c)
	return c, nil
}

// Disconnect ends the connection of a type for good: what waits is sent first, as by
// Flush, until ctx is done, and then all that the store has of the connection is
// forgotten. An *UnsentError says how much was left. A type that a former process was
// connected to, and this one is not, has to be disconnected too: else what happens is
// kept for it, and calls of the engine wait when that is more than its Options.Outbox
// allow. Connected anew, a type is told of all present members. The error wraps
// profile.ErrNotFound if nothing is connected, nor was, and profile.ErrClosed.
func (h *Hub) Disconnect(ctx context.Context, typ string) error {
	if h.isClosed() {
		return fmt.Errorf("disconnect %q: %w", typ, profile.ErrClosed)
	}
	h.mu.Lock()
	c := h.conns[typ]
	h.mu.Unlock()
	var err error
	if c != nil && c.isOpen() {
		err = errors.Join(c.sendRest(ctx), c.Close(ctx))
	}
	if forgetting := h.forget(context.WithoutCancel(ctx), typ); forgetting != nil {
		err = errors.Join(err, fmt.Errorf("disconnect %q: %w", typ, forgetting))
	}
	return err
}

// forget removes what the store has of a type. It may have nothing.
func (h *Hub) forget(ctx context.Context, typ string) error {
	return h.source.RemoveSubscriber(ctx, subscriberOf(typ))
}

// sendRest sends what waits, and says what is left.
func (c *Connection) sendRest(ctx context.Context) error {
	err := c.Flush(ctx)
	s := c.Stats()
	if n := s.Queued + s.InFlight; n > 0 || err != nil {
		return &UnsentError{Type: c.dest.Type(), Changes: n, Err: err}
	}
	return nil
}

// add takes the place of the connection's type.
func (h *Hub) add(c *Connection) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return profile.ErrClosed
	}
	if h.conns[c.dest.Type()] != nil {
		return ErrConnected
	}
	h.conns[c.dest.Type()] = c
	return nil
}

func (h *Hub) remove(c *Connection) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c.dest.Type())
}

// start has a connection deliver by itself if Run runs. h.mu is held.
func (h *Hub) start(c *Connection) {
	if loops, ctx := h.running, h.runs; loops != nil && c.begin() {
		loops.Add(1)
		go func() {
			defer loops.Done()
			defer c.loop.Done()
			c.run(ctx)
		}()
	}
}

// Connections returns the connections, by type.
func (h *Hub) Connections() []*Connection {
	h.mu.Lock()
	defer h.mu.Unlock()
	conns := []*Connection{}
	for _, c := range h.conns {
		if c.isOpen() {
			conns = append(conns, c)
		}
	}
	slices.SortFunc(conns, func(a, b *Connection) int { return cmp.Compare(a.dest.Type(), b.dest.Type()) })
	return conns
}

// Run sends what is due, as it becomes due, on one goroutine for each
// connection, until ctx is done (it returns its error) or the hub is closed
// (nil). It is for clocks that run by themselves; with a ManualClock call Sync.
func (h *Hub) Run(ctx context.Context) error {
	h.mu.Lock()
	if h.closed || h.running != nil {
		defer h.mu.Unlock()
		if h.closed {
			return nil
		}
		return ErrRunning
	}
	var loops sync.WaitGroup
	h.running, h.runs = &loops, ctx
	for _, c := range h.conns {
		h.start(c)
	}
	h.mu.Unlock()

	select {
	case <-ctx.Done():
	case <-h.done:
	}
	h.mu.Lock()
	h.running = nil
	h.mu.Unlock()
	loops.Wait()
	return ctx.Err()
}

// Sync sends what was waiting at the call and is due at the clock's instant, one
// connection after the other, by type. It returns the instant at which it
// should be called next; the zero time if nothing waits. A delivery that fails
// is not an error of Sync: it is reported, and due again later. Errors are those
// of ctx, and profile.ErrClosed.
func (h *Hub) Sync(ctx context.Context) (next time.Time, err error) {
	if h.isClosed() {
		return time.Time{}, profile.ErrClosed
	}
	for _, c := range h.Connections() {
		err := c.catchUp(ctx)
		var due time.Time
		if err == nil {
			due, err = c.sync(ctx)
		}
		if err != nil {
			return time.Time{}, err
		}
		if !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next, nil
}

// Flush sends all that was waiting at the call, without regard to intervals and
// to waits after failures. It tries each connection until a delivery fails, and
// returns the errors joined.
func (h *Hub) Flush(ctx context.Context) error {
	if h.isClosed() {
		return profile.ErrClosed
	}
	var errs []error
	for _, c := range h.Connections() {
		errs = append(errs, c.Flush(ctx))
	}
	return errors.Join(errs...)
}

func (h *Hub) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// Close closes all connections, as Connection.Close does, side by side, and
// ends Run. When it returns no goroutine of the hub is left.
func (h *Hub) Close(ctx context.Context) error {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.done)
	}
	h.mu.Unlock()
	conns := h.Connections()
	errs := make([]error, len(conns))
	var closing sync.WaitGroup
	for i, c := range conns {
		closing.Add(1)
		go func() {
			defer closing.Done()
			errs[i] = c.Close(ctx)
		}()
	}
	closing.Wait()
	return errors.Join(errs...)
}
