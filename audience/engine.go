package audience

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/outbox"
	"github.com/muster-go/muster/internal/usage"
	"github.com/muster-go/muster/profile"
)

// Options of an engine; the zero value is fine.
type Options struct {
	// Clock says what time it is; WallClock by default.
	Clock Clock
	// Shards is the number of parts that take data side by side; 16 by default, and
	// profile.Lanes at most.
	// With 1, all transitions come in one order: instant, profile, audience.
	// With more that is so for each profile and, unless anything is defined of
	// accounts, for all that Advance fires.
	Shards int
	// CacheBytes bounds what the engine holds of profiles in memory, about: what is
	// beyond is read from the store again when something happens to the profile. Nobody
	// sees a difference but in time. It is held between calls: during one, all profiles
	// that the call changes are in memory. 0, the default: all that was ever touched
	// stays, which for a store in memory is the fastest.
	CacheBytes int64
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
	// Observer is told what the engine does; nil: nobody is.
	Observer Observer
	// Outbox bounds what is kept for durable subscribers: see SubscribeDurable.
	Outbox OutboxLimit
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
	store    guardedStore
	reader   profile.Reader // the store
	clock    Clock
	onError  func(error)
	logger   *slog.Logger
	maxJump  int64 // of the clock, in nanoseconds
	noID     func(id string) bool
	observer Observer // nil: nobody observes
	evident  bool     // transitions carry evidence
	detached bool     // nothing that is stored is of its definitions: see Preview
	past     bool     // nor do memberships say since when profiles are in audiences: see Backtest
	cache    int      // the bytes of states that a shard may hold; 0: all
	env      *celfilter.Env
	shards   []*shard
	fields   *usage.Fields // of the data
	before   before        // what the store had when the engine was made

	// Data of one profile is applied with that shard locked. What concerns more,
	// creating audiences or merging profiles, locks all shards, in their order,
	// and then mu. nets and live may be read under any of these locks.
	mu        sync.RWMutex
	nets      network.Networks
	x         *txn        // under all locks
	rollouts  []*rollout  // that run
	revisions []*revision // that have not come to every profile yet
	version   uint32      // of the last of them there was, in this engine or one before

	moved atomic.Uint64 // counts what was done with all locks: only so users come to accounts

	stays   network.Alone // what stays with its profile
	changes uint64        // of live: it changes with it

	reserved map[string]keyOf // keys of traits that are about to be made
	changing map[string]bool  // keys whose definitions are being made or edited
	pinned   map[string]int   // how many edits that run read a key

	firstUpgrades int
	countsFrom    int
	live          map[string]*live
	broken        map[string]*broken
	words         network.Names
	untake        func()                 // lets another engine take the store
	roster        atomic.Pointer[roster] // of live and revisions
	crowded       atomic.Bool            // somebody waited for a shard: see group.go
	singly        atomic.Int32           // so many steps are made one by one
	closed        atomic.Bool
	misfires      atomic.Uint64 // of callbacks

	last     atomic.Int64    // the instant that Advance has reached
	batchDue atomic.Int64    // when a batch audience is to be computed next
	life     context.Context // until the engine is closed
	end      context.CancelCauseFunc
	wake     chan struct{} // tells Run that an earlier timer was set
	later    chan struct{} // tells deliverLater that there is something to tell; nil: nobody does it later

	outbox    *outbox.Log[Notice]
	subs      outbox.Callbacks[Transition]
	traitSubs outbox.Callbacks[TraitChange]
	idSubs    outbox.Callbacks[IDChange]
}

const defaultClockJump = 5 * 365 * profile.Day

// New returns an engine over a store. A store that was used before brings its
// audiences along, as they were when it was last written to: no profile is read for
// that, and the first call that moves the clock fires all that has become due since,
// with the exact instants. A creation that was broken off by the end of the engine
// before goes on, beside the data: see Progress. A stored definition that cannot be made
// live is no error: see Broken. A store is one engine's until that is closed: else the
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
	if store.SyncInterval() > 0 {
		e.later = make(chan struct{}, 1)
		go e.deliverLater()
	}
	if len(e.rollouts) > 0 {
		go e.resume(slices.Clone(e.rollouts))
	}
	return e, nil
}

