package audience

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
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
	// With more that is so for each profile and, unless anything is defined of
	// accounts, for all that Advance fires.
	Shards int
	// Evidence has each transition say what made it: see Transition.Evidence. It
	// reads the history of the profile for every one.
	Evidence bool
	// NoID says which ids of messages are what broken clients send for none;
	// profile.NoID if it is nil. They are as if they were not there. Ids that are
	// given to Track, Identify and the like are taken as they are.
	NoID func(id string) bool
	// OnError is told what no caller can be: a *CallbackError, and the errors that
	// Run meets. It must not block. Nil: they go to Logger.
	OnError func(error)
	// Logger gets what no caller can be told; slog.Default if it is nil.
	Logger *slog.Logger
	// MaxClockJump is how far the clock may be ahead of the instant that the engine
	// has reached, a call that finds it further ahead is ErrClockJump and changes
	// nothing. 5 years by default, which no wall clock meets but one that is wrong;
	// negative: any. An engine that has been given nothing yet takes any clock.
	// Advance is not bound by it: it is how to go on after so long a time.
	MaxClockJump time.Duration
}

// Engine keeps the members of audiences. It is safe for concurrent use. See
// the package comment for what its answers mean.
type Engine struct {
	store   profile.Store
	clock   Clock
	onError func(error)
	logger  *slog.Logger
	maxJump int64 // of the clock, in nanoseconds
	noID    func(id string) bool
	evident bool // transitions carry evidence
	env     *celfilter.Env
	seed    maphash.Seed
	shards  []*shard

	// Data of one profile is applied with that shard locked. What concerns more,
	// creating audiences or merging profiles, locks all shards, in their order,
	// and then mu. nets and live may be read under any of these locks.
	mu      sync.RWMutex
	nets    [2]*network // by Subject
	x       *txn        // under all locks
	growths []*growth   // that have not come to every profile yet
	epoch   uint32      // of the last of them there was
	version uint64      // of live: it changes with it

	reserved map[string]keyOf // keys of traits that are about to be made
	changing map[string]bool  // keys whose definitions are being made or edited
	pinned   map[string]int   // how many edits that run read a key

	firstUpgrades int
	live          map[string]*live
	broken        map[string]*broken
	words         seenWords
	untake        func()                  // lets another engine take the store
	catalog       atomic.Pointer[catalog] // of live and growths
	closed        atomic.Bool

	last     atomic.Int64 // the instant that Advance has reached
	batchDue atomic.Int64 // when a batch audience is to be computed next
	done     chan struct{}
	wake     chan struct{} // tells Run that an earlier timer was set

	subs      subscribers[Callback]
	traitSubs subscribers[TraitCallback]
	idSubs    subscribers[IDCallback]
}

const defaultClockJump = 5 * 365 * profile.Day

// New returns an engine over a store. A store that was used before brings its
// audiences along, as they were when it was last written to: New reads every
// profile, and the first call that moves the clock fires all that has become
// due since, with the exact instants. A stored definition that cannot be made live
// is no error: see Broken. A store is one engine's until that is closed: else the
// error wraps profile.ErrTaken.
func New(ctx context.Context, store profile.Store, opts Options) (*Engine, error) {
	if store == nil {
		return nil, fmt.Errorf("new engine: %w: no store", profile.ErrInvalid)
	}
	env, err := celfilter.NewEnv(nil)
	if err != nil {
		return nil, fmt.Errorf("new engine: %w", err)
	}
	guarded, err := guard(store)
	if err != nil {
		return nil, fmt.Errorf("new engine: %w", err)
	}
	e := newEngine(guarded, env, opts)
	if e.untake, err = guarded.Take(ctx); err != nil {
		return nil, fmt.Errorf("new engine: %w", err)
	}
	if err := e.restore(ctx); err != nil {
		e.untake()
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
		logger:  opts.Logger,
		maxJump: int64(opts.MaxClockJump),
		noID:    opts.NoID,
		evident: opts.Evidence,
		env:     env,
		seed:    maphash.MakeSeed(),
		nets:    [2]*network{newNetwork(), newNetwork()},
		live:    map[string]*live{},
		broken:  map[string]*broken{},
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
	if e.logger == nil {
		e.logger = slog.Default()
	}
	if e.maxJump == 0 {
		e.maxJump = int64(defaultClockJump)
	}
	e.x = newTxn(e, nil)
	n := opts.Shards
	if n <= 0 {
		n = 16
	}
	for range n {
		e.shards = append(e.shards, newShard(e))
	}
	e.publish()
	e.last.Store(profile.MinTime.UnixNano())
	e.batchDue.Store(horizon.Never)
	return e
}

// Close ends the engine: Run returns, and every later call fails with
// profile.ErrClosed. A callback that is running is not waited for, so that it
// may call Close itself. The store stays open, for another engine to take.
func (e *Engine) Close() error {
	e.lock()
	defer e.unlock()
	if !e.closed.Swap(true) {
		close(e.done)
		e.untake()
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
	e.rejoin()
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
	now, err := e.readClock()
	if err != nil {
		return 0, err
	}
	if err := profile.CheckTime(now); err != nil {
		return 0, fmt.Errorf("clock: %w", err)
	}
	reached := e.last.Load()
	for _, sh := range shards {
		reached = max(reached, sh.last)
	}
	if err := e.checkJump(now, reached); err != nil {
		return 0, err
	}
	return max(now.UnixNano(), reached), nil
}

func instant(t int64) time.Time { return time.Unix(0, t).UTC() }

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
	err = first.fireFirst(ctx, due)
	if err == errJoined {
		err = e.fireJoined(ctx, t)
	}
	first.deliver(ctx)
	return true, err
}

// fireFirst settles the profile that is due first, unless somebody was faster.
func (sh *shard) fireFirst(ctx context.Context, due int64) error {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	switch {
	case sh.e.closed.Load():
		return profile.ErrClosed
	case sh.due.Load() != due:
		return nil
	case sh.e.joined() && !sh.firesAlone(due):
		return errJoined
	}
	return sh.x.fire(lasting(ctx))
}

// errJoined says that one shard's lock is not enough.
var errJoined = errors.New("profiles depend on each other")

// firstConfined returns the shard of the first profile that is due at an instant; nil
// if what changes then does not stay with each. All locks are held.
func (e *Engine) firstConfined(due int64) (of *shard) {
	if len(e.growths) > 0 || e.jointDue() <= due {
		return nil
	}
	var first *state
	for _, sh := range e.shards {
		next, ok := sh.timers.Min()
		if ok && next.at <= due && (first == nil || compareRefs(next.p.ref, first.ref) < 0) {
			of, first = sh, next.p
		}
	}
	return of
}

// fireJoined settles the profiles that are due first, if that is at t or before: as one
// transaction, unless what changes stays with each.
func (e *Engine) fireJoined(ctx context.Context, t int64) error {
	e.lock()
	defer e.release(ctx)
	first, due := e.earliest()
	switch {
	case e.closed.Load():
		return profile.ErrClosed
	case first == nil || due > t:
		return nil
	}
	if alone := e.firstConfined(due); alone != nil {
		for ; alone != nil; alone = e.firstConfined(due) {
			if err := alone.x.fire(lasting(ctx)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, sh := range e.shards {
		due = max(due, sh.last)
	}
	e.x.ctx, e.x.t = lasting(ctx), due
	return e.x.within(func() error { return e.x.run(CauseTime, func() {}) })
}
