package audience_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

var groupStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func objectOf(m map[string]any) profile.Object {
	o, err := profile.NewObject(m)
	if err != nil {
		panic(err) // of the test's own data
	}
	return o
}

// groupLog returns messages in the order of time, of which some are repeated, some
// refused, and some merge users.
func groupLog(n int) []profile.Message {
	rng := rand.New(rand.NewPCG(7, 7))
	messages := make([]profile.Message, 0, n)
	at := groupStart
	for i := range n {
		at = at.Add(time.Duration(rng.IntN(7200)) * time.Second)
		m := profile.Message{Type: profile.Track, UserID: fmt.Sprintf("u%d", rng.IntN(20)), Name: "View", Time: at, MessageID: fmt.Sprint(i)}
		switch rng.IntN(12) {
		case 0:
			m.MessageID = fmt.Sprint(rng.IntN(i + 1))
		case 1:
			m.Name = "" // refused
		case 2:
			m.Type, m.Name = profile.Identify, ""
			m.Traits = objectOf(map[string]any{"plan": fmt.Sprint(rng.IntN(2))})
		case 3:
			m.Type, m.Name = profile.Identify, ""
			m.Traits = objectOf(map[string]any{"views": 1}) // refused: it is computed
		case 4:
			m.AnonymousID = fmt.Sprintf("a%d", rng.IntN(20))
		case 5:
			m.AnonymousID, m.UserID = fmt.Sprintf("a%d", rng.IntN(20)), ""
		case 6:
			m.Time = at.Add(-24 * time.Hour) // late
		}
		messages = append(messages, m)
	}
	return messages
}

// grouped is an engine over a store with what it has told.
type grouped struct {
	*audience.Engine
	told []string
}

func newGrouped(t *testing.T, store profile.Store, shards int) *grouped {
	g := &grouped{}
	var err error
	g.Engine, err = audience.New(t.Context(), store, audience.Options{Clock: audience.NewManualClock(profile.MinTime), Shards: shards})
	require.NoError(t, err)
	require.NoError(t, g.CreateTraits(t.Context(), trait.Count("views", "View")))
	require.NoError(t, g.Create(t.Context(),
		audience.Define("often").Members(audience.Performed("View").AtLeast(3).Within(36*time.Hour)),
		audience.Define("paused").Members(audience.Performed("View").Between(12*time.Hour, 48*time.Hour)),
		audience.Define("gold").Members(audience.Trait(`traits.plan == "1"`))))
	return g
}

func (g *grouped) subscribe(t *testing.T) {
	_, err := g.Subscribe(func(_ context.Context, tr audience.Transition) error {
		g.told = append(g.told, fmt.Sprintf("%08d %s %s %v %s %v", tr.ID, tr.Audience, tr.Profile, tr.Type, tr.At.Format(time.RFC3339Nano), tr.Cause))
		return nil
	})
	require.NoError(t, err)
}

// state is what the engine has come to.
func (g *grouped) state(t *testing.T, store profile.Store) (lines []string) {
	for _, d := range g.List() {
		for m, err := range store.Members(t.Context(), d.Key, "") {
			require.NoError(t, err)
			lines = append(lines, fmt.Sprint(d.Key, m.Ref, m.Since))
		}
	}
	seq, now, err := store.Position(t.Context())
	require.NoError(t, err)
	return append(lines, fmt.Sprint(seq, now))
}

// replay replays messages, so many a call.
func (g *grouped) replay(t *testing.T, messages []profile.Message, size int) (refused []string) {
	for from := 0; from < len(messages); from += size {
		some, err := g.Replay(t.Context(), messages[from:min(from+size, len(messages))]...)
		require.NoError(t, err)
		for _, r := range some {
			refused = append(refused, fmt.Sprint(from+r.Index, r.Err))
		}
	}
	require.NoError(t, g.Advance(t.Context(), groupStart.AddDate(1, 0, 0)))
	return refused
}

// What messages do is the same, to the ids and instants of transitions, whether each is a
// transaction of its own or many are one. With several shards, of which each fires what is due
// when it is next used, a group fires it in the order of all: the ids of different profiles
// may be exchanged then.
func TestGroupsComeToWhatOneByOneComesTo(t *testing.T) {
	messages := groupLog(3000)
	for _, shards := range []int{1, 16} {
		for _, subscribed := range []bool{false, true} {
			t.Run(fmt.Sprint(shards, subscribed), func(t *testing.T) {
				var told, states, refused [2][]string
				var commits [2]uint64
				for i, size := range []int{1, 700} {
					store := profile.NewMemStore()
					g := newGrouped(t, store, shards)
					if subscribed {
						g.subscribe(t)
					}
					refused[i] = g.replay(t, messages, size)
					slices.Sort(g.told) // by id: the order of delivery is each shard's
					if shards > 1 {
						told[i] = nil
						for _, line := range g.told {
							told[i] = append(told[i], line[9:])
						}
						slices.Sort(told[i])
						g.told = told[i]
					}
					told[i], states[i], commits[i] = g.told, g.state(t, store), g.Stats().Commits
					require.NoError(t, g.Close())
				}
				require.Equal(t, refused[0], refused[1])
				require.NotEmpty(t, refused[0])
				require.Equal(t, told[0], told[1])
				require.Equal(t, states[0], states[1])
				require.Equal(t, subscribed, len(told[0]) > 0)
				if !subscribed {
					require.Less(t, commits[1], commits[0]/5)
				}
			})
		}
	}
}

// A group that fails leaves nothing: its messages are taken one by one, at the instants at
// which they would have been.
func TestAGroupThatFailsIsMadeOneByOne(t *testing.T) {
	messages := groupLog(120)
	for _, what := range []fault{failOnce, panicOnce} {
		for n := 1; n < 400; n += 13 {
			var told, states [2][]string
			met := false
			for i := range 2 {
				store := newFaultyStore(profile.NewMemStore())
				g := newGrouped(t, store, 1)
				g.subscribe(t)
				if i == 1 {
					store.arm(what, n, nil)
				}
				for rest := messages; len(rest) > 0; {
					_, err := g.Replay(t.Context(), rest...)
					if err == nil {
						break
					}
					var of *audience.MessageError
					require.ErrorAs(t, err, &of)
					rest = rest[of.Index:]
				}
				if i == 1 {
					met = store.disarm()
				}
				require.NoError(t, g.Advance(t.Context(), groupStart.AddDate(1, 0, 0)))
				slices.Sort(g.told)
				told[i], states[i] = g.told, g.state(t, store)
				require.NoError(t, g.Close())
			}
			require.Equal(t, told[0], told[1], "%v at point %d", what, n)
			require.Equal(t, states[0], states[1])
			if !met {
				break
			}
		}
	}
}
