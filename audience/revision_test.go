package audience_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

// hookStore calls a function, once, when the history of a user is read.
type hookStore struct {
	profile.Store
	hook atomic.Pointer[func()]
}

func (s *hookStore) Events(ctx context.Context, user, name string, since time.Time) iter.Seq2[profile.Event, error] {
	if hook := s.hook.Swap(nil); hook != nil {
		(*hook)()
	}
	return s.Store.Events(ctx, user, name, since)
}

// shop returns an engine with so many users, each of whom viewed and every other
// of whom ordered, which computes nothing at once.
func shop(t *testing.T, users int) (*audience.Engine, *hookStore, time.Time) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	store := &hookStore{Store: profile.NewMemStore()}
	e, err := audience.New(context.Background(), store, audience.Options{Clock: audience.NewManualClock(at)})
	require.NoError(t, err)
	e.SetFirstUpgrades(0)
	for u := range users {
		for i, name := range []string{"View", "Order"} {
			if u%2 >= i {
				require.NoError(t, e.Track(context.Background(), profile.Event{Profile: fmt.Sprint("u", u), Name: name, Time: at.Add(-time.Hour)}))
			}
		}
	}
	return e, store, at
}

func count(t *testing.T, e *audience.Engine, key string) int {
	n, err := e.MemberCount(context.Background(), key)
	require.NoError(t, err)
	return n
}

// While an edit runs everybody sees the old audience, it cannot be edited or
// deleted, and data counts for both; at the end it is the new one at once.
func TestAnEditIsAtomic(t *testing.T) {
	ctx := context.Background()
	e, store, at := shop(t, 100)
	buyers := audience.Define("buyers").Members(audience.Performed("Order"))
	require.NoError(t, e.Create(ctx, buyers, audience.Define("others").Members(audience.Not(audience.InAudience("buyers")))))
	var told []audience.Transition
	e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		told = append(told, tr)
		return nil
	})
	running, goOn := make(chan struct{}), make(chan struct{})
	hook := func() { close(running); <-goOn }
	store.hook.Store(&hook)
	edited := make(chan error)
	go func() {
		edited <- e.EditAudience(ctx, buyers.Members(audience.Performed("View").Where("name == 'View'").AtLeast(1)))
	}()
	<-running
	require.ErrorIs(t, e.EditAudience(ctx, buyers), audience.ErrLocked)
	require.Equal(t, 50, count(t, e, "buyers"))
	progress := e.Progress()
	require.Len(t, progress, 1)
	require.Equal(t, []string{"buyers", "others"}, progress[0].Keys)
	close(goOn)
	require.NoError(t, <-edited)
	require.Empty(t, e.Progress())
	require.Equal(t, 100, count(t, e, "buyers"))
	require.Zero(t, count(t, e, "others"))
	require.Len(t, told, 100)
	for _, tr := range told {
		want := audience.Transition{ID: tr.ID, Audience: "buyers", Profile: tr.Profile, Type: audience.Entered, At: at, Cause: audience.CauseEdit}
		if tr.Audience == "others" {
			want.Audience, want.Type, want.Cause = "others", audience.Exited, audience.CauseDependency
		}
		require.Equal(t, want, tr)
	}
}

func TestACancelledEditChangesNothing(t *testing.T) {
	e, store, _ := shop(t, 100)
	buyers := audience.Define("buyers").Members(audience.Performed("Order"))
	require.NoError(t, e.Create(context.Background(), buyers))
	told := 0
	e.Subscribe(func(context.Context, audience.Transition) error { told++; return nil })
	ctx, cancel := context.WithCancel(context.Background())
	hook := func() { cancel() }
	store.hook.Store(&hook)
	require.ErrorIs(t, e.EditAudience(ctx, buyers.Members(audience.Performed("View"))), context.Canceled)
	require.Zero(t, told)
	require.Equal(t, 50, count(t, e, "buyers"))
	require.Equal(t, []audience.Definition{buyers}, e.List())
	require.NoError(t, e.EditAudience(context.Background(), buyers.Members(audience.Performed("View"))), "it is not locked")
	require.Equal(t, 100, count(t, e, "buyers"))
}

