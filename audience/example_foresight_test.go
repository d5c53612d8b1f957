package audience_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// orders is an engine over three users and their orders in March.
func orders() (*audience.Engine, time.Time) {
	ctx := context.Background()
	march := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	clock := audience.NewManualClock(march)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	ordered := audience.Performed("Order")
	if err := engine.Create(ctx,
		audience.Define("active").Members(ordered.Within(10*profile.Day)),
		audience.Define("loyal").Members(ordered.AtLeast(2)),
	); err != nil {
		log.Fatal(err)
	}
	for _, order := range []struct {
		user string
		day  int
	}{{"ann", 1}, {"bob", 4}, {"ann", 9}, {"cid", 12}} {
		clock.Set(march.AddDate(0, 0, order.day-1))
		if err := engine.Track(ctx, profile.Event{Profile: order.user, Name: "Order"}); err != nil {
			log.Fatal(err)
		}
	}
	return engine, clock.Now()
}

// What will happen if nothing else does.
func ExampleEngine_Due() {
	engine, now := orders()
	defer engine.Close()
	due, err := engine.Due(context.Background(), now.AddDate(0, 0, 7))
	if err != nil {
		log.Fatal(err)
	}
	for _, transition := range due {
		fmt.Println(transition)
	}
	// Output:
	// bob exited active at 2026-03-14T00:00:00Z (time)
	// ann exited active at 2026-03-19T00:00:00Z (time)
}

// How large an audience that does not exist yet would have been.
func ExampleEngine_Backtest() {
	engine, now := orders()
	defer engine.Close()
	lively := audience.Define("lively").Members(audience.Performed("Order").Within(5 * profile.Day))
	points, err := engine.Backtest(context.Background(), lively, now.AddDate(0, 0, -9), now, 3*profile.Day)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range points {
		fmt.Printf("%s %d +%d -%d\n", p.At.Format(time.DateOnly), p.Size, p.Entered, p.Exited)
	}
	// Output:
	// 2026-03-03 1 +0 -0
	// 2026-03-06 1 +1 -1
	// 2026-03-09 1 +1 -1
	// 2026-03-12 2 +1 -0
}

// How many accounts two of whose users order within ten days there would have been.
func ExampleEngine_Backtest_accounts() {
	ctx := context.Background()
	engine, now := orders()
	defer engine.Close()
	for _, user := range []string{"ann", "bob"} {
		if err := engine.Group(ctx, audience.Group{Profile: user, Account: "acme"}); err != nil {
			log.Fatal(err)
		}
	}
	ordered := audience.Performed("Order").Within(10 * profile.Day)
	teams := audience.Define("teams").OfAccounts().Members(audience.AtLeastUsers(2, ordered))
	points, err := engine.Backtest(ctx, teams, now.AddDate(0, 0, -11), now.AddDate(0, 0, 4), 5*profile.Day)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range points {
		fmt.Printf("%s %d +%d -%d\n", p.At.Format(time.DateOnly), p.Size, p.Entered, p.Exited)
	}
	// Output:
	// 2026-03-01 0 +0 -0
	// 2026-03-06 1 +1 -0
	// 2026-03-11 1 +0 -0
	// 2026-03-16 0 +0 -1
}

// How many are in both of two audiences.
func ExampleEngine_Overlap() {
	engine, _ := orders()
	defer engine.Close()
	overlap, err := engine.Overlap(context.Background(), "active", "loyal")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%+v\n", overlap)
	// Output: {Both:1 Only1:2 Only2:0}
}
