package audience_test

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// readCounter counts the reads of single profiles.
type readCounter struct{ countingStore }

func (s *readCounter) EventNames(ctx context.Context, user string) iter.Seq2[string, error] {
	s.read.Add(1)
	return s.Store.EventNames(ctx, user)
}

func (s *readCounter) Traits(ctx context.Context, ref profile.Ref) ([]profile.TraitWrite, error) {
	s.read.Add(1)
	return s.Store.Traits(ctx, ref)
}

func (s *readCounter) Profiles(ctx context.Context, of profile.Subject, after string) iter.Seq2[string, error] {
	s.read.Add(1)
	return s.Store.Profiles(ctx, of, after)
}

func (s *readCounter) Wake(ctx context.Context, ref profile.Ref) (profile.Wake, error) {
	s.read.Add(1)
	return s.Store.Wake(ctx, ref)
}

// used returns a store of so many users, each of whom has a timer of its own, and of an
// account that they all are of.
func used(t *testing.T, users int) *profile.MemStore {
	ctx, store := context.Background(), profile.NewMemStore()
	clock := audience.NewManualClock(start)
	e, err := audience.New(ctx, store, audience.Options{Clock: clock})
	require.NoError(t, err)
	require.NoError(t, e.Create(ctx,
		audience.Define("recent").Members(audience.Performed("Visit").Within(time.Hour)),
		audience.Define("active_accounts").OfAccounts().Members(audience.AnyUser(audience.Performed("Visit").Within(time.Minute)))))
	for i := range users {
		user := fmt.Sprint("u", i)
		if i%10 == 0 {
			require.NoError(t, e.Group(ctx, audience.Group{Profile: user, Account: "acme", Time: start}))
		}
		require.NoError(t, e.Track(ctx, event(user, "Visit", -time.Duration(i%3000)*time.Second)))
	}
	require.NoError(t, e.Close())
	return store
}

// Opening a store reads its definitions and the first timers, however many profiles it
// has, and an event reads its profile alone.
func TestNewReadsNoProfile(t *testing.T) {
	ctx, store := context.Background(), &readCounter{countingStore{Store: used(t, 20_000)}}
	clock := audience.NewManualClock(start)
	e, err := audience.New(ctx, store, audience.Options{Clock: clock})
	require.NoError(t, err)
	require.Zero(t, store.read.Load())
	require.NoError(t, e.Track(ctx, event("u7", "Visit", 0)))
	require.LessOrEqual(t, store.read.Load(), int64(5))
	require.LessOrEqual(t, e.Held(), 1)
}

// What is due fires at its instants whether or not states and timers are in memory.
func TestTimersFireFromTheStore(t *testing.T) {
	const users = 5000
	ctx, clock := context.Background(), audience.NewManualClock(start)
	e, err := audience.New(ctx, used(t, users), audience.Options{Clock: clock, Shards: 3, CacheBytes: 20_000})
	require.NoError(t, err)
	exits, last := 0, time.Time{}
	_, err = e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		if tr.Audience != "recent" {
			return nil
		}
		require.False(t, tr.At.Before(last), "%s after %s", tr, last)
		var i int
		if _, err := fmt.Sscanf(tr.Profile, "u%d", &i); err != nil {
			return err
		}
		require.True(t, tr.At.Equal(start.Add(time.Hour-time.Duration(i%3000)*time.Second)), "%s", tr)
		last = tr.At
		exits++
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, e.Advance(ctx, start.Add(2*time.Hour)))
	require.Equal(t, users, exits)
	require.Less(t, e.Held(), 100)
}

// The memory that states take stays within the bound, about, whatever is touched.
func TestTheCacheIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it fills memory")
	}
	const users, budget = 20_000, 2 << 20
	ctx, clock := context.Background(), audience.NewManualClock(start)
	heap := func(cache int64) int64 {
		store := profile.NewMemStore()
		e, err := audience.New(ctx, store, audience.Options{Clock: clock, CacheBytes: cache})
		require.NoError(t, err)
		for i := range 20 {
			require.NoError(t, e.Create(ctx, audience.Define(fmt.Sprint("a", i)).
				Members(audience.Performed("Visit").AtLeast(1+i).Within(time.Duration(1+i)*time.Hour))))
		}
		for i := range 2 * users {
			require.NoError(t, e.Track(ctx, event(fmt.Sprint("u", i%users), "Visit", 0)))
		}
		runtime.GC()
		var with, without runtime.MemStats
		runtime.ReadMemStats(&with)
		runtime.KeepAlive(e)
		require.NoError(t, e.Close())
		e = nil
		runtime.GC()
		runtime.ReadMemStats(&without)
		runtime.KeepAlive(store)
		return int64(with.HeapAlloc) - int64(without.HeapAlloc)
	}
	all, bounded := heap(0), heap(budget)
	t.Logf("states take %d kB, within a bound of %d kB %d kB", all>>10, budget>>10, bounded>>10)
	require.Greater(t, all, int64(4*budget))
	require.Less(t, bounded, int64(3*budget/2))
}
