package audience_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// TestEditsOfTextsComputeNothing: what is for people changes at once, with the definition
// that is stored; nobody is told, no profile is touched, and what counts without backfill
// stays. A dependent audience stays as it is, too.
func TestEditsOfTextsComputeNothing(t *testing.T) {
	ctx := context.Background()
	clock := audience.NewManualClock(epoch)
	store := profile.NewMemStore()
	e := openOn(t, store, audience.Options{Clock: clock})
	was := audience.Define("buyers").WithNoBackfill().Members(audience.Performed("Buy"))
	total := trait.Sum("total", "Buy", "price")
	reads := audience.Define("reads").Members(audience.InAudience("buyers"))
	require.NoError(t, e.CreateFile(ctx, audience.File{Traits: []trait.Computed{total}, Audiences: []audience.Definition{was, reads}}))
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "u", Name: "Buy", Properties: object("price", 3)}))
	told := []string{}
	_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		told = append(told, tr.Audience+" "+tr.Type.String())
		return nil
	})
	require.NoError(t, err)
	before := e.Stats()

	named := was.WithName("Buyers").WithDescription("who bought").WithTags("shop", "money").WithOwner("revision@example.com")
	require.NoError(t, e.EditAudience(ctx, named))
	described := total
	described.Description = "all that was spent"
	require.NoError(t, e.EditTrait(ctx, described))
	require.Empty(t, told)
	after := e.Stats()
	require.Equal(t, before.Touched, after.Touched, "no profile is looked at")
	require.Equal(t, before.Commits+2, after.Commits)
	is, err := e.Definition("buyers")
	require.NoError(t, err)
	require.Equal(t, named, is)
	n, err := e.MemberCount(ctx, "buyers")
	require.NoError(t, err)
	require.Equal(t, 1, n, "the event still counts, though it came before the edit")

	// A plan of texts alone concerns nobody who reads it.
	again := named.WithOwner("sales@example.com").WithTags("more")
	file := audience.File{Traits: []trait.Computed{described}, Audiences: []audience.Definition{again, reads}}
	plan, err := e.Plan(ctx, file, audience.SyncOptions{})
	require.NoError(t, err)
	require.Len(t, plan.Steps, 1)
	require.Empty(t, plan.Steps[0].Readers)
	_, err = e.Sync(ctx, file, audience.SyncOptions{})
	require.NoError(t, err)
	require.Empty(t, told)
	require.Equal(t, before.Touched, e.Stats().Touched)

	// It is stored.
	require.NoError(t, e.Close())
	e = openOn(t, store, audience.Options{Clock: clock})
	is, err = e.Definition("buyers")
	require.NoError(t, err)
	require.Equal(t, again, is)
	c, err := e.TraitDefinition("total")
	require.NoError(t, err)
	require.Equal(t, described, c)

	// One that changes more is an edit as any other.
	require.NoError(t, e.EditAudience(ctx, again.WithName("Others").Members(audience.Performed("Sell"))))
	n, err = e.MemberCount(ctx, "buyers")
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestTagsAreCheckedAndRoundTrip(t *testing.T) {
	d := audience.Define("a").WithTags("x", "y").WithOwner("me").Members(audience.Performed("Buy"))
	text, err := json.Marshal(d)
	require.NoError(t, err)
	require.JSONEq(t, `{"key": "a", "tags": ["x", "y"], "owner": "me", "where": {"event": {"name": "Buy"}}}`, string(text))
	var again audience.Definition
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, d, again)
	require.NoError(t, audience.Check(d))
	for _, bad := range []audience.Definition{d.WithTags(""), d.WithTags("x")} {
		var at *audience.DefinitionError
		require.True(t, errors.As(audience.Check(bad), &at))
		require.Equal(t, "tags[2]", at.Path)
	}
}
