package audience_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// brokenStore returns a store in which one audience cannot be read, one asks for more
// than the retention that it is opened with, and others read these.
func brokenStore(t *testing.T) profile.Store {
	ctx := context.Background()
	store := profile.NewMemStore()
	e, err := audience.New(ctx, store, audience.Options{Clock: audience.NewManualClock(start)})
	require.NoError(t, err)
	require.NoError(t, e.CreateFile(ctx, audience.File{
		Traits: []trait.Computed{trait.Count("orders", "Buy").Within(365 * profile.Day)},
		Audiences: []audience.Definition{
			audience.Define("fine").Members(audience.Performed("Buy").Within(profile.Day)),
			audience.Define("garbled").Members(audience.Performed("Buy").Within(profile.Day)),
			audience.Define("often").Members(audience.Trait("traits.orders > 1")),
			audience.Define("neither").Members(audience.Not(audience.InAudience("garbled"))),
		},
	}))
	for range 2 {
		require.NoError(t, e.Track(ctx, event("u", "Buy", 0)))
	}
	require.NoError(t, e.Track(ctx, event("v", "Look", 0)))
	require.NoError(t, e.Close())
	require.NoError(t, profile.Apply(ctx, store, start, &profile.SetKey{Record: profile.KeyRecord{
		Key: "garbled", Definition: []byte(`{"audiences":[{"key":"garbled","where":{"sorcery":1}}]}`),
	}}))
	return &shortStore{store}
}

// shortStore keeps less than it did.
type shortStore struct{ profile.Store }

func (shortStore) Retention() time.Duration { return 30 * profile.Day }

// A store does not lock its owner out: what cannot be made live is listed, can be
// edited and deleted, and tells nothing until then.
func TestABrokenDefinitionIsListedAndCanBeMended(t *testing.T) {
	ctx := context.Background()
	store := brokenStore(t)
	clock := audience.NewManualClock(start)
	e, err := audience.New(ctx, store, audience.Options{Clock: clock, Shards: 1})
	require.NoError(t, err)
	var told []string
	_, err = e.Subscribe(func(_ context.Context, tr audience.Transition) error { told = append(told, tr.String()); return nil })
	require.NoError(t, err)
	broken := map[string]string{}
	for _, b := range e.ListBroken() {
		broken[b.Key] = b.Err.Error()
	}
	require.Len(t, broken, 4)
	require.Contains(t, broken["garbled"], `unknown field "sorcery"`)
	require.Contains(t, broken["orders"], "window is longer than the retention")
	require.Contains(t, broken["often"], "orders, which it reads")
	require.Contains(t, broken["neither"], "garbled, which it reads")
	require.Equal(t, 1, len(e.List()), "fine is live")

	// Its key is taken, its members stay, and data goes on.
	require.ErrorIs(t, e.Create(ctx, audience.Define("garbled").Members(audience.Performed("Buy"))), audience.ErrExists)
	require.ErrorIs(t, e.Create(ctx, audience.Define("new").Members(audience.InAudience("garbled"))), audience.ErrBroken)
	require.ErrorIs(t, e.Create(ctx, audience.Define("new").Members(audience.Trait("traits.orders > 1"))), audience.ErrBroken)
	require.ErrorIs(t, e.Identify(ctx, audience.Identify{Profile: "u", Traits: object("orders", 7)}), audience.ErrComputed)
	_, err = e.Preview(ctx, audience.Define("new").Members(audience.InAudience("garbled")), audience.PreviewOptions{})
	require.ErrorIs(t, err, audience.ErrBroken)
	in, err := e.AudiencesOf(ctx, profile.UserRef("u"))
	require.NoError(t, err)
	require.Equal(t, []string{"fine", "garbled", "often"}, in)
	require.NoError(t, e.Track(ctx, event("w", "Buy", 0)))
	require.Equal(t, []string{"w entered fine at 2026-01-01T00:00:00Z (event)"}, told)
	told = nil

	// An edit that cannot be changes nothing.
	require.Error(t, e.EditTrait(ctx, trait.Count("orders", "Buy").Within(90*profile.Day)))
	require.Len(t, e.ListBroken(), 4)

	// An edit brings it back, and what reads it, and tells the difference.
	require.NoError(t, e.EditAudience(ctx, audience.Define("garbled").Members(audience.Performed("Look").Within(profile.Day))))
	require.Equal(t, []string{
		"u exited garbled at 2026-01-01T00:00:00Z (edit)",
		"u entered neither at 2026-01-01T00:00:00Z (edit)",
		"v entered garbled at 2026-01-01T00:00:00Z (edit)",
		"v exited neither at 2026-01-01T00:00:00Z (edit)",
		"w entered neither at 2026-01-01T00:00:00Z (edit)",
	}, told)
	told = nil
	require.NoError(t, e.EditTrait(ctx, trait.Count("orders", "Buy").Within(7*profile.Day)))
	require.Empty(t, told)
	require.Empty(t, e.ListBroken())
	require.Equal(t, 4, len(e.List()))
	require.NoError(t, e.Track(ctx, event("w", "Buy", 0)))
	require.Equal(t, []string{"w entered often at 2026-01-01T00:00:00Z (event)"}, told)
}

func TestABrokenDefinitionCanBeDeleted(t *testing.T) {
	ctx := context.Background()
	e, err := audience.New(ctx, brokenStore(t), audience.Options{Clock: audience.NewManualClock(start)})
	require.NoError(t, err)
	var told []string
	_, err = e.Subscribe(func(_ context.Context, tr audience.Transition) error { told = append(told, tr.String()); return nil })
	require.NoError(t, err)
	require.NoError(t, e.DeleteAudience(ctx, "garbled"))
	require.NoError(t, e.DeleteTrait(ctx, "orders"))
	require.Equal(t, []string{"u exited garbled at 2026-01-01T00:00:00Z (delete)"}, told)
	require.ErrorIs(t, e.DeleteAudience(ctx, "garbled"), profile.ErrNotFound)
	require.Len(t, e.ListBroken(), 2, "what read them")
	values, err := e.ValuesOf(ctx, profile.UserRef("u"))
	require.NoError(t, err)
	require.Empty(t, values)
}
