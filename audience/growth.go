package audience

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/muster-go/muster/profile"
)

// growth is what definitions in the making ask of every profile. The network has
// their nodes at once; a profile has not, until it is upgraded: by a goroutine
// that goes through all, a few under a lock at a time, or when data or time
// comes to it first.
type growth struct {
	version uint32 // profiles of an earlier one have yet to be upgraded
	keys    []string
	fresh   []*node
	leaves  *leafIndex // of fresh
	relied  []*node    // by fresh; see relied
	made    []remade   // what is told of each profile when it is upgraded
	started time.Time
	counters
}

// counters say how far something is that goes through profiles.
type counters struct {
	done  atomic.Int64 // profiles
	total atomic.Int64 // 0: they are being counted
}

const (
	// firstUpgrades is how many profiles are upgraded with all locks held: small
	// stores are done with then.
	firstUpgrades = 512
	// upgradeTime is how long a lock is held to upgrade some more.
	upgradeTime = time.Millisecond
)

// beginGrowth makes a growth of what b brings, and upgrades the first profiles. It
// reports whether these were all. All locks are held.
func (x *txn) beginGrowth(b *backfill, keys []string) (g *growth, all bool, err error) {
	e := x.e
	g = newGrowth(e.version, b, keys)
	e.growths = append(e.growths, g)
	e.publish()
	x.onAbandon(func() {
		e.growths = slices.DeleteFunc(e.growths, func(o *growth) bool { return o == g })
		e.publish()
	})
	n := 0
	for id, err := range x.store.Profiles(x.ctx, profile.User, "") {
		if err != nil {
			return g, false, err
		}
		if n++; n > e.firstUpgrades {
			return g, false, nil
		}
		if err := x.upgradeID(profile.UserRef(id), x.t); err != nil {
			return g, false, err
		}
	}
	return g, true, nil
}

// newGrowth returns what b brings to profiles as a version.
func newGrowth(version uint32, b *backfill, keys []string) *growth {
	g := &growth{version: version, keys: keys, made: b.made, started: time.Now()}
	g.setFresh(b.fresh)
	setPending(b.fresh, version)
	return g
}

// floor returns the version that every profile has.
func (e *Engine) floor() uint32 {
	v := e.version
	for _, g := range e.growths {
		v = min(v, g.version-1)
	}
	return v
}

func (g *growth) setFresh(nodes []*node) {
	g.fresh, g.leaves, g.relied = nodes, indexOf(nodes), relied(nodes, profile.User)
}

// over ends a growth that all profiles have. All locks are held.
func (e *Engine) over(g *growth) {
	allHave(g.fresh)
	// One before it that was given up has been made up with it.
	e.growths = slices.DeleteFunc(e.growths, func(o *growth) bool {
		return o == g || o.keys == nil && o.version < g.version
	})
	e.publish()
}

// giveUp forgets what a growth tells. What others use of it by now profiles
// still have to be brought.
func (e *Engine) giveUp(g *growth) {
	g.keys, g.made = nil, nil
	g.setFresh(slices.DeleteFunc(slices.Clone(g.fresh), func(n *node) bool {
		return e.nets[n.of].nodes[n.id] != n
	}))
	if len(g.fresh) == 0 || len(e.growths) == 1 {
		e.over(g)
	}
	e.publish()
}

// upgrade brings a profile what it has yet to get, as of t or, if it is due at
// that very instant, of the instant before: what is due waits for the data of
// its instant.
func (x *txn) upgrade(p *state, t int64) error {
	now := x.t
	defer func() { x.t = now }()
	for _, g := range x.e.growths {
		if g.version <= p.version {
			continue
		}
		x.begin(x.ctx, min(t, p.wake-1), CauseBackfill)
		p.version = g.version
		if err := x.compare(p, g.made, func() {
			x.bringFresh(g.leaves, g.fresh)
			x.walk()
			x.rely(g.relied)
		}); err != nil {
			return err
		}
	}
	return nil
}

// compare is a run, begun, that tells of one profile what new roots change, after bring.
func (x *txn) compare(p *state, made []remade, bring func()) error {
	x.add(p.ref, p).made = made
	x.turn(p)
	bring()
	return x.gatherRun()
}

// lacks reports whether a profile has yet to get something that is in the making.
func (x *txn) lacks(ref profile.Ref) (lacks bool, k kept) {
	if len(x.e.growths) == 0 {
		return false, nothingKept
	}
	if p := x.shardOf(ref).state(ref); p != nil {
		return p.version < x.e.version, p.kept
	}
	k = x.keptOf(ref)
	return max(k.version, x.e.floor()) < x.e.version, k
}

