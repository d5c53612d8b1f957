package audience_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// Data that stays with its user is taken beside data that moves accounts, and the users
// that depend on them, on eight goroutines, while the clock goes on by single
// nanoseconds and by hours. Each pair enters and exits in turns, at instants that do not
// go back, and where time alone ends it at the very nanosecond; in the end all are
// members who should be.
func TestDataOfUsersBesideDataOfAccounts(t *testing.T) {
	for seed := range uint64(20) {
		r, ctx := require.New(t), context.Background()
		clock := audience.NewManualClock(start)
		opts := audience.Options{Clock: clock, Shards: 8}
		if seed%4 > 1 {
			opts.CacheBytes = 20_000 // some of the states
		}
		e, err := audience.New(ctx, profile.NewMemStore(), opts)
		r.NoError(err)
		defer e.Close()
		defs := []audience.Definition{
			audience.Define("viewers").Members(audience.Performed("View").Within(time.Hour)),
			audience.Define("keen").Members(audience.Performed("View").AtLeast(3).Within(5 * time.Hour)),
			audience.Define("buying").OfAccounts().Members(audience.AnyUser(audience.Performed("Buy").Within(2 * time.Hour))),
			audience.Define("busy").OfAccounts().Members(audience.Performed("Buy").AtLeast(3).Within(3 * time.Hour)),
			audience.Define("colleagues").Members(audience.All(audience.InAudience("buying"), audience.NotPerformed("Buy").Within(2*time.Hour))),
			audience.Define("torn").Members(audience.All(audience.Performed("View").Within(time.Hour), audience.InAudience("busy"))),
			audience.Define("pros").Members(audience.Trait(`traits.plan == "pro"`)),
		}
		if seed%2 == 0 { // no user depends on accounts: an event takes the locks of its own
			defs = slices.DeleteFunc(defs, func(d audience.Definition) bool { return d.Key == "colleagues" || d.Key == "torn" })
		}
		r.NoError(e.Create(ctx, defs...))
		var mu sync.Mutex
		type pair struct {
			audience string
			ref      profile.Ref
		}
		last, member := map[profile.Ref]time.Time{}, map[pair]bool{}
		windows := map[string]time.Duration{"viewers": time.Hour, "keen": 5 * time.Hour, "buying": 2 * time.Hour, "busy": 3 * time.Hour}
		times, ended := map[time.Time]bool{}, []time.Time{}
		_, err = e.Subscribe(func(_ context.Context, tr audience.Transition) error {
			mu.Lock()
			defer mu.Unlock()
			p := pair{tr.Audience, tr.Ref()}
			if tr.At.Before(last[p.ref]) || member[p] == (tr.Type == audience.Entered) {
				t.Errorf("seed %d: %v after %v", seed, tr, last[p.ref])
			}
			last[p.ref], member[p] = tr.At, tr.Type == audience.Entered
			if after, timed := windows[tr.Audience]; timed && tr.Cause == audience.CauseTime && tr.Type == audience.Exited {
				ended = append(ended, tr.At.Add(-after))
			}
			return nil
		})
		r.NoError(err)
		track := func(user, name string, at time.Time) error {
			mu.Lock()
			times[at] = true
			mu.Unlock()
			return e.Track(ctx, profile.Event{Profile: user, Name: name, Time: at})
		}
		pass := func(d time.Duration) time.Time {
			mu.Lock()
			defer mu.Unlock()
			clock.Set(clock.Now().Add(d))
			return clock.Now()
		}
		for u := range 40 {
			r.NoError(e.Group(ctx, audience.Group{Profile: fmt.Sprint("u", u), Account: fmt.Sprint("a", u%6)}))
		}
		var working sync.WaitGroup
		for worker := range uint64(8) {
			working.Add(1)
			go func() {
				defer working.Done()
				rnd := rand.New(rand.NewPCG(seed, worker))
				for range 150 {
					user := fmt.Sprint("u", rnd.IntN(44))
					at := pass([]time.Duration{0, 1, 1, 1, time.Minute, time.Hour / 4}[rnd.IntN(6)])
					var err error
					switch rnd.IntN(10) {
					case 0, 1:
						err = track(user, "Buy", at)
					case 2:
						err = e.Identify(ctx, audience.Identify{Profile: user, Traits: object("plan", []string{"pro", "free"}[rnd.IntN(2)])})
					case 3:
						err = e.Advance(ctx, at)
					default:
						err = track(user, "View", at.Add(-time.Duration(rnd.IntN(3))*time.Minute))
					}
					if err != nil {
						t.Error(err)
					}
				}
			}()
		}
		working.Wait()
		r.NoError(e.Advance(ctx, clock.Now()))
		r.NotEmpty(ended)
		for _, at := range ended { // each at the exact instant at which an event left a window
			r.True(times[at], "seed %d: %s", seed, at)
		}
		for _, d := range defs {
			for m, err := range e.Members(ctx, d.Key) {
				r.NoError(err)
				r.True(member[pair{d.Key, m.Ref}])
				x, err := e.Explain(ctx, d.Key, m.Ref) // from the history
				r.NoError(err)
				r.True(x.Member, "seed %d: %v", seed, x)
			}
			for p, is := range member {
				if p.audience != d.Key || is {
					continue
				}
				x, err := e.Explain(ctx, d.Key, p.ref)
				r.NoError(err)
				r.False(x.Member, "seed %d: %v", seed, x)
			}
		}
	}
}

