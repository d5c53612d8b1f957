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
	// Evidence has each transition say what made it: see Transition.Evidence. It
	// reads the history of the profile for every one.
	Evidence bool
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
	evident bool // transitions carry evidence
	env     *celfilter.Env
	seed    maphash.Seed
	shards  []*shard

	// Data of one profile is applied with that shard locked. What concerns more,
	// creating audiences or merging profiles, locks all shards, in their order,
	// and then mu. nets and live may be read under any of these locks.
	mu      sync.RWMutex
	nets    [2]*network // by Subject
	joint   *joint      // under all locks
	growths []*growth   // that have not come to every profile yet
	epoch   uint32      // of the last of them there was
	version uint64      // of live: it changes with it

	reserved map[string]keyOf // keys of traits that are about to be made
	changing map[string]bool  // keys whose definitions are being made or edited
	pinned   map[string]int   // how many edits that run read a key

	firstUpgrades int
	live          map[string]*live
	closed        atomic.Bool

	last     atomic.Int64 // the instant that Advance has reached
	batchDue atomic.Int64 // when a batch audience is to be computed next
	batchAt  atomic.Int64 // when one was last
	done     chan struct{}
	wake     chan struct{} // tells Run that an earlier timer was set

	subs      subscribers[Callback]
	traitSubs subscribers[TraitCallback]
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
	e := newEngine(store, env, opts)
	if err := e.restore(ctx); err != nil {
		return nil, fmt.Errorf("new engine: %w", err)
	}
	return e, nil
}

// newEngine returns an engine that has nothing yet.
func newEngine(store profile.Store, env *celfilter.Env, opts Options) *Engine {
	e := &Engine{
		store:   store,
		clock:   opts.Clock,
		onError: opts.OnError,
		evident: opts.Evidence,
		env:     env,
		seed:    maphash.MakeSeed(),
		nets:    [2]*network{newNetwork(), newNetwork()},
		live:    map[string]*live{},
		done:    make(chan struct{}),
		wake:    make(chan struct{}, 1),

		reserved:      map[string]keyOf{},
		changing:      map[string]bool{},
		pinned:        map[string]int{},
		firstUpgrades: firstUpgrades,
	}
	if e.clock == nil {
		e.clock = WallClock{}
	}
	e.joint = newJoint(e)
	n := opts.Shards
	if n <= 0 {
		n = 16
	}
	for range n {
		e.shards = append(e.shards, newShard(e))
	}
	e.last.Store(profile.MinTime.UnixNano())
	e.batchDue.Store(horizon.Never)
	e.batchAt.Store(horizon.Never)
	return e
}

// Close ends the engine: Run returns, and every later call fails with
// profile.ErrClosed. A callback that is running is not waited for, so that it
// may call Close itself. The store stays open.
func (e *Engine) Close() error {
	e.lock()
	defer e.unlock()
	if !e.closed.Swap(true) {
		close(e.done)
	}
	return nil
}

// lock takes all locks.
func (e *Engine) lock() {
	for _, sh := range e.shards {
		sh.mu.Lock()
	}
	e.mu.Lock()
}

func (e *Engine) unlock() {
	e.mu.Unlock()
	for _, sh := range e.shards {
		sh.mu.Unlock()
	}
}

// shardOf returns the shard that a profile of this id belongs to.
func (e *Engine) shardOf(id string) *shard {
	if len(e.shards) == 1 {
		return e.shards[0]
	}
	return e.shards[maphash.String(e.seed, id)%uint64(len(e.shards))]
}

// now returns the engine's instant for a call that concerns the shards given,
// which the caller has locked. It never goes back.
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
		sh, err := e.lockShard(ctx, id)
		if err != nil {
			return nil, 0, err
		}
		if e.joined() {
			sh.mu.Unlock()
			return e.enterAll(ctx, id)
		}
		p, err := sh.lacking(ctx, id)
		if err != nil {
			sh.mu.Unlock()
			return nil, 0, err
		}
		t, ready, err := sh.ready(ctx, p)
		if ready {
			return sh, t, nil
		}
		sh.mu.Unlock()
		sh.deliver(ctx)
		if err == nil {
			err = e.computeBatches(ctx, t)
		}
		if err != nil {
			return nil, 0, err
		}
	}
}

// ready fires what is due strictly before the engine's instant, and upgrades p
// if it is not nil. The shard, which is locked, is ready for the data of the
// instant unless there are callbacks to run first.
func (sh *shard) ready(ctx context.Context, p *state) (t int64, ready bool, err error) {
	if t, err = sh.e.now(sh); err != nil {
		return 0, false, err
	}
	if sh.e.closed.Load() {
		return 0, false, profile.ErrClosed
	}
	if sh.e.batchDue.Load() < t {
		return t, false, nil
	}
	waiting := sh.out.waiting.Load()
	for err == nil && sh.due.Load() < t && sh.out.waiting.Load() == waiting {
		err = sh.fire(ctx)
	}
	if err == nil && p != nil && sh.due.Load() >= t && sh.out.waiting.Load() == waiting {
		err = sh.upgrade(ctx, p, t)
	}
	if err != nil || sh.due.Load() < t || sh.out.waiting.Load() != waiting {
		return t, false, err
	}
	sh.last = t
	sh.e.dataAt(t)
	return t, true, nil
}

