package pebblestore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// life is an engine on a store that may end at any moment, and what was said of it.
type life struct {
	mu    sync.Mutex
	acked []string          // message ids
	told  map[uint64]string // notices, by id
}

func (l *life) tell(n audience.Notice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told[n.ID] = fmt.Sprint(n.Transition)
}

// past returns what was said up to now.
func (l *life) past() (acked []string, told map[uint64]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	told = map[uint64]string{}
	for id, what := range l.told {
		told[id] = what
	}
	return append([]string(nil), l.acked...), told
}

// live has two goroutines send n events each, one of them with merges, and a third create
// and edit audiences.
func (l *life) live(t *testing.T, s *pebblestore.Store, n int) {
	ctx := context.Background()
	clock := audience.NewManualClock(shopStart)
	e, err := audience.New(ctx, s, audience.Options{Clock: clock, CacheBytes: 1})
	require.NoError(t, err)
	_, err = e.SubscribeDurable(ctx, "log", func(_ context.Context, n audience.Notice) error {
		l.tell(n)
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, e.Create(ctx, shopAudiences()...))
	events := shopLog(2*n, 40)
	var running sync.WaitGroup
	for g := range 2 {
		running.Add(1)
		go func() {
			defer running.Done()
			for i := range n {
				ev := events[2*i+g]
				ev.Profile = fmt.Sprint(g, ev.Profile)
				clock.Set(ev.Time)
				err := e.Track(ctx, ev)
				if err == nil && i%20 == 19 && g == 0 {
					err = e.Alias(ctx, fmt.Sprintf("0user-%06d", i/20), ev.Profile)
				}
				if err != nil {
					t.Errorf("%d %d: %v", g, i, err)
					return
				}
				l.mu.Lock()
				l.acked = append(l.acked, ev.MessageID)
				l.mu.Unlock()
			}
		}()
	}
	running.Add(1)
	go func() {
		defer running.Done()
		for i := range n / 20 {
			d := audience.Define("passing").Members(audience.Performed("Product Viewed").AtLeast(i%7 + 1))
			err := e.EditAudience(ctx, d)
			if errors.Is(err, profile.ErrNotFound) {
				err = e.Create(ctx, d)
			}
			if err != nil {
				t.Errorf("edit: %v", err)
				return
			}
		}
	}()
	running.Wait()
	require.NoError(t, e.Close())
}

// survived looks at a store after a crash: all that was acknowledged is there, with its
// consequences, and all that was told was so, and is told again, if at all, as the same.
func survived(t *testing.T, s *pebblestore.Store, acked []string, told map[uint64]string) {
	ctx := context.Background()
	sound(t, s)
	stored := map[string]bool{}
	memory := profile.NewMemStore()
	_, now, err := s.Position(ctx)
	require.NoError(t, err)
	if now.IsZero() {
		require.Empty(t, acked)
		return
	}
	for user, err := range s.Profiles(ctx, profile.User, "") {
		require.NoError(t, err)
		for name, err := range s.EventNames(ctx, user) {
			require.NoError(t, err)
			for ev, err := range s.Events(ctx, user, name, time.Time{}) {
				require.NoError(t, err)
				require.False(t, stored[ev.MessageID])
				stored[ev.MessageID] = true
				require.NoError(t, profile.Apply(ctx, memory, now, &profile.PutEvent{Event: ev}))
			}
		}
	}
	for _, id := range acked {
		require.True(t, stored[id], "acknowledged, and lost: %s", id)
	}
	clock := audience.NewManualClock(now)
	e, err := audience.New(ctx, s, audience.Options{Clock: clock})
	require.NoError(t, err)
	defer e.Close()
	var mu sync.Mutex
	most := uint64(0)
	stop, err := e.SubscribeDurable(ctx, "log", func(_ context.Context, n audience.Notice) error {
		mu.Lock()
		defer mu.Unlock()
		if before, again := told[n.ID]; again && before != fmt.Sprint(n.Transition) {
			t.Errorf("notice %d was %s, and is %v", n.ID, before, n.Transition)
		}
		told[n.ID] = fmt.Sprint(n.Transition)
		most = max(most, n.ID)
		return nil
	})
	require.NoError(t, err)
	for len(e.Progress()) > 0 {
		time.Sleep(time.Millisecond)
	}
	require.NoError(t, e.Advance(ctx, now))
	o, err := s.Outbox(ctx)
	require.NoError(t, err)
	for {
		after, err := s.Outbox(ctx)
		require.NoError(t, err)
		if after.Cursors["log"] >= o.Last {
			break
		}
		time.Sleep(time.Millisecond)
	}
	stop()
	for id := uint64(1); id <= o.Last; id++ {
		require.Contains(t, told, id, "was never told")
	}
	for id := range told {
		require.LessOrEqual(t, id, o.Last, "was told, and never happened")
	}
	other, err := audience.New(ctx, memory, audience.Options{Clock: audience.NewManualClock(now)})
	require.NoError(t, err)
	defer other.Close()
	for _, d := range e.List() {
		require.NoError(t, other.Create(ctx, d))
		require.Equal(t, memberIDs(t, other, d.Key), memberIDs(t, e, d.Key), d.Key)
	}
}

func memberIDs(t *testing.T, e *audience.Engine, key string) (ids []string) {
	for m, err := range e.Members(context.Background(), key) {
		require.NoError(t, err)
		ids = append(ids, m.Ref.ID)
	}
	return ids
}

// The file system may lose all that was not synced, or any part of it.
func TestACrashLosesNothingThatWasAcknowledged(t *testing.T) {
	fs := vfs.NewCrashableMem()
	rng := rand.New(rand.NewPCG(1, 1))
	s := open(t, fs, pebblestore.Options{CacheBytes: 1 << 20})
	l := life{told: map[uint64]string{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.live(t, s, 1500)
	}()
	crashes := 0
	for over := false; !over && !t.Failed(); {
		select {
		case <-done:
			over = true
		case <-time.After(time.Duration(rng.IntN(30)) * time.Millisecond):
		}
		acked, told := l.past()
		crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 30, 100}[crashes%3], RNG: rng})
		crashes++
		opened, err := pebblestore.Open("store", pebblestore.Options{FS: crashed, CacheBytes: 1 << 20})
		if err != nil && len(acked) == 0 && len(told) == 0 {
			continue // it was being made
		}
		require.NoError(t, err)
		survived(t, opened, acked, told)
		require.NoError(t, opened.Close())
	}
	<-done
	require.NoError(t, s.Close())
	t.Logf("%d crashes, %d events", crashes, len(l.acked))
	require.Greater(t, crashes, 5)
}
