package audience_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// An account is asked for its own traits, and for what its users did. A group
// call attaches a user to it.
func ExampleDefinition_OfAccounts() {
	ctx, now := context.Background(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(now)})
	check(err)
	defer engine.Close()
	check(engine.Create(ctx, audience.Define("at_risk").OfAccounts().Members(audience.All(
		audience.TraitIs(trait.Value("plan").Equals("business")),
		audience.NoUser(audience.Performed("Login").Within(14*profile.Day)),
	))))
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	})

	business, err := profile.NewObject(map[string]any{"plan": "business"})
	check(err)
	check(engine.Track(ctx, profile.Event{Profile: "ann", Name: "Login", Time: now}))
	check(engine.Group(ctx, audience.Group{Profile: "ann", Account: "acme", Traits: business, Time: now}))
	check(engine.Advance(ctx, now.Add(30*profile.Day)))
	check(engine.Track(ctx, profile.Event{Profile: "ann", Name: "Login", Time: now.Add(30 * profile.Day)}))
	// Output:
	// account acme entered at_risk at 2026-03-15T12:00:00Z (time)
	// account acme exited at_risk at 2026-03-31T12:00:00Z (event)
}

// The three conditions on the users of an account, and what they say of one
// without users, with an active and with an inactive user.
func ExampleUsers() {
	ctx, now := context.Background(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(now)})
	check(err)
	defer engine.Close()
	active := audience.Performed("Login").Within(profile.Week)
	check(engine.Create(ctx,
		audience.Define("all_active").OfAccounts().Members(audience.AllUsers(active)),
		audience.Define("any_active").OfAccounts().Members(audience.AnyUser(active)),
		audience.Define("none_active").OfAccounts().Members(audience.NoUser(active)),
	))
	show := func() {
		for _, d := range engine.List() {
			n, err := engine.MemberCount(ctx, d.Key)
			check(err)
			fmt.Print(" ", d.Key, "=", n == 1)
		}
		fmt.Println()
	}
	check(engine.Group(ctx, audience.Group{Profile: "ann", Account: "acme", Time: now}))
	check(engine.Leave(ctx, "ann", "acme"))
	show()
	check(engine.Track(ctx, profile.Event{Profile: "ann", Name: "Login", Time: now}))
	check(engine.Group(ctx, audience.Group{Profile: "ann", Account: "acme", Time: now}))
	show()
	check(engine.Group(ctx, audience.Group{Profile: "ben", Account: "acme", Time: now}))
	show()
	// Output:
	//  all_active=false any_active=false none_active=true
	//  all_active=true any_active=true none_active=false
	//  all_active=false any_active=true none_active=false
}

// With the accounts, their users are told of. Ann is in both accounts, and exits
// with the last.
func ExampleDefinition_WithPerUser() {
	ctx, now := context.Background(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{
		Clock:  audience.NewManualClock(now),
		Shards: 1, // one order for the transitions of all
	})
	check(err)
	defer engine.Close()
	check(engine.Create(ctx, audience.Define("trial").OfAccounts().WithPerUser().Members(
		audience.Performed("Trial Started").OfGroup().Within(14*profile.Day))))
	for _, account := range []string{"acme", "globex"} {
		check(engine.Group(ctx, audience.Group{Profile: "ann", Account: account, Time: now}))
	}
	check(engine.Group(ctx, audience.Group{Profile: "ben", Account: "acme", Time: now}))
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	})

	check(engine.Track(ctx, profile.Event{Profile: "ann", Account: "acme", Name: "Trial Started", Time: now}))
	later := now.Add(profile.Day)
	check(engine.Advance(ctx, later))
	check(engine.Track(ctx, profile.Event{Profile: "ann", Account: "globex", Name: "Trial Started", Time: later}))
	check(engine.Advance(ctx, now.Add(30*profile.Day)))
	// Output:
	// ann entered trial at 2026-03-01T12:00:00Z (event)
	// ben entered trial at 2026-03-01T12:00:00Z (event)
	// account acme entered trial at 2026-03-01T12:00:00Z (event)
	// account globex entered trial at 2026-03-02T12:00:00Z (event)
	// ben exited trial at 2026-03-15T12:00:00Z (time)
	// account acme exited trial at 2026-03-15T12:00:00Z (time)
	// ann exited trial at 2026-03-16T12:00:00Z (time)
	// account globex exited trial at 2026-03-16T12:00:00Z (time)
}

