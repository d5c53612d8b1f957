package audience_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// A batch audience stands still between the instants at which it is computed.
func ExampleDefinition_WithBatch() {
	ctx, now := context.Background(), time.Date(2026, 3, 10, 12, 20, 0, 0, time.UTC)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(now)})
	if err != nil {
		log.Fatal(err)
	}
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	})
	active := audience.Performed("Login").Within(90 * time.Minute)
	if err := engine.Create(ctx, audience.Define("active").Members(active).WithBatch(time.Hour)); err != nil {
		log.Fatal(err)
	}
	if err := engine.Track(ctx, profile.Event{Profile: "ann", Name: "Login", Time: now}); err != nil {
		log.Fatal(err)
	}
	if err := engine.Advance(ctx, now.Add(profile.Day)); err != nil {
		log.Fatal(err)
	}

	// Output:
	// ann entered active at 2026-03-10T13:00:00Z (time)
	// ann exited active at 2026-03-10T14:00:00Z (time)
}

func TestRecompute(t *testing.T) {
	ctx, at := context.Background(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	clock := audience.NewManualClock(at)
	store := profile.NewMemStore()
	e, err := audience.New(ctx, store, audience.Options{Clock: clock})
	require.NoError(t, err)
	e.SetFirstUpgrades(0)
	var told []string
	tell := func(_ context.Context, tr audience.Transition) error { told = append(told, tr.String()); return nil }
	e.Subscribe(tell)
	expect := func(want ...string) {
		t.Helper()
		require.Equal(t, want, told)
		told = nil
	}
	track := func(user string) {
		require.NoError(t, e.Track(ctx, profile.Event{Profile: user, Name: "Login", Time: at}))
	}
	track("ann")
	require.NoError(t, e.Create(ctx,
		audience.Define("seen").Members(audience.Performed("Login")).WithBatch(audience.OnRequest),
		audience.Define("reader").Members(audience.InAudience("seen")),
		audience.Define("live").Members(audience.Performed("Login"))))
	expect("ann entered live at 2026-03-01T00:00:00Z (backfill)",
		"ann entered reader at 2026-03-01T00:00:00Z (backfill)",
		"ann entered seen at 2026-03-01T00:00:00Z (backfill)")
	track("ben")
	expect("ben entered live at 2026-03-01T00:00:00Z (event)")
	why, err := e.Explain(ctx, "seen", profile.UserRef("ben"))
	require.NoError(t, err)
	require.False(t, why.Member)
	require.True(t, why.Tree.Holds, "it will be one when it is computed")

	require.NoError(t, e.Close())
	e, err = audience.New(ctx, store, audience.Options{Clock: clock}) // it is as it was
	require.NoError(t, err)
	e.Subscribe(tell)
	clock.Set(at.Add(time.Hour))
	require.NoError(t, e.Recompute(ctx, "seen"))
	expect("ben entered reader at 2026-03-01T01:00:00Z (backfill)",
		"ben entered seen at 2026-03-01T01:00:00Z (backfill)")
	require.NoError(t, e.Recompute(ctx, "seen"))
	require.Empty(t, told)
	require.NoError(t, e.DeleteUser(ctx, "ben"))
	require.Len(t, told, 3)
	told = nil
	require.NoError(t, e.EditAudience(ctx, audience.Define("seen").Members(audience.Performed("Logout")).WithBatch(audience.OnRequest)))
	expect("ann exited reader at 2026-03-01T01:00:00Z (dependency)", "ann exited seen at 2026-03-01T01:00:00Z (edit)")

	require.ErrorIs(t, e.Recompute(ctx, "live"), audience.ErrBatch)
	require.ErrorIs(t, e.Recompute(ctx, "nobody"), profile.ErrNotFound)
	require.ErrorIs(t, audience.Check(audience.Define("a").Members(audience.Performed("X")).WithBatch(time.Millisecond)), profile.ErrInvalid)
}

func TestBatchInJSON(t *testing.T) {
	for text, want := range map[string]time.Duration{`"1h"`: time.Hour, `"1d12h"`: 36 * time.Hour, `"on request"`: audience.OnRequest} {
		d := audience.Define("a").Members(audience.Performed("X")).WithBatch(want)
		got, err := json.Marshal(d)
		require.NoError(t, err)
		require.JSONEq(t, `{"key":"a","batch":`+text+`,"where":{"event":{"name":"X"}}}`, string(got))
		var again audience.Definition
		require.NoError(t, json.Unmarshal(got, &again))
		require.Equal(t, d, again)
	}
	var d audience.Definition
	require.ErrorContains(t, json.Unmarshal([]byte(`{"key":"a","batch":"often","where":{"event":{"name":"X"}}}`), &d), `batch: invalid input: duration "often"`)
}
