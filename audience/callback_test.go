package audience_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

// reporting returns an engine that tells of what goes wrong in callbacks.
func reporting(t *testing.T) (*audience.Engine, *[]error) {
	t.Helper()
	reported := &[]error{}
	e, err := audience.New(context.Background(), profile.NewMemStore(), audience.Options{
		Clock:   audience.NewManualClock(start),
		Shards:  1,
		OnError: func(err error) { *reported = append(*reported, err) },
	})
	require.NoError(t, err)
	require.NoError(t, e.Create(context.Background(), audience.Define("buyers").Members(audience.Performed("Buy"))))
	return e, reported
}

func TestACallbackThatFailsHarmsNobody(t *testing.T) {
	ctx := context.Background()
	e, reported := reporting(t)
	failure := errors.New("mail server is down")
	e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		if tr.Profile == "u1" {
			panic(failure)
		}
		return failure
	})
	var told []string
	e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		told = append(told, tr.Profile)
		return nil
	})
	require.NoError(t, e.Track(ctx, event("u1", "Buy", 0)))
	require.NoError(t, e.Track(ctx, event("u2", "Buy", 0)))
	require.Equal(t, []string{"u1", "u2"}, told)
	require.Len(t, *reported, 2)
	var first, second *audience.CallbackError
	require.ErrorAs(t, (*reported)[0], &first)
	require.NotNil(t, first.Panic)
	require.NotEmpty(t, first.Stack)
	require.ErrorIs(t, first, failure)
	require.ErrorAs(t, (*reported)[1], &second)
	require.ErrorIs(t, second, failure)
	require.EqualError(t, second, "callback on u2 entered buyers at 2026-01-01T00:00:00Z (event): mail server is down")
	n, err := e.MemberCount(ctx, "buyers")
	require.NoError(t, err)
	require.Equal(t, 2, n)
}

func TestACallbackThatEndsItsGoroutineLosesNothing(t *testing.T) {
	ctx := context.Background()
	e, _ := reporting(t)
	var told []string
	e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		told = append(told, tr.Profile)
		if tr.Profile == "u1" {
			require.NoError(t, e.Track(ctx, event("u2", "Buy", 0)))
			runtime.Goexit()
		}
		return nil
	})
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		_ = e.Track(ctx, event("u1", "Buy", 0))
	}()
	wg.Wait()
	require.NoError(t, e.Track(ctx, event("u3", "Buy", 0)))
	require.Equal(t, []string{"u1", "u2", "u3"}, told)
}

func TestACallbackMayCallTheEngine(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	require.NoError(t, e.Create(ctx,
		audience.Define("buyers").Members(audience.Performed("Buy").Within(time.Hour)),
		audience.Define("thanked").Members(audience.Performed("Mail Sent")),
		audience.Define("missed").Members(audience.Performed("Reminder Sent")),
	))
	var told []string
	e.Subscribe(func(ctx context.Context, tr audience.Transition) error {
		told = append(told, tr.String())
		if tr.Audience != "buyers" {
			return nil
		}
		// Each of these would block for ever if a lock were held.
		keys, err := e.AudiencesOf(ctx, tr.Ref())
		if err != nil {
			return err
		}
		told = append(told, fmt.Sprint(keys))
		name := "Mail Sent"
		if tr.Type == audience.Exited {
			name = "Reminder Sent"
		}
		return errors.Join(
			e.Track(ctx, profile.Event{Profile: tr.Profile, Name: name, Time: tr.At}),
			e.Create(ctx, audience.Define("late_"+tr.Type.String()).Members(audience.Performed("Buy"))),
			e.Advance(ctx, tr.At),
		)
	})
	require.NoError(t, e.Track(ctx, event("u1", "Buy", 0)))
	require.NoError(t, e.Advance(ctx, start.Add(2*time.Hour)))
	require.Equal(t, []string{
		"u1 entered buyers at 2026-01-01T00:00:00Z (event)",
		"[buyers]",
		"u1 entered thanked at 2026-01-01T00:00:00Z (event)",
		"u1 entered late_entered at 2026-01-01T00:00:00Z (backfill)",
		"u1 exited buyers at 2026-01-01T01:00:00Z (time)",
		"[late_entered thanked]",
		"u1 entered missed at 2026-01-01T01:00:00Z (event)",
		"u1 entered late_exited at 2026-01-01T01:00:00Z (backfill)",
	}, told)
}

func TestACallbackMayCloseTheEngine(t *testing.T) {
	ctx := context.Background()
	e, reported := reporting(t)
	e.Subscribe(func(context.Context, audience.Transition) error { return e.Close() })
	require.NoError(t, e.Track(ctx, event("u1", "Buy", 0)))
	require.Empty(t, *reported)
	require.ErrorIs(t, e.Track(ctx, event("u2", "Buy", 0)), profile.ErrClosed)
}

