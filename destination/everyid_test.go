package destination_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

// ledgerByID is a receiver for whom every id that it is told stands for itself: a
// list of email addresses, one of devices, a table of users. For each audience, and
// each computed trait, it has the ids that are in.
type ledgerByID struct {
	t      *testing.T
	store  *profile.MemStore
	engine *audience.Engine
	fail   func() (err error, arrives bool)
	has    map[string]map[profile.ExternalID]string // key → id → what was told
	late   bool                                     // the message was sent before
	tried  map[string]bool                          // the messages that were sent
	got    map[string]bool                          // and that arrived
	beside bool                                     // others call the engine meanwhile
	exits  int
	calls  []string // of those
	kept   []string // the lines, for a failure's text
}

// newLedgerByID returns one with an engine of its own, which it takes to be down at
// times, and the engine's clock.
func newLedgerByID(t *testing.T, rnd *rand.Rand, shards int) (*ledgerByID, *audience.ManualClock) {
	ctx, clock := context.Background(), audience.NewManualClock(start)
	store := profile.NewMemStore()
	engine, err := audience.New(ctx, store, audience.Options{Clock: clock, Shards: shards})
	require.NoError(t, err)
	require.NoError(t, engine.CreateTraits(ctx, trait.Sum("spent", "Buy", "total").Within(3*time.Hour)))
	require.NoError(t, engine.Create(ctx,
		audience.Define("buyers").Members(audience.Performed("Buy").Within(2*time.Hour)),
		audience.Define("lookers").Members(audience.NotPerformed("Buy").Within(time.Hour))))
	l := &ledgerByID{t: t, store: store, engine: engine, tried: map[string]bool{}, got: map[string]bool{}, has: map[string]map[profile.ExternalID]string{}}
	l.fail = func() (error, bool) {
		if rnd.IntN(4) == 0 {
			return errDown, rnd.IntN(2) == 0
		}
		return nil, true
	}
	return l, clock
}

func configByID(rnd *rand.Rand, mode destination.Mode, types []string) destination.Config {
	cfg := destination.Config{Mode: mode, ExternalIDs: types, BatchSize: 1 + rnd.IntN(6)}
	if mode != destination.Lists {
		cfg.Traits = []string{destination.All}
	}
	return cfg
}

// connectAnew closes a connection, and returns one that goes on where it was.
func (l *ledgerByID) connectAnew(hub *destination.Hub, c *destination.Connection, cfg destination.Config) *destination.Connection {
	ctx := context.Background()
	require.NoError(l.t, c.Close(done(ctx)))
	l.kept = append(l.kept, "connect anew")
	c, err := hub.Connect(ctx, l, cfg)
	require.NoError(l.t, err)
	return c
}

// openAnew closes the engine too, and returns a connection of another on its store.
func (l *ledgerByID) openAnew(hub *destination.Hub, clock audience.Clock, cfg destination.Config) (*destination.Hub, *destination.Connection) {
	ctx := context.Background()
	require.NoError(l.t, hub.Close(done(ctx)))
	require.NoError(l.t, l.engine.Close())
	var err error
	l.engine, err = audience.New(ctx, l.store, audience.Options{Clock: clock})
	require.NoError(l.t, err)
	l.kept = append(l.kept, "open anew")
	hub = destination.NewHub(l.engine, destination.Options{})
	c, err := hub.Connect(ctx, l, cfg)
	require.NoError(l.t, err)
	return hub, c
}

func (*ledgerByID) Type() string { return "by id" }

func (*ledgerByID) Modes() destination.Mode {
	return destination.Identify | destination.Track | destination.Lists
}