// enterAll is enter with all locks, for data that reaches accounts.
func (e *Engine) enterAll(ctx context.Context, id string) (*shard, int64, error) {
	t, err := e.exclusive(ctx, false)
	if err != nil {
		return nil, 0, err
	}
	kept, _, err := e.store.Resolve(ctx, profile.UserRef(id))
	if err != nil {
		e.release(ctx)
		return nil, 0, fmt.Errorf("resolve %q: %w", id, err)
	}
	sh := e.shardOf(kept)
	sh.all = true
	return sh, t, nil
}

// lockShard locks the shard of the profile that id names.
func (e *Engine) lockShard(ctx context.Context, id string) (*shard, error) {
	sh := e.shardOf(id)
	sh.mu.Lock()
	for len(e.shards) > 1 && sh.states[profile.User][id] == nil {
		// It is new, or the id was merged into another profile, elsewhere.
		kept, exists, err := e.store.Resolve(ctx, profile.UserRef(id))
		if err != nil {
			sh.mu.Unlock()
			return nil, fmt.Errorf("resolve %q: %w", id, err)
		}
		home := e.shardOf(id)
		if exists {
			home = e.shardOf(kept)
		}
		if home == sh {
			break
		}
		// Between the locks the profile may be merged again: look once more.
		sh.mu.Unlock()
		sh = home
		sh.mu.Lock()
	}
	return sh, nil
}

// leave is the end of what enter began.
func (e *Engine) leave(ctx context.Context, sh *shard) {
	if sh.all {
		sh.all = false
		e.release(ctx)
		return
	}
	earlier := sh.earlier
	sh.earlier = false
	sh.mu.Unlock()
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

// exclusive is enter for what concerns all profiles: all locks are held, and
// all that is due before t (at t too, if inclusive) has fired. The caller ends
// with release.
func (e *Engine) exclusive(ctx context.Context, inclusive bool) (t int64, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		e.lock()
		t, err := e.now(e.shards...)
		if err == nil && e.closed.Load() {
			err = profile.ErrClosed
		}
		if err != nil {
			e.unlock()
			return 0, err
		}
		until := t
		if !inclusive {
			until--
		}
		if _, due := e.earliest(); due > until {
			for _, sh := range e.shards {
				sh.last = t
			}
			if !inclusive {
				e.dataAt(t)
			}
			return t, nil
		}
		e.unlock()
		for fired := true; fired; {
			if fired, err = e.fire(ctx, until); err != nil {
				return 0, err
			}
		}
	}
}

// release is the end of what exclusive began.
func (e *Engine) release(ctx context.Context) {
	e.unlock()
	e.poke()
	for _, sh := range e.shards {
		sh.deliver(ctx)
	}
}

// alone runs what concerns all profiles, between exclusive and release. what
// begins the text of its errors.
func (e *Engine) alone(ctx context.Context, what string, inclusive bool, do func(t int64) error) error {
	t, err := e.exclusive(ctx, inclusive)
	if err == nil {
		err = do(t)
		e.release(ctx)
	}
	return in(what, err)
}

// earliest returns when something is due first, and the shard whose timer that
// is; nil: batch audiences are to be computed, which comes after all else of the
// instant.
func (e *Engine) earliest() (first *shard, due int64) {
	due = horizon.Never
	for _, sh := range e.shards {
		if at := sh.due.Load(); at < due {
			first, due = sh, at
		}
	}
	if at := e.batchDue.Load(); at < due {
		return nil, at
	}
	return first, due
}

// fire settles the first profile that is due at t or before, in the order of
// instant, then profile, and delivers what that changes.
func (e *Engine) fire(ctx context.Context, t int64) (fired bool, err error) {
	first, due := e.earliest()
	if due > t || due == horizon.Never {
		return false, nil
	}
	if first == nil {
		return true, e.computeDue(ctx, due)
	}
	for _, sh := range e.shards {
		if sh != first && sh.due.Load() == due && compareRefs(sh.firstProfile(), first.firstProfile()) < 0 {
			first = sh
		}
	}
	first.mu.Lock()
	if e.joined() {
		first.mu.Unlock()
		return true, e.fireJoint(ctx, t)
	}
	switch {
	case e.closed.Load():
		err = profile.ErrClosed
	case first.due.Load() == due: // nobody was faster
		err = first.fire(ctx)
	}
	first.mu.Unlock()
	first.deliver(ctx)
	return true, err
}
