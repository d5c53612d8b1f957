package pebblestore_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

var destinationHistories = flag.Int("destinations", 40, "how many histories TestADestinationOutlastsCrashes plays")

// remote is a receiver that outlasts the processes that send to it. It drops the messages
// whose id it has, as every one does that wants each once.
type remote struct {
	t       *testing.T
	seen    map[string]string // message id → what it said
	in      map[string]string // pair → the value that it was told last
	at      map[string]time.Time
	repeats int
	// during is called with whether a batch has arrived; an error ends the attempt.
	during func(arrived bool) error
}

func (*remote) Type() string { return "remote" }

func (*remote) Modes() destination.Mode {
	return destination.Identify | destination.Track | destination.Lists
}

var errCrashed = errors.New("the process is no more")

func (r *remote) Deliver(_ context.Context, b *destination.Batch) error {
	if err := r.during(false); err != nil {
		return err
	}
	for _, m := range b.Messages {
		who, values := "user "+m.Profile(), m.Traits
		if m.Type == profile.Group {
			who = "account " + m.GroupID
		}
		if m.Type == profile.Track {
			values = m.Properties
		}
		for key, v := range values.All() {
			if key != "audience_key" && key != "trait_key" {
				r.told(m.MessageID, who+" "+key, v.String(), m.Time)
			}
		}
	}
	for _, l := range b.Lists {
		for _, m := range l.Remove {
			r.told(m.MessageID, fmt.Sprint(l.Of, " ", m.ID, " ", l.Audience), "false", m.At)
		}
		for _, m := range l.Add {
			r.told(m.MessageID, fmt.Sprint(l.Of, " ", m.ID, " ", l.Audience), "true", m.At)
		}
	}
	return r.during(true)
}

func (r *remote) told(id, pair, value string, at time.Time) {
	what := fmt.Sprint(pair, " ", value, " ", at)
	if before, again := r.seen[id]; again {
		require.Equal(r.t, before, what, "a message is another under its id")
		r.repeats++
		return
	}
	r.seen[id] = what
	if value == "false" || value == "null" {
		value = "" // nothing
	}
	require.NotEqual(r.t, r.in[pair], value, "%s is told what it was told, under another id", pair)
	require.False(r.t, at.Before(r.at[pair]), "%s goes back in time", pair)
	r.in[pair], r.at[pair] = value, at
	if value == "" {
		delete(r.in, pair)
	}
}

// process is one that ends in a crash.
type process struct {
	fs     *vfs.MemFS
	store  *pebblestore.Store
	engine *audience.Engine
	hub    *destination.Hub
	clock  *audience.ManualClock
}

func startProcess(t *testing.T, fs *vfs.MemFS, now time.Time, to *remote, cfg destination.Config) *process {
	ctx := context.Background()
	p := &process{fs: fs, clock: audience.NewManualClock(now)}
	p.store = open(t, fs, pebblestore.Options{CacheBytes: 1 << 20, SweepInterval: -1})
	var err error
	p.engine, err = audience.New(ctx, p.store, audience.Options{Clock: p.clock, Shards: 2, CacheBytes: 1})
	require.NoError(t, err)
	for _, d := range []audience.Definition{
		audience.Define("buyers").Members(audience.Performed("Buy").Within(time.Hour)),
		audience.Define("idle").Members(audience.NotPerformed("Buy").Within(2 * time.Hour)),
		audience.Define("active").OfAccounts().WithPerUser().Members(audience.Performed("Buy").Within(time.Hour)),
	} {
		if err := p.engine.Create(ctx, d); !errors.Is(err, audience.ErrExists) {
			require.NoError(t, err)
		}
	}
	if err := p.engine.CreateTraits(ctx, trait.Sum("spent", "Buy", "total").Within(time.Hour)); !errors.Is(err, audience.ErrExists) {
		require.NoError(t, err)
	}
	p.hub = destination.NewHub(p.engine, destination.Options{})
	_, err = p.hub.Connect(ctx, to, cfg)
	require.NoError(t, err)
	return p
}

// crash returns the file system as the next process finds it. The one that has crashed
// ends, and nobody sees of that.
func (p *process) crash(rng *rand.Rand) *vfs.MemFS {
	return p.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
}

func (p *process) end() {
	_ = p.hub.Close(context.Background()) // what becomes of it nobody sees
	_ = p.engine.Close()
	_ = p.store.Close()
}