// In goes both ways: accounts are asked for users in an audience of users, and
// users for being in an account of an audience of accounts.
func ExampleInAudience() {
	ctx, now := context.Background(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{
		Clock:  audience.NewManualClock(now),
		Shards: 1, // one order for the transitions of all
	})
	check(err)
	defer engine.Close()
	check(engine.Create(ctx,
		audience.Define("champions").Members(audience.Performed("Report Shared").AtLeast(2)),
		audience.Define("engaged").OfAccounts().Members(audience.AnyUser(audience.InAudience("champions"))),
		audience.Define("to_invite").Members(audience.All(
			audience.InAudience("engaged"),
			audience.Not(audience.InAudience("champions")),
		)),
	))
	check(engine.Group(ctx, audience.Group{Profile: "ann", Account: "acme", Time: now}))
	check(engine.Group(ctx, audience.Group{Profile: "ben", Account: "acme", Time: now}))
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	})

	for range 2 {
		check(engine.Track(ctx, profile.Event{Profile: "ann", Name: "Report Shared", Time: now}))
	}
	// Output:
	// ann entered champions at 2026-03-01T12:00:00Z (event)
	// ben entered to_invite at 2026-03-01T12:00:00Z (event)
	// account acme entered engaged at 2026-03-01T12:00:00Z (event)
}

// Ann works for two accounts. Her events count for both, unless those are asked
// for that were sent with the account's id.
func ExampleEvent_OfGroup() {
	ctx, now := context.Background(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{
		Clock:  audience.NewManualClock(now),
		Shards: 1, // one order for the transitions of all
	})
	check(err)
	defer engine.Close()
	exported := audience.Performed("Report Exported")
	check(engine.Create(ctx,
		audience.Define("by_their_users").OfAccounts().Members(exported),
		audience.Define("in_their_name").OfAccounts().Members(exported.OfGroup()),
	))
	for _, account := range []string{"acme", "globex"} {
		check(engine.Group(ctx, audience.Group{Profile: "ann", Account: account, Time: now}))
	}
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	})

	check(engine.Track(ctx, profile.Event{Profile: "ann", Account: "acme", Name: "Report Exported", Time: now}))
	// Output:
	// account acme entered by_their_users at 2026-03-01T12:00:00Z (event)
	// account acme entered in_their_name at 2026-03-01T12:00:00Z (event)
	// account globex entered by_their_users at 2026-03-01T12:00:00Z (event)
}

// A condition of users reads the traits of their accounts. It holds if it does
// for any of them.
func ExampleTrait() {
	ctx, now := context.Background(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := audience.NewManualClock(now)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	check(err)
	defer engine.Close()
	check(engine.Create(ctx, audience.Define("admins_in_trial").Members(
		audience.Trait(`traits.role == "admin" && account.traits.plan == "trial"`))))
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	})

	admin, err := profile.NewObject(map[string]any{"role": "admin"})
	check(err)
	check(engine.Identify(ctx, audience.Identify{Profile: "ann", Traits: admin, Time: now}))
	for _, plan := range []string{"trial", "business"} {
		traits, err := profile.NewObject(map[string]any{"plan": plan})
		check(err)
		check(engine.Group(ctx, audience.Group{Profile: "ann", Account: "acme", Traits: traits, Time: clock.Now()}))
		clock.Set(now.Add(14 * profile.Day))
	}
	// Output:
	// ann entered admins_in_trial at 2026-03-01T12:00:00Z (trait)
	// ann exited admins_in_trial at 2026-03-15T12:00:00Z (trait)
}

// A user who leaves takes what was done along. What was sent with the account's
// id stays.
func ExampleEngine_Leave() {
	ctx, now := context.Background(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(now)})
	check(err)
	defer engine.Close()
	check(engine.Create(ctx, audience.Define("busy").OfAccounts().Members(audience.Performed("Login").AtLeast(2))))
	check(engine.Group(ctx, audience.Group{Profile: "ann", Account: "acme", Time: now}))
	check(engine.Track(ctx, profile.Event{Profile: "ann", Name: "Login", Time: now}))
	check(engine.Track(ctx, profile.Event{Profile: "ann", Account: "acme", Name: "Login", Time: now}))
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	})

	check(engine.Leave(ctx, "ann", "acme"))
	check(engine.Track(ctx, profile.Event{Profile: "ann", Account: "acme", Name: "Login", Time: now}))
	// Output:
	// account acme exited busy at 2026-03-01T12:00:00Z (trait)
	// account acme entered busy at 2026-03-01T12:00:00Z (event)
}

// An account that is no more exits, and its users with it. They stay.
func ExampleEngine_DeleteAccount() {
	ctx, now := context.Background(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{
		Clock:  audience.NewManualClock(now),
		Shards: 1, // one order for the transitions of all
	})
	check(err)
	defer engine.Close()
	active := audience.Performed("Login")
	check(engine.Create(ctx,
		audience.Define("active").Members(active),
		audience.Define("active_accounts").OfAccounts().WithPerUser().Members(audience.AnyUser(active)),
	))
	check(engine.Group(ctx, audience.Group{Profile: "ann", Account: "acme", Time: now}))
	check(engine.Track(ctx, profile.Event{Profile: "ann", Name: "Login", Time: now}))
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	})

	check(engine.DeleteAccount(ctx, "acme"))
	keys, err := engine.AudiencesOf(ctx, profile.UserRef("ann"))
	check(err)
	fmt.Println("ann is in", keys)
	// Output:
	// ann exited active_accounts at 2026-03-01T12:00:00Z (delete)
	// account acme exited active_accounts at 2026-03-01T12:00:00Z (delete)
	// ann is in [active]
}
