package audience_test

import (
	"context"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func TestAMessageAttachesItsIDsToTheProfile(t *testing.T) {
	ctx := context.Background()
	track := profile.Message{Type: profile.Track, Name: "Viewed", Time: start}
	with := func(m profile.Message, user, anonymous string) profile.Message {
		m.UserID, m.AnonymousID = user, anonymous
		return m
	}
	alias := profile.Message{Type: profile.Alias, Time: start, UserID: "u1", PreviousID: "old"}
	user, anonymous := profile.ExternalID{Type: "user_id", Value: "u1"}, profile.ExternalID{Type: "anonymous_id", Value: "a1"}
	for name, tc := range map[string]struct {
		messages []profile.Message
		want     []profile.ExternalID
	}{
		"of a new user":                        {[]profile.Message{with(track, "u1", "")}, []profile.ExternalID{user}},
		"both, of a new user":                  {[]profile.Message{with(track, "u1", "a1")}, []profile.ExternalID{anonymous, user}},
		"the anonymous one of a known user":    {[]profile.Message{with(track, "u1", ""), with(track, "u1", "a1")}, []profile.ExternalID{anonymous, user}},
		"of a visitor who turns out to be one": {[]profile.Message{with(track, "", "a1"), with(track, "u1", "a1")}, []profile.ExternalID{anonymous, user}},
		"of an alias":                          {[]profile.Message{alias}, []profile.ExternalID{user}},
	} {
		t.Run(name, func(t *testing.T) {
			store := profile.NewMemStore()
			e, err := audience.New(ctx, store, audience.Options{Clock: audience.NewManualClock(start)})
			require.NoError(t, err)
			require.NoError(t, e.Apply(ctx, tc.messages...))
			ids, err := store.IDs(ctx, profile.UserRef("u1"))
			require.NoError(t, err)
			require.Equal(t, tc.want, ids)
		})
	}
}

func TestASharedDeviceDoesNotMergeItsUsers(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	require.NoError(t, e.Create(ctx, audience.Define("viewers").Members(audience.Performed("Viewed").AtLeast(2))))
	view := profile.Message{Type: profile.Track, Name: "Viewed", Time: start, AnonymousID: "tablet"}
	first, second := view, view
	first.UserID, second.UserID = "ann", "bob"
	require.NoError(t, e.Apply(ctx, first, second, view))
	ann, err := e.AudiencesOf(ctx, profile.UserRef("ann"))
	require.NoError(t, err)
	require.Equal(t, []string{"viewers"}, ann, "the tablet stays with the first of them")
	bob, err := e.AudiencesOf(ctx, profile.UserRef("bob"))
	require.NoError(t, err)
	require.Empty(t, bob)
}

func TestTheZeroTimeIsTheEnginesNow(t *testing.T) {
	ctx := context.Background()
	engine, _, told := newEngine(t)
	require.NoError(t, engine.Create(ctx,
		audience.Define("buyers").Members(audience.Performed("Buy").Within(time.Hour)),
		audience.Define("pros").Members(audience.Trait(`traits.plan == "pro"`)),
		audience.Define("big").OfAccounts().Members(audience.Trait(`traits.size > 100`))))
	pro, err := profile.NewObject(map[string]any{"plan": "pro"})
	require.NoError(t, err)
	big, err := profile.NewObject(map[string]any{"size": 101})
	require.NoError(t, err)
	require.NoError(t, engine.Track(ctx, profile.Event{Profile: "u", Name: "Buy"}))
	require.NoError(t, engine.Identify(ctx, audience.Identify{Profile: "u", Traits: pro}))
	require.NoError(t, engine.Group(ctx, audience.Group{Profile: "u", Account: "a", Traits: big}))
	require.NoError(t, engine.Advance(ctx, start.Add(2*time.Hour)))
	require.Equal(t, []string{
		"u entered buyers at 2026-01-01T00:00:00Z (event)",
		"u entered pros at 2026-01-01T00:00:00Z (trait)",
		"account a entered big at 2026-01-01T00:00:00Z (trait)",
		"u exited buyers at 2026-01-01T01:00:00Z (time)",
	}, *told)
}

// The visitor's event has the id of a call by which ann's plan changed: as one
// profile from the start she never had that call.
func TestAMergeBringsBackATraitThatARepeatedMessageHadReplaced(t *testing.T) {
	ctx := context.Background()
	e, clock, told := newEngine(t)
	require.NoError(t, e.Create(ctx, audience.Define("pros").Members(audience.Trait(`traits.plan == "pro"`))))
	send := func(m profile.Message, at time.Duration) {
		m.Time = start.Add(at)
		clock.Set(m.Time)
		require.NoError(t, e.Apply(ctx, m))
	}
	send(profile.Message{Type: profile.Track, AnonymousID: "visitor", Name: "Viewed", MessageID: "7"}, 0)
	send(profile.Message{Type: profile.Identify, UserID: "ann", MessageID: "a", Traits: object("plan", "pro")}, time.Hour)
	send(profile.Message{Type: profile.Identify, UserID: "ann", MessageID: "7", Traits: object("plan", "free")}, 2*time.Hour)
	send(profile.Message{Type: profile.Alias, UserID: "ann", PreviousID: "visitor"}, 3*time.Hour)
	require.Equal(t, []string{
		"ann entered pros at 2026-01-01T01:00:00Z (trait)",
		"ann exited pros at 2026-01-01T02:00:00Z (trait)",
		"ann entered pros at 2026-01-01T03:00:00Z (merge)",
	}, *told)
}

func TestIDsThatStandForNoneMakeNobody(t *testing.T) {
	ctx := context.Background()
	store := profile.NewMemStore()
	e, err := audience.New(ctx, store, audience.Options{Clock: audience.NewManualClock(start)})
	require.NoError(t, err)
	for _, id := range []string{"undefined", "null", "0", "NaN", "anonymous", "[object Object]"} {
		buy := profile.Message{Type: profile.Track, Name: "Buy", UserID: id, AnonymousID: "a1", GroupID: id}
		require.NoError(t, e.Apply(ctx, buy), "it is a visitor's")
		buy = profile.Message{Type: profile.Track, Name: "Buy", UserID: "ann", AnonymousID: id}
		require.NoError(t, e.Apply(ctx, buy))
		buy = profile.Message{Type: profile.Track, Name: "Buy", UserID: id, AnonymousID: id}
		require.ErrorIs(t, e.Apply(ctx, buy), audience.ErrRefused, "of nobody")
		alias := profile.Message{Type: profile.Alias, UserID: "ann", PreviousID: id}
		require.ErrorIs(t, e.Apply(ctx, alias), audience.ErrRefused)
	}
	users, err := all(store.Profiles(ctx, profile.User, ""))
	require.NoError(t, err)
	require.Equal(t, []string{"a1", "ann"}, users)
	accounts, err := store.Count(ctx, profile.Account)
	require.NoError(t, err)
	require.Zero(t, accounts)

	own, err := audience.New(ctx, profile.NewMemStore(), audience.Options{NoID: func(id string) bool { return id == "nobody" }})
	require.NoError(t, err)
	require.NoError(t, own.Apply(ctx, profile.Message{Type: profile.Track, Name: "Buy", UserID: "undefined"}), "the list is one's own")
	require.ErrorIs(t, own.Apply(ctx, profile.Message{Type: profile.Track, Name: "Buy", UserID: "nobody"}), audience.ErrRefused)
}

// 17 is a user who has identified: whoever sends its id as an anonymous one does not
// get the profile.
func TestAnUnauthenticatedMessageDoesNotTakeOverAKnownUser(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	require.NoError(t, e.Create(ctx, audience.Define("pros").Members(audience.Trait(`traits.plan == "pro"`))))
	require.NoError(t, e.Apply(ctx,
		profile.Message{Type: profile.Identify, UserID: "17", Traits: object("plan", "pro")},
		profile.Message{Type: profile.Track, UserID: "ann", AnonymousID: "17", Name: "Buy"},
		profile.Message{Type: profile.Identify, UserID: "ann", AnonymousID: "17", Traits: object("x", 1)},
		profile.Message{Type: profile.Group, UserID: "ann", AnonymousID: "17", GroupID: "acme"}))
	require.Equal(t, []string{"17 entered pros at 2026-01-01T00:00:00Z (trait)"}, *told)
}

// Also where the profile is known already, and whatever the type of the message.
func TestEveryMessageAddsTheIDsThatItNames(t *testing.T) {
	ctx := context.Background()
	for _, typ := range []profile.MessageType{profile.Track, profile.Page, profile.Screen, profile.Identify, profile.Group} {
		store := profile.NewMemStore()
		e, err := audience.New(ctx, store, audience.Options{})
		require.NoError(t, err)
		m := profile.Message{Type: typ, UserID: "ann", Name: "Viewed", GroupID: "acme"}
		require.NoError(t, e.Apply(ctx, m))
		m.AnonymousID = "phone"
		m.Context = object("externalIds", []any{map[string]any{"type": "crm", "id": 7}}, "traits", map[string]any{"email": "ann@x.io"})
		require.NoError(t, e.Apply(ctx, m))
		ids, err := store.IDs(ctx, profile.UserRef("ann"))
		require.NoError(t, err)
		require.Equal(t, []profile.ExternalID{
			{Type: "anonymous_id", Value: "phone"}, {Type: "crm", Value: "7"}, {Type: "email", Value: "ann@x.io"}, {Type: "user_id", Value: "ann"},
		}, ids, typ.String())
	}
}
