package audience_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// companies is a shop whose users are in accounts, ten each.
func companies(t *testing.T, users int) (*audience.Engine, *hookStore, time.Time) {
	e, store, at := shop(t, users)
	for u := range users {
		g := audience.Group{Profile: fmt.Sprint("u", u), Account: fmt.Sprint("acc", u/10), Time: at.Add(-time.Hour)}
		require.NoError(t, e.Group(context.Background(), g))
	}
	return e, store, at
}

// threeStages asks accounts of their users, and users of their accounts.
func threeStages() []audience.Definition {
	return []audience.Definition{
		audience.Define("customers").OfAccounts().Members(audience.AnyUser(audience.Performed("Order"))),
		audience.Define("colleagues").Members(audience.All(
			audience.InAudience("customers"), audience.Not(audience.Performed("Order")))),
	}
}

// What is of accounts is made beside the data, too: a callback of the creation sends data,
// which is taken while it runs, and counts.
func TestAccountsAreMadeBesideTheData(t *testing.T) {
	ctx := context.Background()
	e, _, _ := companies(t, 2000)
	var mu sync.Mutex
	told := map[string]int{}
	sent := false
	_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		mu.Lock()
		defer mu.Unlock()
		told[tr.Profile+" "+tr.Type.String()+" "+tr.Audience]++
		if sent {
			return nil
		}
		sent = true
		progress := e.Progress()
		require.Len(t, progress, 1)
		require.Equal(t, []string{"customers", "colleagues"}, progress[0].Keys)
		require.Equal(t, 2000+200+2000, progress[0].Total)
		mu.Unlock()
		defer mu.Lock()
		for _, user := range []string{"u0", "u1998", "new"} { // who had not ordered
			if err := e.Track(ctx, profile.Event{Profile: user, Name: "Order"}); err != nil {
				return err
			}
		}
		return e.Group(ctx, audience.Group{Profile: "new", Account: "new too"})
	})
	require.NoError(t, err)
	require.NoError(t, e.Create(ctx, threeStages()...))
	require.Empty(t, e.Progress())
	require.True(t, sent)
	require.Equal(t, 201, count(t, e, "customers"))
	require.Equal(t, 998, count(t, e, "colleagues"))
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, told, 201+998)
	for what, n := range told {
		require.Equal(t, 1, n, what)
	}
}

// A creation of several stages that ends with its engine goes on with the next, wherever it
// was: nothing is told twice, and nothing is missing.
func TestACreationOfStagesGoesOnWithTheNextEngine(t *testing.T) {
	ctx := context.Background()
	for _, after := range []int{1, 150, 250, 700} { // callbacks
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			e, store, at := companies(t, 2000)
			var mu sync.Mutex
			told, heard := map[string]int{}, 0
			subscribe := func(e *audience.Engine) {
				_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
					mu.Lock()
					defer mu.Unlock()
					require.Equal(t, audience.CauseBackfill, tr.Cause)
					told[tr.Profile+" "+tr.Type.String()+" "+tr.Audience]++
					if heard++; heard == after {
						return e.Close()
					}
					return nil
				})
				require.NoError(t, err)
			}
			subscribe(e)
			require.ErrorIs(t, e.Create(ctx, threeStages()...), profile.ErrClosed)
			e, err := audience.New(ctx, store, audience.Options{Clock: audience.NewManualClock(at)})
			require.NoError(t, err)
			subscribe(e)
			require.Eventually(t, func() bool { return len(e.Progress()) == 0 }, 10*time.Second, time.Millisecond)
			require.Equal(t, 200, count(t, e, "customers"))
			require.Equal(t, 1000, count(t, e, "colleagues"))
			require.NoError(t, e.Close())
			require.Len(t, told, 1200)
			for what, n := range told {
				require.Equal(t, 1, n, what)
			}
		})
	}
}

// One that is broken off leaves nothing, in whichever stage.
func TestACancelledCreationOfStagesIsUndone(t *testing.T) {
	for _, after := range []int{1, 250} {
		e, _, _ := companies(t, 2000)
		ctx, cancel := context.WithCancel(context.Background())
		var mu sync.Mutex
		in, heard := map[string]bool{}, 0
		_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
			mu.Lock()
			defer mu.Unlock()
			if heard++; heard == after {
				cancel()
			}
			of := tr.Profile + " in " + tr.Audience
			require.Equal(t, tr.Type == audience.Exited, in[of], of)
			if in[of] = tr.Type == audience.Entered; !in[of] {
				require.Equal(t, audience.CauseDelete, tr.Cause)
				delete(in, of)
			}
			return nil
		})
		require.NoError(t, err)
		require.ErrorIs(t, e.Create(ctx, threeStages()...), context.Canceled)
		require.Empty(t, in)
		require.Empty(t, e.List())
		require.Empty(t, e.Progress())
		require.NoError(t, e.Create(context.Background(), threeStages()...), "its keys are free")
		require.NoError(t, e.Create(context.Background(),
			audience.Define("again").OfAccounts().Members(audience.AnyUser(audience.Performed("Order")))))
		require.Equal(t, 200, count(t, e, "again"))
	}
}

// While what is of accounts is edited everybody sees the old audiences, and then at once the
// new ones, with what reads them.
func TestAnEditOfAccountsIsAtomic(t *testing.T) {
	ctx := context.Background()
	e, _, _ := companies(t, 1000)
	defs := threeStages()
	require.NoError(t, e.Create(ctx, defs...))
	var mu sync.Mutex
	told, wanted := map[audience.Cause]int{}, 0
	_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		mu.Lock()
		defer mu.Unlock()
		told[tr.Cause]++
		if tr.Cause == audience.CauseEdit {
			require.Equal(t, wanted, count(t, e, "customers"))
			require.Equal(t, 5*wanted, count(t, e, "colleagues"))
		}
		return nil
	})
	require.NoError(t, err)
	none := defs[0].Members(audience.AnyUser(audience.Performed("Order").AtLeast(2)))
	require.NoError(t, e.EditAudience(ctx, none))
	require.Equal(t, map[audience.Cause]int{audience.CauseEdit: 100, audience.CauseDependency: 500}, told)
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "u1", Name: "Order"}))
	require.Equal(t, 1, count(t, e, "customers"))
	require.Equal(t, 5, count(t, e, "colleagues"))
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorIs(t, e.EditAudience(cancelled, defs[0]), context.Canceled)
	require.Equal(t, 1, count(t, e, "customers"))
	wanted = 100
	require.NoError(t, e.EditAudience(ctx, defs[0]))
	require.Equal(t, 100, count(t, e, "customers"))
}
