package replica

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"

	"github.com/muster-go/muster/profile"
)

// ErrApart says that a message makes one of two profiles that are in different partitions.
// It was not appended.
var ErrApart = errors.New("the profiles are in different partitions")

// Placements keep in which partition the profile of an id is. All methods may be called side
// by side, by all routers of a log.
type Placements interface {
	// Place places an id, unless it is placed already, and returns where it is.
	Place(ctx context.Context, id string, partition int) (where int, err error)
	// Find returns where an id is; ok is false if it is nowhere.
	Find(ctx context.Context, id string) (where int, ok bool, err error)
}

// Router appends messages to the partitions of their profiles: that of an id's hash, but for
// a user whose visitor is known already, who is placed where that is. So the two can be made
// one there. All who append to a log must use it, with the same Placements.
//
// Where all that belongs together has a key, as the tenants of a platform have, the key is
// all that is needed: Log.Append with PartitionOf(tenant, n). Then nothing crosses partitions,
// and accounts and merges are as in one engine.
type Router struct {
	log    Log
	places Placements
	noID   func(string) bool
}

// NewRouter returns a router. noID is that of Options.
func NewRouter(log Log, places Placements, noID func(id string) bool) *Router {
	if noID == nil {
		noID = profile.NoID
	}
	return &Router{log, places, noID}
}

// PartitionOf returns the partition of a key, of n: its FNV-1a hash of 64 bits modulo n.
func PartitionOf(key string, n int) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	return int(h.Sum64() % uint64(n))
}

// Append appends a message. An error wraps profile.ErrInvalid and the like where it is none,
// and ErrApart where it would make one of profiles in different partitions; then it was not
// appended.
func (r *Router) Append(ctx context.Context, text []byte) (partition int, err error) {
	m, err := profile.ParseMessage(text)
	if err == nil {
		m = m.WithoutNoIDs(r.noID)
		err = m.Validate()
	}
	if err != nil {
		return 0, err
	}
	if partition, err = r.place(ctx, &m); err != nil {
		return 0, err
	}
	_, err = r.log.Append(ctx, partition, text)
	return partition, err
}

// place returns the partition of a message's profile, and places all of its ids there.
func (r *Router) place(ctx context.Context, m *profile.Message) (int, error) {
	other := m.AnonymousID
	if m.Type == profile.Alias {
		other = m.PreviousID
	}
	id := m.Profile()
	if other == "" || other == id {
		return r.places.Place(ctx, id, PartitionOf(id, r.log.Partitions()))
	}
	// A user who is new goes to the visitor; a visitor who is new, to the user.
	at, placed, err := r.places.Find(ctx, other)
	if err != nil {
		return 0, err
	}
	if !placed {
		at = PartitionOf(id, r.log.Partitions())
	}
	where, err := r.places.Place(ctx, id, at)
	if err != nil {
		return 0, err
	}
	if at, err = r.places.Place(ctx, other, where); err != nil {
		return 0, err
	}
	if at != where {
		return 0, fmt.Errorf("%w: %q is in partition %d and %q in %d", ErrApart, other, at, id, where)
	}
	return where, nil
}

// Command appends a command to the partitions that it concerns: one on a user to that of the
// user, any other to all, one after the other. If it fails some may have it: a Sync can be
// sent again. Definitions that cross profiles wrap ErrCrosses.
func (r *Router) Command(ctx context.Context, c Command) error {
	if err := crosses(&c); err != nil {
		return err
	}
	body, err := c.Body()
	if err != nil {
		return err
	}
	if c.Op == DeleteUser {
		at, placed, err := r.places.Find(ctx, c.Profile)
		if err == nil && !placed {
			err = fmt.Errorf("%w: user %q", profile.ErrNotFound, c.Profile)
		}
		if err == nil {
			_, err = r.log.Append(ctx, at, body)
		}
		return err
	}
	for partition := range r.log.Partitions() {
		if _, err := r.log.Append(ctx, partition, body); err != nil {
			return fmt.Errorf("partition %d: %w", partition, err)
		}
	}
	return nil
}

// MemoryPlacements keep placements in memory: for tests, and for one router over a log that
// is in memory too.
type MemoryPlacements struct {
	mu sync.Mutex
	at map[string]int
}

// Place implements Placements.
func (p *MemoryPlacements) Place(_ context.Context, id string, partition int) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at, ok := p.at[id]; ok {
		return at, nil
	}
	if p.at == nil {
		p.at = map[string]int{}
	}
	p.at[id] = partition
	return partition, nil
}

// Find implements Placements.
func (p *MemoryPlacements) Find(_ context.Context, id string) (int, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.at[id]
	return at, ok, nil
}
