package audience

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// Options of an engine; the zero value is fine.
type Options struct {
	// Clock says what time it is; WallClock by default.
	Clock Clock
	// Shards is the number of parts that take data side by side; 16 by default.
	// With 1, all transitions come in one order: instant, profile, audience.
	// With more that is so for each profile, and for all that Advance fires.
	Shards int
	// OnError is told what no caller can be: a *CallbackError. It must not
	// block; nil ignores them.
	OnError func(error)
}

// Engine keeps the members of audiences. It is safe for concurrent use. See
// the package comment for what its answers mean.
type Engine struct {
	store   profile.Store
	clock   Clock
	onError func(error)
	env     *celfilter.Env
	seed    maphash.Seed
	shards  []*shard

	// mu is held for reading while data of one profile is applied, and for
	// writing by what concerns more: creating audiences, merging profiles,
	// firing timers in one order over all shards.
	mu     sync.RWMutex
	net    *network
	live   map[string]*live
	closed bool

	last atomic.Int64 // the instant that Advance has reached
	done chan struct{}
	wake chan struct{} // tells Run that an earlier timer was set

	subs subscribers
}

// New returns an engine over a store. A store that was used before brings its
// audiences along, as they were when it was last written to: New reads every
// profile, and the first call that moves the clock fires all that has become
// due since, with the exact instants.
func New(ctx context.Context, store profile.Store, opts Options) (*Engine, error) {
	env, err := celfilter.NewEnv(nil)
	if err != nil {
		return nil, fmt.Errorf("new engine: %w", err)
	}
	e := &Engine{
		store:   store,
		clock:   opts.Clock,
		onError: opts.OnError,
		env:     env,
		seed:    maphash.MakeSeed(),
		net:     newNetwork(),
		live:    map[string]*live{},
		done:    make(chan struct{}),
		wake:    make(chan struct{}, 1),
	}
	if e.clock == nil {
		e.clock = WallClock{}
	}
	n := opts.Shards
	if n <= 0 {
		n = 16
	}
	for range n {
		e.shards = append(e.shards, newShard(e))
	}
	e.last.Store(profile.MinTime.UnixNano())
	if err := e.restore(ctx); err != nil {
		return nil, fmt.Errorf("new engine: %w", err)
	}
	return e, nil
}

// Close ends the engine: Run returns, and every later call fails with
// profile.ErrClosed. A callback that is running is not waited for, so that it
// may call Close itself. The store stays open.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.closed = true
		close(e.done)
	}
	return nil
}

// shardOf returns the shard that a profile of this id belongs to.
func (e *Engine) shardOf(id string) *shard {
	if len(e.shards) == 1 {
		return e.shards[0]
	}
	return e.shards[maphash.String(e.seed, id)%uint64(len(e.shards))]
}

// now returns the engine's instant for a call that concerns the shards given,
// which the caller has locked; e.mu is held. It never goes back.
func (e *Engine) now(shards ...*shard) (int64, error) {
	now := e.clock.Now()
	if err := profile.CheckTime(now); err != nil {
		return 0, fmt.Errorf("clock: %w", err)
	}
	t := max(now.UnixNano(), e.last.Load())
	for _, sh := range shards {
		t = max(t, sh.last)
	}
	return t, nil
}

func instant(t int64) time.Time { return time.Unix(0, t).UTC() }

// enter prepares for data of one profile. It returns the profile's shard,
// locked, and the instant at which the data is applied; all that is due
// strictly before has fired and its callbacks have run. The caller ends with
// leave.
func (e *Engine) enter(ctx context.Context, id string) (*shard, int64, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		e.mu.RLock()
		if e.closed {
			e.mu.RUnlock()
			return nil, 0, profile.ErrClosed
		}
		sh, err := e.lockShard(ctx, id)
		if err != nil {
			e.mu.RUnlock()
			return nil, 0, err
		}
		t, err := e.now(sh)
		if err == nil && sh.due.Load() >= t {
			sh.last = t
			return sh, t, nil
		}
		if err == nil {
			err = sh.fire(ctx)
		}
		sh.mu.Unlock()
		e.mu.RUnlock()
		sh.deliver(ctx)
		if err != nil {
			return nil, 0, err
		}
	}
}

// lockShard locks the shard of the profile that id names.
func (e *Engine) lockShard(ctx context.Context, id string) (*shard, error) {
	sh := e.shardOf(id)
	sh.mu.Lock()
	if len(e.shards) == 1 || sh.profiles[id] != nil {
		return sh, nil
	}
	// It is new, or the id was merged into another profile, elsewhere.
	kept, exists, err := e.store.Resolve(ctx, profile.UserRef(id))
	if err == nil && exists && kept != id {
		if other := e.shardOf(kept); other != sh {
			sh.mu.Unlock()
			other.mu.Lock()
			return other, nil
		}
	}
	if err != nil {
		sh.mu.Unlock()
		return nil, fmt.Errorf("resolve %q: %w", id, err)
	}
	return sh, nil
}

// leave is the end of what enter began.
func (e *Engine) leave(ctx context.Context, sh *shard) {
	earlier := sh.earlier
	sh.earlier = false
	sh.mu.Unlock()
	e.mu.RUnlock()
	if earlier {
		e.poke()
	}
	sh.deliver(ctx)
}

// poke tells Run to look at the timers again.
func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// exclusive is enter for what concerns all profiles: e.mu is held for writing,
// and all that is due before t (at t too, if inclusive) has fired. The caller
// ends with release.
func (e *Engine) exclusive(ctx context.Context, inclusive bool) (t int64, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		e.mu.Lock()
		if e.closed {
			e.mu.Unlock()
			return 0, profile.ErrClosed
		}
		t, err := e.now(e.shards...)
		if err != nil {
			e.mu.Unlock()
			return 0, err
		}
		sh := e.earliest()
		if due := sh.due.Load(); due > t || due == t && !inclusive {
			for _, sh := range e.shards {
				sh.last = t
			}
			return t, nil
		}
		err = sh.fire(ctx)
		e.mu.Unlock()
		sh.deliver(ctx)
		if err != nil {
			return 0, err
		}
	}
}

// release is the end of what exclusive began.
func (e *Engine) release(ctx context.Context) {
	e.mu.Unlock()
	e.poke()
	for _, sh := range e.shards {
		sh.deliver(ctx)
	}
}

// earliest returns the shard whose timer is the first in the order of instant,
// then profile. e.mu is held for writing.
func (e *Engine) earliest() *shard {
	first := e.shards[0]
	for _, sh := range e.shards[1:] {
		a, b := sh.due.Load(), first.due.Load()
		if a < b || a == b && a != horizon.Never && sh.firstProfile() < first.firstProfile() {
			first = sh
		}
	}
	return first
}
