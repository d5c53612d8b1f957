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

// Why is ann a member, and until when?
func ExampleEngine_Explain() {
	ctx, now := context.Background(), time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(now)})
	if err != nil {
		log.Fatal(err)
	}
	bought := audience.Performed("Order Completed")
	if err := engine.Create(ctx, audience.Define("loyal").Members(audience.All(
		bought.AtLeast(2).Within(30*profile.Day),
		audience.Not(audience.Performed("Order Refunded")),
		audience.Any(audience.Trait(`traits.country == "DE"`), audience.Trait(`traits.country == "FR"`)),
	))); err != nil {
		log.Fatal(err)
	}
	for day := range 3 {
		if err := engine.Track(ctx, profile.Event{
			Profile: "ann", Name: "Order Completed", Time: now.Add(time.Duration(-day) * profile.Day),
		}); err != nil {
			log.Fatal(err)
		}
	}
	traits, err := profile.NewObject(map[string]any{"country": "FR"})
	if err != nil {
		log.Fatal(err)
	}
	if err := engine.Identify(ctx, audience.Identify{Profile: "ann", Traits: traits, Time: now}); err != nil {
		log.Fatal(err)
	}
	why, err := engine.Explain(ctx, "loyal", profile.UserRef("ann"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(why)

	// Output:
	// ann is in loyal at 2026-03-10T12:00:00Z, until 2026-04-08T12:00:00Z
	// ✓ all, until 2026-04-08T12:00:00Z
	//   ✓ performed "Order Completed" at least 2 times within 30d, until 2026-04-08T12:00:00Z
	//       3 events: 2026-03-10T12:00:00Z, 2026-03-09T12:00:00Z, 2026-03-08T12:00:00Z
	//   ✓ not
	//     ✗ performed "Order Refunded" at least once
	//   ✓ any
	//     ✗ traits.country == "DE"
	//         country = "FR"
	//     ✓ traits.country == "FR"
	//         country = "FR"
}

// The next change is that of the answer, not of any part of it: each of the two
// windows hands over to the other.
func TestExplainForeseesTheNextChange(t *testing.T) {
	ctx, at := context.Background(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	clock := audience.NewManualClock(at)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	require.NoError(t, err)
	seen := audience.Performed("Seen")
	require.NoError(t, engine.Create(ctx, audience.Define("either").Members(
		audience.Any(seen.Within(time.Hour), seen.Between(time.Hour, 2*time.Hour)))))
	require.NoError(t, engine.Track(ctx, profile.Event{Profile: "ann", Name: "Seen", Time: at}))

	why, err := engine.Explain(ctx, "either", profile.UserRef("ann"))
	require.NoError(t, err)
	require.True(t, why.Member)
	require.Equal(t, at.Add(2*time.Hour), why.Until)
	require.Equal(t, at.Add(time.Hour), why.Tree.Children[0].Until)
	require.Equal(t, at.Add(time.Hour), why.Tree.Children[1].Until, "false until then")

	text, err := json.Marshal(why)
	require.NoError(t, err)
	require.JSONEq(t, `{"audience":"either","profile":"ann","at":"2026-03-01T00:00:00Z","member":true,"until":"2026-03-01T02:00:00Z",
		"tree":{"path":"where","condition":"any","holds":true,"until":"2026-03-01T02:00:00Z","children":[
			{"path":"where.any[0].event","condition":"performed \"Seen\" at least once within 1h","holds":true,"until":"2026-03-01T01:00:00Z",
				"count":1,"events":[{"time":"2026-03-01T00:00:00Z"}]},
			{"path":"where.any[1].event","condition":"performed \"Seen\" at least once between 1h and 2h ago","holds":false,"until":"2026-03-01T01:00:00Z",
				"near":{"outside":1,"newest":"2026-03-01T00:00:00Z"}}]}}`,
		string(text))
}

// Where too few events count, an explanation says which nearly do, and what keeps them: a
// property that none has and that may be misspelt, a value, or their times.
func TestExplainSaysWhatNearlyCounts(t *testing.T) {
	ctx, at := context.Background(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(at)})
	require.NoError(t, err)
	order := audience.Performed("Order")
	require.NoError(t, engine.Create(ctx, audience.Define("a").Members(audience.Any(
		order.Where("properties.totl > 100"),
		order.Where("properties.total > 100").Within(profile.Day),
		order.AtMost(1),
		order.Where("properties.total > 1000"),
		audience.Performed("Refund"),
	))))
	for i, total := range []int{120, 60, 150} {
		require.NoError(t, engine.Track(ctx, profile.Event{Profile: "ann", Name: "Order", Time: at.Add(-time.Duration(30-i) * time.Hour), Properties: object("total", total)}))
	}
	why, err := engine.Explain(ctx, "a", profile.UserRef("ann"))
	require.NoError(t, err)
	require.Equal(t, []audience.Near{
		{Filtered: 3, Missing: []audience.MissingProperty{{Name: "totl", Meant: "total"}}},
		{Outside: 2, Newest: at.Add(-28 * time.Hour)},
		{}, // there are too many, not too few
		{Filtered: 3},
		{},
	}, []audience.Near{why.Tree.Children[0].Near, why.Tree.Children[1].Near, why.Tree.Children[2].Near, why.Tree.Children[3].Near, why.Tree.Children[4].Near})
	require.Contains(t, why.String(), "\n      3 events filtered out: no \"totl\" (did you mean \"total\"?)\n")
	require.Contains(t, why.String(), "\n      2 events at other times, the newest 2026-02-27T20:00:00Z\n")
}

func TestExplainOfNobody(t *testing.T) {
	ctx := context.Background()
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{})
	require.NoError(t, err)
	require.NoError(t, engine.Create(ctx, audience.Define("quiet").Members(audience.NotPerformed("Login"))))
	why, err := engine.Explain(ctx, "quiet", profile.UserRef("nobody"))
	require.NoError(t, err)
	require.False(t, why.Member, "who does not exist is in no audience")
	_, err = engine.Explain(ctx, "loud", profile.UserRef("nobody"))
	require.ErrorIs(t, err, profile.ErrNotFound)
	_, err = engine.Explain(ctx, "quiet", profile.AccountRef("acme"))
	require.ErrorIs(t, err, profile.ErrNotFound)
	_, err = engine.Explain(ctx, "quiet", profile.UserRef(""))
	require.Error(t, err)
}

