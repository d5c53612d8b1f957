package pebblestore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// history makes random operations.
type history struct {
	rand  *rand.Rand
	now   time.Time
	n     int
	there map[string]bool // audiences: whether it is of accounts
}

func (h *history) user() string { return fmt.Sprint(h.kind(), h.rand.IntN(6)) }

// kind returns the first letter of who is one of many users of an account, or of another's.
func (h *history) kind() string { return []string{"u", "c"}[h.rand.IntN(2)] }

func (h *history) account() string { return []string{"acme", "acme", "umbrella"}[h.rand.IntN(3)] }

func (h *history) definition(key string, ofAccounts bool) audience.Definition {
	seen := audience.Performed(fmt.Sprint("E", h.rand.IntN(3)))
	if h.rand.IntN(2) == 0 {
		seen = seen.Where(fmt.Sprintf("properties.n > %d", h.rand.IntN(10)))
	}
	window := time.Duration(1+h.rand.IntN(20)) * time.Minute
	conditions := []audience.Condition{
		seen.Within(window), seen.AtLeast(1 + h.rand.IntN(3)).Within(window), seen.Between(window, 2*window),
		audience.Not(seen.Within(window)), audience.Trait(fmt.Sprintf("traits.p == %d", h.rand.IntN(3))),
		audience.All(seen.Within(window), audience.Not(audience.Performed("E0").Within(window/2))),
	}
	of := conditions[h.rand.IntN(len(conditions))]
	if !ofAccounts {
		return audience.Define(key).Members(of)
	}
	return audience.Define(key).OfAccounts().Members([]audience.Users{
		audience.AnyUser(of), audience.AllUsers(of), audience.NoUser(of),
		audience.AtLeastUsers(colleagues/2+h.rand.IntN(4), of), audience.AtLeastUsers(1+h.rand.IntN(3), of), audience.AtLeastPercentOfUsers(5, of),
	}[h.rand.IntN(6)])
}

// colleagues are so many users of an account that it keeps counts of them, instead of counting
// them anew.
const colleagues = 40

// first returns what comes first: an account of many users.
func (h *history) first() (ops []oracle.Operation) {
	for i := range colleagues {
		ops = append(ops, oracle.Group{Profile: fmt.Sprint("c", i), Account: "acme", Time: h.now})
	}
	return ops
}

func (h *history) next() oracle.Operation {
	h.n++
	h.now = h.now.Add(time.Duration(h.rand.IntN(200)) * time.Second)
	object := func(json string, args ...any) profile.Object {
		o, err := profile.ParseObject(fmt.Appendf(nil, json, args...))
		if err != nil {
			panic(err) // of the test's own data
		}
		return o
	}
	key := fmt.Sprint("a", h.n)
	some := ""
	for k := range h.there {
		some = max(some, k)
	}
	switch n := h.rand.IntN(40); {
	case h.n == 1 || n < 3 && len(h.there) < 6:
		h.there[key] = h.rand.IntN(2) == 0
		return oracle.Create{Definitions: []audience.Definition{h.definition(key, h.there[key])}}
	case n < 4 && some != "":
		return oracle.EditAudience{Definition: h.definition(some, h.there[some])}
	case n < 5 && len(h.there) > 3:
		delete(h.there, some)
		return oracle.Drop{Audience: some}
	case n < 9:
		return oracle.Identify{Profile: h.user(), Traits: object(`{"p": %d}`, h.rand.IntN(3)), Time: h.now, MessageID: fmt.Sprint("m", h.rand.IntN(200))}
	case n < 13:
		return oracle.Group{Profile: h.user(), Account: h.account(), Time: h.now}
	case n < 14:
		return oracle.Leave{Profile: h.user(), Account: h.account()}
	case n < 15 && h.rand.IntN(8) == 0:
		return oracle.DeleteAccount{Account: h.account()}
	case n < 17:
		return oracle.Merge{From: h.user(), Into: h.user()}
	case n < 18:
		return oracle.Delete{Profile: h.user()}
	}
	return oracle.Track{Event: profile.Event{Profile: h.user(), Name: fmt.Sprint("E", h.rand.IntN(3)), MessageID: fmt.Sprint("m", h.rand.IntN(200)),
		Time: h.now.Add(-time.Duration(h.rand.IntN(300)) * time.Second), Properties: object(`{"n": %d}`, h.rand.IntN(10))}}
}

func do(t *testing.T, e *audience.Engine, op oracle.Operation) error {
	ctx := t.Context()
	switch op := op.(type) {
	case oracle.Track:
		return e.Track(ctx, op.Event)
	case oracle.Identify:
		return e.Identify(ctx, audience.Identify{Profile: op.Profile, Traits: op.Traits, Time: op.Time, MessageID: op.MessageID})
	case oracle.Group:
		return e.Group(ctx, audience.Group{Profile: op.Profile, Account: op.Account, Time: op.Time})
	case oracle.Leave:
		return e.Leave(ctx, op.Profile, op.Account)
	case oracle.DeleteAccount:
		return e.DeleteAccount(ctx, op.Account)
	case oracle.Merge:
		return e.Alias(ctx, op.From, op.Into)
	case oracle.Delete:
		return e.DeleteUser(ctx, op.Profile)
	case oracle.Create:
		return e.Create(ctx, op.Definitions...)
	case oracle.EditAudience:
		return e.EditAudience(ctx, op.Definition)
	case oracle.Drop:
		return e.DeleteAudience(ctx, op.Audience)
	}
	return fmt.Errorf("unknown operation %T", op)
}

// An engine that forgets every profile after each call, on a store that is closed, or
// crashes, at random points, answers as the oracle does, which keeps everything in slices.
func TestReopenedAtRandomPointsItAnswersAsTheOracle(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 11))
			h := history{rand: rng, now: shopStart, there: map[string]bool{}}
			model := oracle.NewModel(shopStart)
			clock := audience.NewManualClock(shopStart)
			fs := vfs.NewCrashableMem()
			var s *pebblestore.Store
			var e *audience.Engine
			begin := func() {
				var err error
				s = open(t, fs, pebblestore.Options{CacheBytes: 1 << 20})
				e, err = audience.New(t.Context(), s, audience.Options{Clock: clock, CacheBytes: 1, Shards: 1 + int(seed%4)*5})
				require.NoError(t, err)
			}
			begin()
			first := h.first()
			for step := range len(first) + 120 {
				var op oracle.Operation
				if step < len(first) {
					op = first[step]
				} else {
					op = h.next()
				}
				clock.Set(h.now)
				model.Do(h.now, op)
				require.NoError(t, do(t, e, op), "step %d: %T", step, op)
				switch rng.IntN(12) {
				case 0:
					require.NoError(t, e.Close())
					require.NoError(t, s.Close())
					begin()
				case 1: // all that was acknowledged is synced
					crashed := fs.CrashClone(vfs.CrashCloneCfg{})
					require.NoError(t, e.Close())
					require.NoError(t, s.Close())
					fs = crashed
					begin()
				}
				if step%4 > 0 {
					continue
				}
				require.NoError(t, e.Advance(t.Context(), h.now))
				model.Advance(h.now)
				for _, key := range model.Audiences() {
					var got []profile.Membership
					for m, err := range e.Members(t.Context(), key) {
						require.NoError(t, err)
						got = append(got, m)
					}
					require.Equal(t, model.Told(key), got, "step %d: %s", step, key)
				}
			}
			require.NoError(t, e.Close())
			sound(t, s)
			require.NoError(t, s.Close())
		})
	}
}
