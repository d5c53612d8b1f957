package audience_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// racers is the number of goroutines, each with users of its own.
const racers = 8

// raceDay is how long the day is on which these do what they do.
const raceDay = 24 * time.Hour

// TestAccountsOfConcurrentUsers has eight goroutines ingest for users of their
// own who share accounts, while a ninth moves the clock. What is done for one
// user comes in one order, and of two users the order makes no difference: so one
// goroutine after the other is an order that could have been, and who is in which
// audience in the end is what the oracle makes of that.
func TestAccountsOfConcurrentUsers(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { raceForAccounts(t, seed) })
	}
}

func raceForAccounts(t *testing.T, seed uint64) {
	const operations = 200
	ctx := context.Background()
	clock := audience.NewManualClock(start)
	e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{
		Clock: clock, Shards: 8, OnError: func(err error) { t.Error(err) },
	})
	require.NoError(t, err)
	defer e.Close()
	defined := oracle.Create{
		Traits: []trait.Computed{trait.Count("logins", "Login").OfAccounts()},
		Definitions: []audience.Definition{
			ofUsers("active", active),
			ofAccounts("lively", audience.AnyUser(active)).WithPerUser(),
			ofUsers("known", audience.Performed("Login")),
			ofAccounts("all_known", audience.AllUsers(audience.InAudience("known"))),
			ofAccounts("at_risk", audience.All(audience.Trait(`traits.plan == "pro"`), audience.NoUser(active))).WithPerUser(),
			ofAccounts("crowded", audience.Performed("Login").AtLeast(4).Within(6*time.Hour)),
			ofAccounts("sent", active.OfGroup()),
			ofAccounts("used", audience.All(audience.Trait("traits.logins > 40"), audience.Not(audience.InAudience("at_risk")))),
			ofUsers("pro_admins", audience.Trait(`traits.admin && account.traits.plan == "pro"`)),
			ofUsers("to_wake", audience.All(audience.InAudience("lively"), audience.Not(audience.InAudience("active")))),
		},
	}
	require.NoError(t, e.CreateFile(ctx, audience.File{Traits: defined.Traits, Audiences: defined.Definitions}))
	heard := newTurns(t)
	e.Subscribe(func(ctx context.Context, tr audience.Transition) error {
		heard.take(tr)
		_, err := e.MemberCount(ctx, tr.Audience) // a callback may ask
		return err
	})

	log := []oracle.Operation{defined}
	calls := &player{ctx: ctx, engine: e}
	var wait sync.WaitGroup
	for worker := range racers {
		mine := workday(seed, worker, operations)
		log = append(log, mine...)
		wait.Add(1)
		go func() {
			defer wait.Done()
			for _, op := range mine {
				if err := calls.do(op); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wait.Add(1)
	go func() {
		defer wait.Done()
		for at := start; at.Before(start.Add(raceDay)); at = at.Add(7 * time.Minute) {
			clock.Set(at)
			if err := e.Advance(ctx, at); err != nil {
				t.Error(err)
			}
		}
	}()
	wait.Wait()

	told := 0
	for at := start.Add(raceDay); at.Before(start.Add(raceDay + 8*time.Hour)); at = at.Add(time.Hour) {
		require.NoError(t, e.Advance(ctx, at))
		for _, d := range defined.Definitions {
			want := oracle.Members(log, d.Key, at)
			members, err := all(e.Members(ctx, d.Key))
			require.NoError(t, err)
			got := []profile.Ref{}
			for _, m := range members {
				got = append(got, m.Ref)
			}
			require.Equal(t, want, got, "%s at %s", d.Key, at)
			require.Equal(t, want, heard.members(d.Key), "%s at %s, as told", d.Key, at)
			told += len(want)
		}
	}
	require.NotZero(t, told)
}

// workday makes up what is done for the users of one goroutine.
func workday(seed uint64, worker, operations int) []oracle.Operation {
	random := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(worker)))}
	user := func() string { return fmt.Sprintf("w%d_u%d", worker, random.IntN(8)) }
	account := func() string { return pick(random, []string{"acme", "beta", "coda"}) }
	// Of two changes of a trait the later counts, so no two are of one instant.
	at := func() time.Time {
		return start.Add(time.Duration(random.Int64N(int64(raceDay)))/racers*racers + time.Duration(worker))
	}
	var day []oracle.Operation
	for range operations {
		switch n := random.IntN(40); {
		case n < 16:
			ev := profile.Event{Profile: user(), Name: "Login", Time: at()}
			if random.IntN(3) == 0 {
				ev.Account = account()
			}
			day = append(day, oracle.Track{Event: ev})
		case n < 22:
			day = append(day, oracle.Identify{Profile: user(), Traits: object("admin", random.IntN(2) == 0), Time: at()})
		case n < 33:
			day = append(day, oracle.Group{
				Profile: user(), Account: account(),
				Traits: object("plan", pick(random, []string{"pro", "free"})), Time: at(),
			})
		case n < 38:
			day = append(day, oracle.Leave{Profile: user(), Account: account()})
		case n < 39:
			day = append(day, oracle.Delete{Profile: user()})
		default:
			day = append(day, oracle.Merge{From: user(), Into: user()})
		}
	}
	return day
}

// turns holds what is told to its promise: of each profile and audience entries
// and exits take turns, beginning with an entry, and no profile goes back in time.
type turns struct {
	t  *testing.T
	mu sync.Mutex
	in map[string]map[profile.Ref]bool // by audience
	at map[profile.Ref]time.Time       // the last told
}

func newTurns(t *testing.T) *turns {
	return &turns{t: t, in: map[string]map[profile.Ref]bool{}, at: map[profile.Ref]time.Time{}}
}

func (h *turns) take(tr audience.Transition) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ref := tr.Ref()
	if h.in[tr.Audience] == nil {
		h.in[tr.Audience] = map[profile.Ref]bool{}
	}
	in := h.in[tr.Audience]
	if entered := tr.Type == audience.Entered; in[ref] == entered {
		h.t.Errorf("out of turn: %s", tr)
	}
	if tr.At.Before(h.at[ref]) {
		h.t.Errorf("back in time from %s: %s", h.at[ref], tr)
	}
	h.at[ref] = tr.At
	if in[ref] = tr.Type == audience.Entered; !in[ref] {
		delete(in, ref)
	}
}

// members returns who entered and has not exited.
func (h *turns) members(key string) []profile.Ref {
	h.mu.Lock()
	defer h.mu.Unlock()
	refs := []profile.Ref{}
	for ref := range h.in[key] {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, func(a, b profile.Ref) int {
		if a.Subject != b.Subject {
			return int(a.Subject) - int(b.Subject)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return refs
}