// subscribing is a store in which, before the n-th transaction from then on begins,
// somebody subscribes.
type subscribing struct {
	profile.Store
	n         int
	subscribe func()
}

func (s *subscribing) Begin(ctx context.Context, now time.Time, refs ...profile.Ref) (profile.Tx, error) {
	if s.n--; s.n == 0 {
		s.subscribe()
	}
	return s.Store.Begin(ctx, now, refs...)
}

// Who subscribes while a change is under way, and reads a snapshot then, misses
// nothing: what the snapshot has not, it is told.
func TestWhoSubscribesDuringAChangeIsToldOfIt(t *testing.T) {
	for n := range 1 {
		ctx := context.Background()
		store := &subscribing{Store: profile.NewMemStore()}
		e, err := audience.New(ctx, store, audience.Options{Clock: audience.NewManualClock(start), Shards: 1})
		require.NoError(t, err)
		defer e.Close()
		require.NoError(t, e.CreateTraits(ctx, trait.Count("bought", "Buy")))
		require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy"))))
		var missing, told []string
		note := func(is bool, what string) {
			if is {
				missing = append(missing, what)
			}
		}
		store.subscribe = func() {
			members, err := e.MemberCount(ctx, "buyers")
			require.NoError(t, err)
			note(members == 0, "transition")
			values, err := e.ValuesOf(ctx, profile.UserRef("u"))
			require.NoError(t, err)
			note(len(values) == 0, "value")
			_, err = e.Subscribe(func(context.Context, audience.Transition) error {
				told = append(told, "transition")
				return nil
			})
			require.NoError(t, err)
			_, err = e.SubscribeTraits(func(context.Context, audience.TraitChange) error {
				told = append(told, "value")
				return nil
			})
			require.NoError(t, err)
		}
		store.n = n + 1
		require.NoError(t, e.Apply(ctx, profile.Message{Type: profile.Track, Name: "Buy", UserID: "u", AnonymousID: "v", Time: start}))
		require.Subset(t, told, missing)
		require.Len(t, missing, 2)
	}
}

// Nor does who subscribes while changes wait to be told that a slow callback holds up.
func TestWhoSubscribesIsToldOfWhatWaits(t *testing.T) {
	ctx := context.Background()
	e, _ := reporting(t)
	require.NoError(t, e.CreateTraits(ctx, trait.Count("bought", "Buy")))
	var told []string
	_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		if tr.Profile != "u1" {
			return nil
		}
		require.NoError(t, e.Track(ctx, event("u2", "Buy", 0)))
		_, err := e.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error {
			told = append(told, c.Profile.ID)
			return nil
		})
		return err
	})
	require.NoError(t, err)
	require.NoError(t, e.Track(ctx, event("u1", "Buy", 0)))
	require.Equal(t, []string{"u2"}, told)
}

func TestASubscriptionEndsWithCancel(t *testing.T) {
	ctx := context.Background()
	e, _ := reporting(t)
	var told []string
	cancel, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		told = append(told, tr.Profile)
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, e.Track(ctx, event("u1", "Buy", 0)))
	cancel()
	cancel()
	require.NoError(t, e.Track(ctx, event("u2", "Buy", 0)))
	require.Equal(t, []string{"u1"}, told)
}

func TestACancelledCallChangesNothing(t *testing.T) {
	e, _ := reporting(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, e.Track(ctx, event("u1", "Buy", 0)), context.Canceled)
	n, err := e.MemberCount(context.Background(), "buyers")
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestCallbacksOfConcurrentCallsComeInOrderForEachProfile(t *testing.T) {
	ctx := context.Background()
	clock := audience.NewManualClock(start)
	e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock, Shards: 4})
	require.NoError(t, err)
	odd := audience.Not(audience.Any(audience.Performed("Flip").AtMost(0), audience.Performed("Flip").Exactly(2),
		audience.Performed("Flip").Exactly(4), audience.Performed("Flip").Exactly(6), audience.Performed("Flip").Exactly(8)))
	require.NoError(t, e.Create(ctx, audience.Define("odd").Members(odd)))
	var mu sync.Mutex
	last := map[string]audience.Transition{}
	e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		mu.Lock()
		defer mu.Unlock()
		want := audience.Entered
		if before, ok := last[tr.Profile]; ok && before.Type == audience.Entered {
			want = audience.Exited
		}
		if tr.Type != want {
			t.Errorf("%s after %s", tr, last[tr.Profile])
		}
		last[tr.Profile] = tr
		return nil
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for u := range 50 {
				if err := e.Track(ctx, event(fmt.Sprint("u", u), "Flip", 0)); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	for _, tr := range last {
		require.Equal(t, audience.Exited, tr.Type, "eight flips are even")
	}
	require.Len(t, last, 50)
}