// A creation that is broken off leaves nothing: who entered exits, and its keys are free.
func TestACancelledCreationIsUndone(t *testing.T) {
	e, _, _ := shop(t, 1000)
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	in := map[string]bool{}
	e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		mu.Lock()
		defer mu.Unlock()
		if tr.Type == audience.Entered {
			in[tr.Profile] = true
			require.Equal(t, audience.CauseBackfill, tr.Cause)
		} else {
			require.True(t, in[tr.Profile])
			delete(in, tr.Profile)
			require.Equal(t, audience.CauseDelete, tr.Cause)
		}
		cancel()
		return nil
	})
	file := audience.File{
		Traits:    []trait.Computed{trait.Count("views", "View")},
		Audiences: []audience.Definition{audience.Define("viewers").Members(audience.Trait("traits.views > 0"))},
	}
	require.ErrorIs(t, e.CreateFile(ctx, file), context.Canceled)
	require.Empty(t, in)
	require.Empty(t, e.List())
	require.Empty(t, e.ListTraits())
	require.Empty(t, e.Progress())
	cancel = func() {}
	require.NoError(t, e.CreateFile(context.Background(), file), "its keys are free")
	require.NotEmpty(t, in)
	require.NoError(t, e.DeleteAudience(context.Background(), "viewers"))
	require.ErrorIs(t, e.Create(context.Background(), file.Audiences...), profile.ErrRetired, "what was made and deleted stays used")
}

// Keys of a creation that was broken off are free also for the next engine of the store, and
// for Sync; whoever takes them, what was there is not there again.
func TestKeysOfABrokenOffCreationAreFreeLater(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	store := profile.NewMemStore()
	e := openOn(t, store, audience.Options{Clock: audience.NewManualClock(start)})
	for i := range 1000 {
		require.NoError(t, e.Track(ctx, event(fmt.Sprint("u", i), "View", 0)))
	}
	stop, err := e.Subscribe(func(context.Context, audience.Transition) error { cancel(); return nil })
	require.NoError(t, err)
	viewers := audience.Define("viewers").Members(audience.Performed("View"))
	require.ErrorIs(t, e.Create(ctx, viewers), context.Canceled)
	stop()
	ctx = context.Background()
	require.NoError(t, e.Close())
	e = openOn(t, store, audience.Options{Clock: audience.NewManualClock(start)})
	require.Empty(t, e.List())
	require.Empty(t, e.ListBroken())
	_, err = e.Sync(ctx, audience.File{Audiences: []audience.Definition{viewers}}, audience.SyncOptions{})
	require.NoError(t, err)
	n, err := e.MemberCount(ctx, "viewers")
	require.NoError(t, err)
	require.Equal(t, 1000, n)
	require.NoError(t, e.Close())
	e = openOn(t, store, audience.Options{Clock: audience.NewManualClock(start)})
	require.Len(t, e.List(), 1)
}

// Data goes on while definitions are made, edited, deleted and broken off. Callbacks
// alternate, and in the end everybody is where a preview, which goes through the history,
// puts them.
func TestDefinitionsChangeBesideIngestion(t *testing.T) {
	ordered := audience.Performed("Order")
	ofUsers := []audience.Definition{
		audience.Define("").Members(ordered.AtLeast(2).Within(profile.Day)),
		audience.Define("").Members(audience.All(audience.Performed("View").Within(30*time.Hour), audience.Trait("traits.plan == 'pro'"))),
		audience.Define("").Members(audience.Not(ordered.Where("traits.plan == 'pro'"))),
		audience.Define("").Members(audience.Trait("traits.orders > 2")),
		audience.Define("").Members(audience.Not(audience.InAudience("base"))),
	}
	t.Run("users", func(t *testing.T) { changeBesideIngestion(t, 12, ofUsers) })
	ofAccounts := []audience.Definition{
		audience.Define("").OfAccounts().Members(audience.AnyUser(ordered.AtLeast(2).Within(profile.Day))),
		audience.Define("").OfAccounts().WithPerUser().Members(audience.NoUser(audience.InAudience("base"))),
		audience.Define("").OfAccounts().Members(audience.All(audience.Performed("Order").AtLeast(3), audience.Trait("account.traits.size != 3"))),
		audience.Define("").OfAccounts().Members(audience.AllUsers(audience.Not(audience.InAudience("busy")))),
		audience.Define("").Members(audience.All(audience.InAudience("busy"), audience.Trait("account.traits.size > 1"))),
		audience.Define("").Members(audience.Not(audience.InAudience("busy"))),
	}
	t.Run("accounts", func(t *testing.T) { changeBesideIngestion(t, 12, append(ofAccounts, ofUsers...)) })
}

