package audience_test

import (
	"context"
	"fmt"
	"log"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// An audience that is paused stands still; when it is resumed only the difference is told.
func ExampleEngine_Pause() {
	ctx, now := context.Background(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := audience.NewManualClock(now)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock, Shards: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	buyers := audience.Define("buyers").Members(audience.Performed("Order Completed").Within(30 * profile.Day))
	if err := engine.Create(ctx, buyers); err != nil {
		log.Fatal(err)
	}
	if _, err := engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	}); err != nil {
		log.Fatal(err)
	}
	order := func(user string) {
		if err := engine.Track(ctx, profile.Event{Profile: user, Name: "Order Completed"}); err != nil {
			log.Fatal(err)
		}
	}
	order("ann")
	order("bob")
	if err := engine.Pause(ctx, "buyers"); err != nil {
		log.Fatal(err)
	}
	clock.Set(now.Add(40 * profile.Day)) // meanwhile ann and bob would exit
	order("bob")                         // and enter again
	order("cho")
	fmt.Println("resumed")
	if err := engine.Resume(ctx, "buyers"); err != nil {
		log.Fatal(err)
	}

	// Output:
	// ann entered buyers at 2026-03-01T12:00:00Z (event)
	// bob entered buyers at 2026-03-01T12:00:00Z (event)
	// resumed
	// ann exited buyers at 2026-04-10T12:00:00Z (edit)
	// cho entered buyers at 2026-04-10T12:00:00Z (edit)
}

// What reads a paused audience reads what stands; what that is survives the engine; and what
// counts without backfill goes on counting.
func TestAPausedAudienceStandsStill(t *testing.T) {
	ctx, clock, store := context.Background(), audience.NewManualClock(start), profile.NewMemStore()
	e := openOn(t, store, audience.Options{Clock: clock, CacheBytes: 1, Shards: 1})
	require.NoError(t, e.Track(ctx, event("old", "Buy", 0)))
	require.NoError(t, e.Create(ctx,
		audience.Define("buyers").WithNoBackfill().Members(audience.Performed("Buy").Within(10*time.Hour)),
		audience.Define("rest").Members(audience.Not(audience.InAudience("buyers"))),
	))
	for _, user := range []string{"ann", "bob"} {
		require.NoError(t, e.Track(ctx, event(user, "Buy", 0)))
	}
	members := func(key string) (ids []string) {
		for m, err := range e.Members(ctx, key) {
			require.NoError(t, err)
			ids = append(ids, m.Ref.ID)
		}
		return ids
	}
	require.NoError(t, e.Pause(ctx, "buyers"))
	require.NoError(t, e.Pause(ctx, "buyers"), "it is paused already")
	require.ErrorIs(t, e.Recompute(ctx, "buyers"), audience.ErrPaused)
	require.NoError(t, e.Close())
	var told []string
	e = openOn(t, store, audience.Options{Clock: clock, CacheBytes: 1, Shards: 1})
	_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		told = append(told, tr.String())
		return nil
	})
	require.NoError(t, err)
	clock.Set(start.Add(9 * time.Hour))
	require.NoError(t, e.Track(ctx, event("bob", "Buy", 9*time.Hour)))
	require.NoError(t, e.Track(ctx, event("cho", "Buy", 9*time.Hour)))
	clock.Set(start.Add(12 * time.Hour))
	require.NoError(t, e.Advance(ctx, clock.Now()))
	require.Equal(t, []string{"ann", "bob"}, members("buyers"))
	require.Equal(t, []string{"cho", "old"}, members("rest"))
	why, err := e.Explain(ctx, "buyers", profile.UserRef("ann"))
	require.NoError(t, err)
	require.True(t, why.Member)
	require.True(t, why.Paused)
	require.False(t, why.Tree.Holds)
	require.Contains(t, why.String(), "ann is in buyers, which is paused, at ")
	require.NoError(t, e.DeleteUser(ctx, "bob"))
	require.Equal(t, []string{
		"cho entered rest at 2026-01-01T09:00:00Z (event)",
		"bob exited buyers at 2026-01-01T12:00:00Z (delete)",
	}, told)
	told = nil
	require.NoError(t, e.Resume(ctx, "buyers"))
	require.Equal(t, []string{
		"ann exited buyers at 2026-01-01T12:00:00Z (edit)",
		"ann entered rest at 2026-01-01T12:00:00Z (dependency)",
		"cho entered buyers at 2026-01-01T12:00:00Z (edit)",
		"cho exited rest at 2026-01-01T12:00:00Z (dependency)",
	}, told, "old bought before the audience was made")
	require.ErrorIs(t, e.Resume(ctx, "nobody_knows"), profile.ErrNotFound)
}

// With a file the file says what is paused, and a plan that nobody moves.
func TestSyncPauses(t *testing.T) {
	ctx := context.Background()
	e, clock, told := newEngine(t)
	read := func(text string) audience.File {
		f, err := audience.ParseFile([]byte(text))
		require.NoError(t, err)
		return f
	}
	running := `{"audiences": [{"key": "buyers", "where": {"event": {"name": "Buy", "window": {"within": "10h"}}}}]}`
	paused := `{"audiences": [{"key": "buyers", "paused": true, "where": {"event": {"name": "Buy", "window": {"within": "10h"}}}}]}`
	text, err := audience.FormatFile(read(paused))
	require.NoError(t, err)
	require.Equal(t, read(paused), read(string(text)))
	_, err = e.Sync(ctx, read(running), audience.SyncOptions{})
	require.NoError(t, err)
	require.NoError(t, e.Track(ctx, event("ann", "Buy", 0)))
	*told = nil
	plan, err := e.Sync(ctx, read(paused), audience.SyncOptions{Count: true})
	require.NoError(t, err)
	require.Equal(t, "~ audience \"buyers\": nobody enters or exits\n    paused: + true", plan.Steps[0].String())
	clock.Set(start.Add(11 * time.Hour))
	require.NoError(t, e.Track(ctx, event("bob", "Buy", 11*time.Hour)))
	require.Empty(t, *told)
	plan, err = e.Plan(ctx, read(running), audience.SyncOptions{Count: true})
	require.NoError(t, err)
	require.Equal(t, &audience.PlanCount{Enter: 1, Exit: 1}, plan.Steps[0].Count)
	require.Empty(t, *told)
	_, err = e.Sync(ctx, read(running), audience.SyncOptions{})
	require.NoError(t, err)
	require.Len(t, *told, 2)
}
