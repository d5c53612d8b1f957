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

// A creation that ends with its engine goes on with the next one of the store: who had
// entered has not to enter again, and who had not does, at the latest when something
// happens to it.
func TestACreationGoesOnWithTheNextEngine(t *testing.T) {
	ctx := context.Background()
	e, store, at := shop(t, 20_000)
	var mu sync.Mutex
	told := map[string]int{}
	subscribe := func(e *audience.Engine) {
		_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
			require.Equal(t, audience.CauseBackfill, tr.Cause)
			mu.Lock()
			told[tr.Profile]++
			mu.Unlock()
			return nil
		})
		require.NoError(t, err)
	}
	subscribe(e)
	closed := make(chan error, 1)
	hook := func() { go func() { closed <- e.Close() }() }
	store.hook.Store(&hook)
	err := e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Order")))
	require.ErrorIs(t, err, profile.ErrClosed)
	require.NoError(t, <-closed)
	require.Less(t, len(told), 10_000)

	e, err = audience.New(ctx, store, audience.Options{Clock: audience.NewManualClock(at)})
	require.NoError(t, err)
	subscribe(e)
	require.Eventually(t, func() bool { return len(e.Progress()) == 0 }, 10*time.Second, time.Millisecond)
	require.Equal(t, 10_000, count(t, e, "buyers"))
	require.NoError(t, e.Close()) // what it told has been told
	require.Len(t, told, 10_000)
	for user, n := range told {
		require.Equal(t, 1, n, user)
	}
	e, err = audience.New(ctx, store, audience.Options{Clock: audience.NewManualClock(at)})
	require.NoError(t, err)
	require.Empty(t, e.Progress())
	require.NoError(t, e.DeleteAudience(ctx, "buyers"))
}

// An edit that ends with its engine has not happened, and its version is not used again.
func TestAnEditThatIsBrokenOffHasNotHappened(t *testing.T) {
	ctx := context.Background()
	e, store, at := shop(t, 20_000)
	buyers := audience.Define("buyers").Members(audience.Performed("Order"))
	require.NoError(t, e.Create(ctx, buyers))
	closed := make(chan error, 1)
	hook := func() { go func() { closed <- e.Close() }() }
	store.hook.Store(&hook)
	err := e.EditAudience(ctx, buyers.Members(audience.Performed("View")))
	require.ErrorIs(t, err, profile.ErrClosed)
	require.NoError(t, <-closed)
	e, err = audience.New(ctx, store, audience.Options{Clock: audience.NewManualClock(at)})
	require.NoError(t, err)
	e.SetFirstUpgrades(0)
	require.Equal(t, 10_000, count(t, e, "buyers"))
	for i, n := range []int{20_000, 10_000} {
		key := fmt.Sprint("more", i)
		require.NoError(t, e.Create(ctx, audience.Define(key).Members(audience.Performed([]string{"View", "Order"}[i]))))
		require.Equal(t, n, count(t, e, key), "those that the edit had come to as well")
	}
	require.NoError(t, e.EditAudience(ctx, buyers.Members(audience.Performed("View"))))
	require.Equal(t, 20_000, count(t, e, "buyers"))
}