// Random histories in which the process crashes between calls, before a batch arrives, and
// after it has: nothing is lost, what comes again does so under its id, of each pair what
// is told alternates, in the order of time, and in the end the receiver has what there is.
func TestADestinationOutlastsCrashes(t *testing.T) {
	crashes, repeats := 0, 0
	for seed := range uint64(*destinationHistories) {
		c, r := outlast(t, seed)
		crashes, repeats = crashes+c, repeats+r
	}
	t.Logf("%d crashes, %d messages that came again", crashes, repeats)
	require.Positive(t, crashes)
	require.Positive(t, repeats)
}

func outlast(t *testing.T, seed uint64) (crashes, repeats int) {
	ctx, rng := context.Background(), rand.New(rand.NewPCG(seed, 15))
	to := &remote{t: t, seen: map[string]string{}, in: map[string]string{}, at: map[string]time.Time{}}
	to.during = func(bool) error { return nil }
	cfg := destination.Config{
		Mode:      []destination.Mode{destination.Identify, destination.Track, destination.Lists}[seed%3],
		Accounts:  destination.AccountCalls(seed / 3 % 3),
		BatchSize: 1 + rng.IntN(5),
		Interval:  time.Duration(rng.IntN(3)) * 3 * time.Hour,
	}
	if cfg.Mode != destination.Lists {
		cfg.Traits = []string{destination.All}
	}
	p := startProcess(t, vfs.NewCrashableMem(), shopStart, to, cfg)
	for range 60 {
		var crashed *vfs.MemFS
		to.during = func(arrived bool) error {
			if crashed != nil {
				return errCrashed
			}
			switch n := rng.IntN(12); {
			case n == 0:
				crashed = p.crash(rng)
				return errCrashed
			case n < 3:
				return errors.New("down")
			}
			return nil
		}
		user := fmt.Sprint("u", rng.IntN(6))
		switch rng.IntN(8) {
		case 0:
			require.NoError(t, p.engine.DeleteUser(ctx, user))
		case 1:
			require.NoError(t, p.engine.Group(ctx, audience.Group{Profile: user, Account: fmt.Sprint("acme", rng.IntN(2)), Time: p.clock.Now()}))
		case 2, 3:
			p.clock.Set(p.clock.Now().Add(time.Duration(rng.IntN(100)) * time.Minute))
			require.NoError(t, p.engine.Advance(ctx, p.clock.Now()))
		default:
			total, err := profile.NewObject(map[string]any{"total": rng.IntN(3)})
			require.NoError(t, err)
			require.NoError(t, p.engine.Track(ctx, profile.Event{Profile: user, Name: "Buy", Time: p.clock.Now(), Properties: total, Account: fmt.Sprint("acme", rng.IntN(2))}))
		}
		switch rng.IntN(4) {
		case 0:
			_, err := p.hub.Sync(ctx)
			require.NoError(t, err)
		case 1:
			_ = p.hub.Flush(ctx) // the receiver may be down
		}
		if crashed == nil && rng.IntN(12) == 0 {
			crashed = p.crash(rng)
		}
		if crashed != nil {
			crashes++
			to.during = func(bool) error { return errCrashed }
			p.end()
			to.during = func(bool) error { return nil }
			p = startProcess(t, crashed, p.clock.Now(), to, cfg)
		}
	}
	to.during = func(bool) error { return nil }
	require.NoError(t, p.hub.Flush(ctx))
	require.Equal(t, p.there(t, cfg), to.in, "seed %d", seed)
	sound(t, p.store)
	p.end()
	return crashes, to.repeats
}

// there returns what the receiver should have been told.
func (p *process) there(t *testing.T, cfg destination.Config) map[string]string {
	in := map[string]string{}
	takes := func(ref profile.Ref, ofAccounts bool) bool {
		switch {
		case cfg.Accounts == destination.GroupAndUserCalls || ref.Subject == profile.User && !ofAccounts:
			return true
		case ref.Subject == profile.Account:
			return cfg.Accounts == destination.GroupCalls
		}
		return cfg.Accounts == destination.UserCalls
	}
	for _, d := range p.engine.List() {
		for m, err := range p.engine.Members(context.Background(), d.Key) {
			require.NoError(t, err)
			if takes(m.Ref, d.Of == profile.Account) {
				in[fmt.Sprint(m.Ref.Subject, " ", m.Ref.ID, " ", d.Key)] = "true"
			}
		}
	}
	if len(cfg.Traits) > 0 {
		for v, err := range p.engine.Values(context.Background(), "spent") {
			require.NoError(t, err)
			in["user "+v.Ref.ID+" spent"] = v.Value.String()
		}
	}
	return in
}