// An event may tell an id of its user, which no account takes the event for, and which an account asks
// its users for all the same: the account is then changed with it, in whatever shard it is.
func TestAnEventThatTellsAnIDReachesTheAccountsThatAskForIt(t *testing.T) {
	for name, c := range map[string]struct {
		where audience.Condition
		want  string
	}{
		"a condition on users":          {audience.AnyUser(audience.Trait(`"a@x" in ids.email`)), "entered"},
		"one in a condition on users":   {audience.AllUsers(audience.Not(audience.Any(audience.Trait(`has(ids.email)`), audience.Performed("Buy").AtMost(0)))), "exited"},
		"a filter on the acting user":   {audience.Performed("Buy").Where(`has(ids.email)`), "entered"},
		"what counts of the acting one": {audience.Performed("Buy").DistinctBy("properties.sku").Where(`size(ids.email) == 1`), "entered"},
		"a step of a funnel":            {audience.Funnel(funnel.Start("one", "Buy").Where(`has(ids.email)`)), "entered"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, r := context.Background(), require.New(t)
			const accounts = 20 // of which some are in the shard of the user
			clock := audience.NewManualClock(start)
			e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock, Shards: 16})
			r.NoError(err)
			defer e.Close()
			r.NoError(e.Create(ctx, audience.Define("asking").OfAccounts().Members(c.where)))
			for i := range accounts {
				r.NoError(e.Group(ctx, audience.Group{Profile: "u", Account: fmt.Sprint("a", i)}))
			}
			r.NoError(e.Track(ctx, profile.Event{Profile: "u", Name: "Buy", Time: start, Properties: object("sku", "p")}))
			told := 0
			_, err = e.Subscribe(func(_ context.Context, tr audience.Transition) error {
				if tr.Type.String() == c.want {
					told++
				}
				return nil
			})
			r.NoError(err)
			r.NoError(e.Apply(ctx, profile.Message{Type: profile.Track, UserID: "u", Name: "View", Time: start,
				Context: object("externalIds", []any{map[string]any{"type": "email", "id": "a@x", "collection": "users"}})}))
			r.Equal(accounts, told)
			members, err := e.MemberCount(ctx, "asking")
			r.NoError(err)
			r.Equal(c.want == "entered", members == accounts)
			r.NoError(e.Check())
		})
	}
}

// Messages that tell ids, taken beside data of the same accounts on eight goroutines: accounts that
// count by the ids of who acted are in other shards than these, also those that a user has only sent
// events for, and what is told of them may have evidence, which looks at all of their users. In the
// end all is as it is for an engine that was told the same one by one. That no account is changed
// without the lock of its shard is for the race detector to see.
func TestIDsThatAccountsAskForAreToldBesideDataOfTheAccounts(t *testing.T) {
	for _, evidence := range []bool{false, true} {
		t.Run(fmt.Sprintf("evidence=%t", evidence), func(t *testing.T) { tellIDsBeside(t, evidence) })
	}
}

func tellIDsBeside(t *testing.T, evidence bool) {
	ctx, r := context.Background(), require.New(t)
	defs := []audience.Definition{
		audience.Define("reached").OfAccounts().Members(audience.Performed("Buy").Where(`has(ids.email)`).AtLeast(3)),
		audience.Define("asking").OfAccounts().Members(audience.AtLeastUsers(3, audience.Trait(`has(ids.email)`))),
		audience.Define("buying").OfAccounts().Members(audience.AnyUser(audience.Performed("Buy").AtLeast(5))),
	}
	const workers, users, accounts, rounds = 8, 40, 12, 60
	open := func() *audience.Engine {
		e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(start), Shards: 16, Evidence: evidence})
		r.NoError(err)
		r.NoError(e.Create(ctx, defs...))
		for u := range users {
			r.NoError(e.Group(ctx, audience.Group{Profile: fmt.Sprint("u", u), Account: fmt.Sprint("a", u%accounts)}))
		}
		return e
	}
	message := func(worker, round int) profile.Message {
		rnd := rand.New(rand.NewPCG(uint64(worker), uint64(round)))
		user := rnd.IntN(users)
		m := profile.Message{Type: profile.Track, UserID: fmt.Sprint("u", user), Name: []string{"Buy", "View"}[rnd.IntN(2)], Time: start}
		if rnd.IntN(4) == 0 {
			m.GroupID = fmt.Sprint("a", rnd.IntN(accounts))
		}
		if rnd.IntN(3) == 0 {
			m.Context = object("externalIds", []any{map[string]any{"type": "email", "id": fmt.Sprintf("%d-%d@x", user, rnd.IntN(30)), "collection": "users"}})
		}
		return m
	}
	beside, single := open(), open()
	defer beside.Close()
	defer single.Close()
	var working sync.WaitGroup
	for worker := range workers {
		working.Add(1)
		go func() {
			defer working.Done()
			for round := range rounds {
				if err := beside.Apply(ctx, message(worker, round)); err != nil {
					t.Error(err)
				}
			}
		}()
		for round := range rounds {
			r.NoError(single.Apply(ctx, message(worker, round)))
		}
	}
	working.Wait()
	r.NoError(beside.Check())
	want, got := membersOf(t, single), membersOf(t, beside)
	r.Equal(want, got)
	r.Len(got, len(defs))
}
