package audience_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// lazyStore is a store that says what stays when it is told to sync.
type lazyStore struct {
	profile.Store
	mu     sync.Mutex
	moved  *sync.Cond
	synced bool
}

func newLazyStore() *lazyStore {
	s := &lazyStore{Store: profile.NewMemStore()}
	s.moved = sync.NewCond(&s.mu)
	return s
}

func (s *lazyStore) SyncInterval() time.Duration { return time.Hour }

// Durable waits whatever the mark: those of a MemStore are all zero.
func (s *lazyStore) Durable(context.Context, profile.Mark) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.synced {
		s.moved.Wait()
	}
	return nil
}

func (s *lazyStore) sync() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.synced = true
	s.moved.Broadcast()
}

// On a store that syncs at intervals calls return at once, and callbacks come when what they
// tell stays; what waits when the engine is closed is told all the same.
func TestCallsOfAStoreThatSyncsAtIntervalsDoNotWait(t *testing.T) {
	ctx, store := context.Background(), newLazyStore()
	e := openOn(t, store, audience.Options{Clock: audience.NewManualClock(start)})
	var mu sync.Mutex
	var told []string
	heard := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string{}, told...)
	}
	_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, tr.Profile+" "+tr.Type.String())
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy").Within(time.Hour))))
	require.NoError(t, e.Track(ctx, event("ann", "Buy", 0)))
	require.NoError(t, e.Advance(ctx, start.Add(2*time.Hour)))
	require.Zero(t, count(t, e, "buyers"), "it has all happened")
	require.Empty(t, heard(), "and is not told, as it may be lost yet")
	store.sync()
	require.Eventually(t, func() bool { return len(heard()) == 2 }, 10*time.Second, time.Millisecond)
	require.Equal(t, []string{"ann entered", "ann exited"}, heard())
	require.NoError(t, e.Track(ctx, event("bob", "Buy", 2*time.Hour)))
	require.NoError(t, e.Close())
	require.Eventually(t, func() bool { return len(heard()) == 3 }, 10*time.Second, time.Millisecond)
}
