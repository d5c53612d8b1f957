package audience_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// What an event asks of other profiles after all, such as the history of an account whose
// leaf reads traits, has it applied with all locks: the answer is the same.
func TestAnEventThatConcernsMoreThanItsAccounts(t *testing.T) {
	ctx, clock := context.Background(), audience.NewManualClock(start)
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: clock, Shards: 8})
	require.NoError(t, e.Create(ctx,
		audience.Define("pros").OfAccounts().Members(audience.Performed("Buy").Where(`traits.plan == "pro"`).AtLeast(3).Within(time.Hour)),
		audience.Define("busy").OfAccounts().Members(audience.AnyUser(audience.Performed("Buy").AtLeast(2).Within(time.Hour)))))
	for i := range 20 {
		user := fmt.Sprint("u", i)
		require.NoError(t, e.Group(ctx, audience.Group{Profile: user, Account: fmt.Sprint("a", i%4)}))
		require.NoError(t, e.Identify(ctx, audience.Identify{Profile: user, Traits: object("plan", []string{"pro", "free"}[i%3%2])}))
	}
	members := func(key string) (ids []string) {
		for m, err := range e.Members(ctx, key) {
			require.NoError(t, err)
			ids = append(ids, m.Ref.ID)
		}
		return ids
	}
	for i := range 20 {
		require.NoError(t, e.Track(ctx, event(fmt.Sprint("u", i), "Buy", 0)))
	}
	require.Equal(t, []string{"a0", "a1", "a2", "a3"}, members("pros"))
	require.Empty(t, members("busy"))
	require.NoError(t, e.Track(ctx, event("u5", "Buy", 0)))
	require.Equal(t, []string{"a1"}, members("busy"))
	ev := event("stranger", "Buy", 0)
	ev.Account = "a2"
	require.NoError(t, e.Track(ctx, ev))
	require.NoError(t, e.Advance(ctx, start.Add(time.Hour)))
	require.Empty(t, members("pros"))
	require.Empty(t, members("busy"))
}

// What time changes of an account by way of its user is told by the Advance that fires the
// user's timer, also where that takes the locks of two shards and no group: the account's
// notices wait in the queue of its own shard.
func TestATimerOfAUserTellsOfTheAccountAtOnce(t *testing.T) {
	ctx, clock := context.Background(), audience.NewManualClock(start)
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: clock, Shards: 8})
	require.NoError(t, e.Create(ctx, audience.Define("busy").OfAccounts().Members(audience.AnyUser(audience.Performed("Buy").Within(time.Hour)))))
	var told []string
	_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		told = append(told, tr.String())
		return nil
	})
	require.NoError(t, err)
	for i := range 16 { // users and accounts of all shards
		user, account := fmt.Sprint("u", i), fmt.Sprint("a", i)
		require.NoError(t, e.Group(ctx, audience.Group{Profile: user, Account: account}))
		require.NoError(t, e.Track(ctx, event(user, "Buy", time.Duration(i)*time.Second)))
		clock.Set(start.Add(time.Duration(i+1) * time.Second))
	}
	for i := range 16 {
		told = nil
		e.SetSingly(1000)
		require.NoError(t, e.Advance(ctx, start.Add(time.Hour+time.Duration(i)*time.Second)))
		require.Len(t, told, 1)
		require.Contains(t, told[0], fmt.Sprint("a", i, " "))
	}
}

// A clock that is wrong is found whichever locks a call takes.
func TestAClockJumpIsFoundWithAccounts(t *testing.T) {
	ctx, clock := context.Background(), audience.NewManualClock(start)
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: clock, MaxClockJump: time.Hour})
	require.NoError(t, e.Create(ctx, audience.Define("busy").OfAccounts().Members(audience.Performed("Buy").Within(time.Hour))))
	require.NoError(t, e.Group(ctx, audience.Group{Profile: "u", Account: "a"}))
	require.NoError(t, e.Track(ctx, event("u", "Buy", 0)))
	clock.Set(start.Add(2 * time.Hour))
	require.ErrorIs(t, e.Track(ctx, event("u", "Buy", 2*time.Hour)), audience.ErrClockJump)
}