func (l *ledgerByID) Deliver(_ context.Context, b *destination.Batch) error {
	err, arrives := l.fail()
	if !arrives {
		for _, m := range b.Messages {
			l.tried[m.MessageID] = true
		}
		for _, list := range b.Lists {
			for _, m := range slices.Concat(list.Add, list.Remove) {
				l.tried[m.MessageID] = true
			}
		}
		l.kept = append(l.kept, "a batch does not arrive")
		return err
	}
	for line := range b.Lines() {
		l.kept = append(l.kept, string(line))
	}
	for _, m := range b.Messages {
		if l.repeated(m.MessageID) {
			continue
		}
		values := m.Traits
		if m.Type == profile.Track {
			values = m.Properties
		}
		for key, v := range values.All() {
			if key != "audience_key" && key != "trait_key" {
				l.told(key, v, m.IDs())
			}
		}
	}
	for _, list := range b.Lists {
		in := map[profile.ExternalID]bool{}
		for _, m := range list.Add {
			if l.repeated(m.MessageID) {
				continue
			}
			for _, id := range idsOf(m) {
				in[id] = true
			}
			l.told(list.Audience, profile.BoolValue(true), idsOf(m))
		}
		for _, m := range list.Remove {
			if l.repeated(m.MessageID) {
				continue
			}
			for _, id := range idsOf(m) {
				require.False(l.t, in[id], "%v is added and removed in one list\n%s", id, l)
			}
			l.told(list.Audience, profile.BoolValue(false), idsOf(m))
		}
	}
	return err
}

// repeated reports whether a message has arrived before, and notes whether it was
// sent before: what was sent once stays what it is, whatever happens meanwhile.
func (l *ledgerByID) repeated(id string) bool {
	l.late = l.tried[id]
	repeated := l.got[id]
	l.tried[id], l.got[id] = true, true
	return repeated
}

// idsOf returns the ids of a list's member.
func idsOf(m destination.Member) []profile.ExternalID {
	ids := slices.Clone(m.ExternalIDs)
	if m.ID != "" {
		own := profile.ExternalID{Type: "user_id", Value: m.ID}
		if m.Anonymous {
			own.Type = "anonymous_id"
		}
		ids = append(ids, own)
	}
	return ids
}

func (l *ledgerByID) told(key string, v profile.Value, ids []profile.ExternalID) {
	if l.has[key] == nil {
		l.has[key] = map[profile.ExternalID]string{}
	}
	out := v.IsNull() || v.Equal(profile.BoolValue(false))
	for _, id := range ids {
		if !out {
			l.has[key][id] = v.String()
			continue
		}
		l.exits++
		delete(l.has[key], id)
		if l.late || l.beside {
			continue
		}
		require.Empty(l.t, l.membersWith(key, id), "%v is told to be out of %s\n%s", id, key, l)
	}
}

func (l *ledgerByID) String() string {
	text := strings.Join(l.calls, "\n") + "\n"
	for _, line := range l.kept {
		text += line + "\n"
	}
	return text
}

// in returns the users who are in an audience, or have a value of a trait.
func (l *ledgerByID) in(key string) (ids []string) {
	if key == "spent" {
		for v, err := range l.engine.Values(context.Background(), key) {
			require.NoError(l.t, err)
			ids = append(ids, v.Ref.ID)
		}
		return ids
	}
	for m, err := range l.engine.Members(context.Background(), key) {
		require.NoError(l.t, err)
		ids = append(ids, m.Ref.ID)
	}
	return ids
}

// membersWith returns the present members who have an id.
func (l *ledgerByID) membersWith(key string, id profile.ExternalID) (members []string) {
	snapshot, err := l.engine.Snapshot(context.Background())
	require.NoError(l.t, err)
	defer snapshot.Close()
	holders, err := snapshot.Find(context.Background(), profile.User, id)
	require.NoError(l.t, err)
	if id.Type == "user_id" || id.Type == "anonymous_id" {
		kept, exists, err := snapshot.Resolve(context.Background(), profile.UserRef(id.Value))
		require.NoError(l.t, err)
		if exists {
			holders = append(holders, kept)
		}
	}
	for _, user := range l.in(key) {
		if slices.Contains(holders, user) {
			members = append(members, user)
		}
	}
	return members
}