func changeBesideIngestion(t *testing.T, rounds int, kinds []audience.Definition) {
	const users = 400
	ctx := context.Background()
	e, _, at := shop(t, users)
	accounts := slices.ContainsFunc(kinds, func(d audience.Definition) bool { return d.Of == profile.Account })
	account := func(i int) string { return fmt.Sprint("acc", i%20) }
	if accounts {
		for u := range users {
			require.NoError(t, e.Group(ctx, audience.Group{Profile: fmt.Sprint("u", u), Account: account(u), Time: at.Add(-time.Hour)}))
		}
	}
	var mu sync.Mutex
	in := map[[2]string]bool{}
	_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		mu.Lock()
		defer mu.Unlock()
		of := [2]string{tr.Audience, fmt.Sprint(tr.Ref())}
		if in[of] != (tr.Type == audience.Exited) {
			t.Errorf("%s, who was in: %t", tr, in[of])
		}
		in[of] = tr.Type == audience.Entered
		return nil
	})
	require.NoError(t, err)
	stop := make(chan struct{})
	var ingestion sync.WaitGroup
	for w := range 4 {
		ingestion.Add(1)
		go func() {
			defer ingestion.Done()
			rng := rand.New(rand.NewPCG(1, uint64(w)))
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprint("u", rng.IntN(users+20)) // some are new
				var err error
				switch kind := rng.IntN(40); {
				case kind == 0:
					err = e.Alias(ctx, id, fmt.Sprint("u", rng.IntN(users)))
				case kind == 1:
					err = e.DeleteUser(ctx, id)
				case kind < 4:
					traits, _ := profile.NewObject(map[string]any{"plan": []string{"pro", "free"}[rng.IntN(2)]})
					err = e.Identify(ctx, audience.Identify{Profile: id, Traits: traits, Time: at.Add(time.Duration(i))})
				case kind < 6 && accounts:
					traits, _ := profile.NewObject(map[string]any{"size": rng.IntN(5)})
					err = e.Group(ctx, audience.Group{Profile: id, Account: account(rng.IntN(20)), Traits: traits, Time: at.Add(time.Duration(i))})
				case kind == 6 && accounts:
					err = e.Leave(ctx, id, account(rng.IntN(20)))
				case kind == 7 && accounts && i%5 == 0:
					err = e.DeleteAccount(ctx, account(rng.IntN(20)))
				default:
					err = e.Track(ctx, profile.Event{Profile: id, Name: []string{"View", "Order"}[rng.IntN(2)], Time: at.Add(-time.Duration(rng.IntN(48)) * time.Hour)})
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	ordered := audience.Performed("Order")
	busy := audience.Define("busy").OfAccounts().Members(audience.AnyUser(ordered.AtLeast(2)))
	file := audience.File{
		Traits:    []trait.Computed{trait.Count("orders", "Order")},
		Audiences: []audience.Definition{audience.Define("base").Members(ordered)},
	}
	if accounts {
		file.Audiences = append(file.Audiences, busy)
	}
	require.NoError(t, e.CreateFile(ctx, file))
	rng := rand.New(rand.NewPCG(2, 2))
	for round := range rounds {
		define := func(key string, of profile.Subject) (d audience.Definition) {
			for d = kinds[rng.IntN(len(kinds))]; d.Of != of; d = kinds[rng.IntN(len(kinds))] {
			}
			d.Key = key
			return d
		}
		key, of := fmt.Sprint("a", round), kinds[rng.IntN(len(kinds))].Of
		require.NoError(t, e.Create(ctx, define(key, of)))
		require.NoError(t, e.EditAudience(ctx, audience.Define("base").Members(ordered.AtLeast(1+rng.IntN(3)))))
		if accounts {
			require.NoError(t, e.EditAudience(ctx, busy.Members(audience.AnyUser(ordered.AtLeast(1+rng.IntN(3))))))
		}
		require.NoError(t, e.EditAudience(ctx, define(key, of)))
		broken, cancel := context.WithTimeout(ctx, time.Duration(rng.IntN(2000))*time.Microsecond)
		_ = e.Create(broken, define(key+"_broken", of))
		_ = e.EditAudience(broken, define(key, of))
		cancel()
		if round%3 == 0 {
			require.NoError(t, e.DeleteAudience(ctx, key))
		}
	}
	close(stop)
	ingestion.Wait()
	require.Empty(t, e.Progress())
	for _, d := range e.List() {
		p, err := e.Preview(ctx, d, audience.PreviewOptions{Sample: -1})
		require.NoError(t, err)
		n, told := 0, 0
		for m, err := range e.Members(ctx, d.Key) {
			require.NoError(t, err)
			told--
			require.True(t, in[[2]string{d.Key, fmt.Sprint(m.Ref)}], "%v in %s", m.Ref, d.Key)
			if m.Ref.Subject == d.Of {
				n++
			}
		}
		require.Equal(t, p.Members, n, "%s: %+v", d.Key, d.Where)
		for of, is := range in {
			if of[0] == d.Key && is {
				told++
			}
		}
		require.Zero(t, told, d.Key)
	}
}
