package audience_test

import (
	"context"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Ids and what events say are anybody's: no text for people has anything in it that
// a terminal acts on.
func TestTextsForPeopleHaveNoTerminalEscapes(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	const id = "ann\x1b[2J\u009b31m\u202e\r"
	require.NoError(t, e.CreateFile(ctx, audience.File{
		Traits: []trait.Computed{trait.Last("last", "Buy", "sku")},
		Audiences: []audience.Definition{
			audience.Define("a").Members(audience.Performed("Buy")),
			audience.Define("b").OfAccounts().Members(audience.AnyUser(audience.Trait(`traits.last != ""`))),
		},
	}))
	var texts []string
	e.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error { texts = append(texts, c.String()); return nil })
	e.SubscribeIDs(func(_ context.Context, c audience.IDChange) error { texts = append(texts, c.String()); return nil })
	require.NoError(t, e.Group(ctx, audience.Group{Profile: id, Account: id}))
	require.NoError(t, e.Identify(ctx, audience.Identify{Profile: id, IDs: []profile.ExternalID{{Type: "x", Value: id}}}))
	require.NoError(t, e.Track(ctx, profile.Event{Profile: id, Name: "Buy", Props: profile.Props{"sku": id}}))
	for key, ref := range map[string]profile.Ref{"a": profile.UserRef(id), "b": profile.AccountRef(id)} {
		x, err := e.Explain(ctx, key, ref)
		require.NoError(t, err)
		texts = append(texts, x.String())
	}
	texts = append(texts, *told...)
	require.Len(t, texts, 6)
	for _, text := range texts {
		require.Contains(t, text, `ann\x1b[2J`)
		for _, r := range text {
			require.True(t, r == '\n' || unicode.IsPrint(r), "%q", text)
		}
	}
}