// check compares what the receiver has, when nothing waits, with the engine.
func (l *ledgerByID) check(mode destination.Mode, types []string) {
	ctx := context.Background()
	snapshot, err := l.engine.Snapshot(ctx)
	require.NoError(l.t, err)
	defer snapshot.Close()
	keys := []string{"buyers", "lookers"}
	if mode != destination.Lists {
		keys = append(keys, "spent")
	}
	for _, key := range keys {
		for id := range l.has[key] {
			require.NotEmpty(l.t, l.membersWith(key, id), "%v stays in %s, and is no member's\n%s", id, key, l)
		}
		for _, user := range l.in(key) {
			known, err := snapshot.Known(ctx, user)
			require.NoError(l.t, err)
			own := profile.ExternalID{Type: "user_id", Value: user}
			if !known {
				own.Type = "anonymous_id"
			}
			want := []profile.ExternalID{own}
			ids, err := snapshot.IDs(ctx, profile.UserRef(user))
			require.NoError(l.t, err)
			for _, id := range ids {
				if slices.Contains(types, id.Type) || slices.Contains(types, destination.All) {
					want = append(want, id)
				}
			}
			for _, id := range want {
				require.Contains(l.t, l.has[key], id, "%v of %s, a member of %s\n%s", id, user, key, l)
			}
			if key == "spent" {
				for v, err := range l.engine.Values(ctx, key) {
					require.NoError(l.t, err)
					if v.Ref.ID == user && len(l.membersWith(key, own)) == 1 {
						require.Equal(l.t, v.Value.String(), l.has[key][own], "%v\n%s", own, l)
					}
				}
			}
		}
	}
}

// Random histories of visitors, users, merges, deletions and ids that several
// share, in each mode: no id of a present member is ever told to be out, every id
// of each member is told, and nothing stays that is nobody's any more.
func TestReceiversThatGoByAnyID(t *testing.T) {
	seeds := uint64(15)
	if testing.Short() {
		seeds = 3
	}
	for _, mode := range []destination.Mode{destination.Identify, destination.Track, destination.Lists} {
		for _, types := range [][]string{nil, {"email"}, {destination.All}} {
			t.Run(fmt.Sprint(mode, types), func(t *testing.T) {
				exits := 0
				for seed := range seeds {
					exits += playToReceiver(t, seed, mode, types)
				}
				require.Positive(t, exits)
			})
		}
	}
}

func playToReceiver(t *testing.T, seed uint64, mode destination.Mode, types []string) (exits int) {
	r, ctx := require.New(t), context.Background()
	rnd := rand.New(rand.NewPCG(seed, uint64(mode)))
	to, clock := newLedgerByID(t, rnd, 1+rnd.IntN(4))
	engine := to.engine
	defer func() { _ = engine.Close() }()
	pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
	visitor := func() string { return pick("v1", "v2", "v3", "v4") }
	user := func() string { return pick("ann", "bob", "eve") }
	cfg := configByID(rnd, mode, types)
	hub := destination.NewHub(engine, destination.Options{})
	c, err := hub.Connect(ctx, to, cfg)
	r.NoError(err)
	for range 60 {
		m := profile.Message{Type: profile.Track, Name: pick("Buy", "Look"), Time: clock.Now()}
		m.Properties, err = profile.NewObject(map[string]any{"total": rnd.IntN(3)})
		r.NoError(err)
		switch rnd.IntN(4) {
		case 0:
			m.UserID = user()
		case 1:
			m.UserID, m.AnonymousID = user(), visitor()
		default:
			m.AnonymousID = visitor()
		}
		switch rnd.IntN(10) {
		case 0:
			from, into := pick(visitor(), user()), user()
			to.kept = append(to.kept, "alias "+from+" "+into)
			r.NoError(engine.Alias(ctx, from, into))
		case 1:
			who := pick(visitor(), user())
			to.kept = append(to.kept, "delete "+who)
			r.NoError(engine.DeleteUser(ctx, who))
		case 2:
			r.NoError(engine.Advance(ctx, clock.Now().Add(time.Duration(rnd.IntN(90))*time.Minute)))
			clock.Set(engine.Now())
		case 3, 4:
			m.Type, m.Properties = profile.Identify, profile.Object{}
			m.Traits, err = profile.NewObject(map[string]any{"email": pick("a@x.io", "b@x.io", "c@x.io")})
			r.NoError(err)
			fallthrough
		default:
			text, err := destination.EncodeMessage(&m)
			r.NoError(err)
			to.kept = append(to.kept, "message "+string(text))
			r.NoError(engine.Apply(ctx, m))
		}
		switch rnd.IntN(5) {
		case 0: // all that waits is sent
			flushAll(c)
			to.check(mode, types)
		case 1: // some of it may be
			_ = c.Flush(ctx)
		case 2: // the connection is made anew
			c = to.connectAnew(hub, c, cfg)
		case 3: // or the engine
			if rnd.IntN(3) == 0 {
				hub, c = to.openAnew(hub, clock, cfg)
				engine = to.engine
			}
		}
	}
	flushAll(c)
	to.check(mode, types)
	return to.exits
}