// newEngine returns an engine that has nothing yet.
func newEngine(store guardedStore, env *celfilter.Env, opts Options) *Engine {
	e := &Engine{
		store:    store,
		clock:    opts.Clock,
		onError:  opts.OnError,
		logger:   opts.Logger,
		maxJump:  int64(opts.MaxClockJump),
		noID:     opts.NoID,
		observer: opts.Observer,
		evident:  opts.Evidence,
		env:      env,
		nets:     network.New(),
		fields:   usage.NewFields(),
		before:   before{mu: make(chan struct{}, 1)},
		live:     map[string]*live{},
		broken:   map[string]*broken{},
		wake:     make(chan struct{}, 1),

		reserved:      map[string]keyOf{},
		changing:      map[string]bool{},
		pinned:        map[string]int{},
		firstUpgrades: firstUpgrades,
		countsFrom:    countsFrom,
	}
	e.life, e.end = context.WithCancelCause(context.Background())
	if e.clock == nil {
		e.clock = WallClock{}
	}
	if e.logger == nil {
		e.logger = slog.Default()
	}
	if e.maxJump == 0 {
		e.maxJump = int64(defaultClockJump)
	}
	e.reader = store
	e.outbox = e.newOutbox(opts.Outbox)
	e.reportFailures()
	n := min(opts.Shards, profile.Lanes)
	if n <= 0 {
		n = 16
	}
	if opts.CacheBytes > 0 {
		e.cache = max(1, int(opts.CacheBytes)/n)
	}
	for i := range n {
		e.shards = append(e.shards, newShard(e, i, n))
	}
	e.x = newTxn(e, e.shards[0])
	e.x.locks = allShards
	e.publish()
	e.last.Store(profile.MinTime.UnixNano())
	e.batchDue.Store(horizon.Never)
	return e
}

// Close ends the engine: Run returns, and every later call fails with
// profile.ErrClosed. A callback that is running is not waited for, so that it
// may call Close itself. The store stays open, for another engine to take. On a store
// with a SyncInterval it returns when what it did so far stays, if that is still to be told.
func (e *Engine) Close() error {
	err := e.close()
	if e.later != nil {
		e.deliverAll(context.Background())
	}
	return in("close", err)
}

func (e *Engine) close() error {
	e.lock()
	defer e.unlock()
	if e.closed.Swap(true) {
		return nil
	}
	e.end(profile.ErrClosed)
	err := e.outbox.Close(context.Background())
	e.untake()
	return err
}

// lock takes all locks.
func (e *Engine) lock() {
	allShards.lock(e)
	e.mu.Lock()
}

func (e *Engine) unlock() {
	e.nets.FindCrosses(&e.stays)
	e.mu.Unlock()
	allShards.unlock(e)
}

// shardOf returns the shard that a profile of this id belongs to.
func (e *Engine) shardOf(id string) *shard {
	if len(e.shards) == 1 {
		return e.shards[0]
	}
	return e.shards[profile.Lane(id)%len(e.shards)]
}

// now returns the engine's instant for a call that concerns the shards given,
// which the caller has locked. It never goes back.
func (e *Engine) now(shards shardSet) (int64, error) {
	reached := e.last.Load()
	for sh := range shards.of(e) {
		reached = max(reached, sh.last)
	}
	now, err := e.readClock()
	if err != nil {
		return 0, err
	}
	if err := profile.CheckTime(now); err != nil {
		return 0, fmt.Errorf("clock: %w", failing(err))
	}
	if err := e.checkJump(now, reached); err != nil {
		return 0, err
	}
	return max(now.UnixNano(), reached), nil
}

func instant(t int64) time.Time { return time.Unix(0, t).UTC() }