// madeSince returns what growths tell that came after a version.
func (e *Engine) madeSince(version uint32) (made []remade) {
	for _, g := range e.growths {
		if g.version > version {
			made = append(made, g.made...)
		}
	}
	return made
}

// upgradeID upgrades a profile by the id that it is kept under, if it lacks anything.
func (x *txn) upgradeID(ref profile.Ref, t int64) error {
	lacks, k := x.lacks(ref)
	if !lacks || x.err != nil {
		return x.err
	}
	if p := x.shardOf(ref).state(ref); p != nil {
		return x.upgrade(p, t)
	}
	exists, err := x.exists(ref)
	if err != nil || !exists {
		return err
	}
	now := x.t
	defer func() { x.t = now }()
	return x.runAt(min(t, k.at-1), CauseBackfill, func() { x.reach(ref) })
}

// lacking returns the user that an id names if it has yet to be upgraded; else none.
func (sh *shard) lacking(ctx context.Context, id string) (ref profile.Ref, err error) {
	if len(sh.e.growths) == 0 {
		return ref, nil
	}
	if sh.states[profile.User][id] == nil {
		var exists bool
		if id, exists, err = sh.e.store.Resolve(ctx, profile.UserRef(id)); err != nil || !exists {
			return ref, err
		}
	}
	x := sh.x
	x.ctx, x.err = ctx, nil
	if lacks, _ := x.lacks(profile.UserRef(id)); lacks {
		ref = profile.UserRef(id)
	}
	return ref, x.err
}

// upgradeAll upgrades every user, shards side by side.
func (e *Engine) upgradeAll(ctx context.Context, g *growth) error {
	ids := make(map[*shard][]string, len(e.shards))
	for id, err := range e.store.Profiles(ctx, profile.User, "") {
		if err != nil {
			return err
		}
		sh := e.shardOf(id)
		ids[sh] = append(ids[sh], id)
		g.total.Add(1)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(e.shards)); i = next.Add(1) - 1 {
			sh := e.shards[i]
			if err := sh.upgradeMany(ctx, ids[sh], g); err != nil {
				cancel(err)
				return
			}
		}
	}
	// The caller works, and all processors but one: that is for the data.
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(e.shards)) - 2 {
		others.Add(1)
		go func() {
			defer others.Done()
			work()
		}()
	}
	work()
	others.Wait()
	return context.Cause(ctx)
}

// upgradeMany upgrades users of the shard, as many at a time as upgradeTime
// allows.
func (sh *shard) upgradeMany(ctx context.Context, ids []string, g *growth) error {
	for len(ids) > 0 {
		t, err := sh.enter(ctx)
		if err != nil {
			return err
		}
		if ids, err = sh.upgradeSome(ctx, ids, g, t); err != nil {
			return err
		}
		runtime.Gosched() // data that waited for the lock goes first, not in ten milliseconds
	}
	return nil
}

// upgradeSome upgrades the first of some users and returns the others. The shard
// was entered, and is left.
func (sh *shard) upgradeSome(ctx context.Context, ids []string, g *growth, t int64) (rest []string, err error) {
	defer func() { _ = sh.e.leave(ctx, sh.x) }()
	until := time.Now().Add(upgradeTime)
	for n := 0; len(ids) > 0 && (n%8 > 0 || time.Now().Before(until)); n++ {
		ref := profile.UserRef(ids[0])
		if err := sh.x.within(func() error { return sh.x.upgradeID(ref, t) }, ref); err != nil {
			return ids, err
		}
		ids = ids[1:]
		g.done.Add(1)
	}
	return ids, nil
}

// enter locks the shard for what its profiles are to be brought, as Engine.enter
// does for data.
func (sh *shard) enter(ctx context.Context) (t int64, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, context.Cause(ctx)
		}
		t, ready, err := sh.tryEnter(ctx)
		if ready {
			return t, nil
		}
		sh.deliver(ctx)
		if err == nil {
			err = sh.e.computeBatches(ctx, t)
		}
		if err != nil {
			return 0, err
		}
	}
}

// tryEnter locks the shard, and unlocks it if it is not ready.
func (sh *shard) tryEnter(ctx context.Context) (t int64, ready bool, err error) {
	sh.mu.Lock()
	defer func() {
		if !ready {
			sh.mu.Unlock()
		}
	}()
	if t, err = sh.e.now(sh.self); err != nil {
		return 0, false, err
	}
	ready, err = sh.ready(ctx, profile.Ref{}, t)
	return t, ready, err
}