// An account is explained by a user who decides, a user of a member account by
// that account.
func TestExplainAccounts(t *testing.T) {
	ctx, at := context.Background(), time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(at)})
	require.NoError(t, err)
	require.NoError(t, e.Create(ctx, audience.Define("active").OfAccounts().WithPerUser().Members(audience.All(
		audience.AnyUser(audience.Performed("Login").Within(profile.Day)),
		audience.Performed("Login"),
	))))
	for _, user := range []string{"ann", "ben"} {
		require.NoError(t, e.Group(ctx, audience.Group{Profile: user, Account: "acme", Time: at}))
	}
	require.NoError(t, e.Group(ctx, audience.Group{Profile: "cem", Account: "beta", Time: at}))
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "ben", Name: "Login", Time: at.Add(-time.Hour)}))

	why, err := e.Explain(ctx, "active", profile.AccountRef("acme"))
	require.NoError(t, err)
	require.Equal(t, `account acme is in active at 2026-03-10T00:00:00Z
✓ all
  ✓ any user
      1 of 2 users
    ✓ ben: performed "Login" at least once within 1d
        1 event: 2026-03-09T23:00:00Z
  ✓ performed "Login" at least once
      1 event: 2026-03-09T23:00:00Z ben
`, why.String())
	why, err = e.Explain(ctx, "active", profile.UserRef("ann"))
	require.NoError(t, err)
	require.True(t, why.Member)
	require.Equal(t, profile.AccountRef("acme"), why.Tree.Children[0].Of)
	why, err = e.Explain(ctx, "active", profile.UserRef("cem"))
	require.NoError(t, err)
	require.False(t, why.Member)
	require.False(t, why.Tree.Children[0].Holds)
}
