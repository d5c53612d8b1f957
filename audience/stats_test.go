package audience_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func TestStatsCountWhatIsDone(t *testing.T) {
	ctx, clock := context.Background(), audience.NewManualClock(start)
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: clock, OnError: func(error) {}})
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy").Within(time.Hour))))
	_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		if tr.Type == audience.Exited {
			return errors.New("it does not like that")
		}
		return nil
	})
	require.NoError(t, err)
	before := e.Stats()
	require.Zero(t, before.Timers)
	require.Zero(t, before.NextTimer)
	for _, user := range []string{"ann", "bob"} {
		require.NoError(t, e.Track(ctx, event(user, "Buy", 0)))
	}
	require.Equal(t, start.Add(time.Hour), e.Stats().NextTimer)
	clock.Set(start.Add(90 * time.Minute))
	require.NoError(t, e.Advance(ctx, clock.Now()))
	s := e.Stats()
	require.Equal(t, []audience.TransitionCount{
		{Audience: "buyers", Type: audience.Entered, Cause: audience.CauseEvent, Count: 2},
		{Audience: "buyers", Type: audience.Exited, Cause: audience.CauseTime, Count: 2},
	}, s.Transitions)
	require.Equal(t, uint64(4), s.Commits-before.Commits)
	require.Equal(t, uint64(2), s.Timers)
	require.Equal(t, time.Hour, s.Late, "each was half an hour late")
	require.Equal(t, uint64(2), s.Misfires)
	require.Equal(t, 2, s.States)
	require.Zero(t, s.NextTimer)
}

// What the cache has no room for is read again, and that is counted.
func TestStatsTellOfTheCache(t *testing.T) {
	ctx, clock := context.Background(), audience.NewManualClock(start)
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: clock, CacheBytes: 1})
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy"))))
	require.NoError(t, e.Track(ctx, event("ann", "Buy", 0)))
	require.NoError(t, e.Track(ctx, event("ann", "Buy", 0)))
	s := e.Stats()
	require.Equal(t, uint64(2), s.Touched)
	require.Equal(t, uint64(1), s.Read, "a profile that is new is not read")
	require.Zero(t, s.States)
}
