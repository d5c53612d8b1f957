// Event has an engine take events, each of which has a user enter an audience: what package
// way counts the functions of.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: event users|accounts NUMBER")
	}
	n, err := strconv.Atoi(os.Args[2])
	if err == nil {
		err = take(os.Args[1] == "accounts", n)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// take takes n events of one user each, who has an account.
func take(accounts bool, n int) error {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }()
	defs := []audience.Definition{audience.Define("buyers").Members(audience.Performed("Buy"))}
	if accounts {
		defs = append(defs, audience.Define("customers").OfAccounts().Members(audience.AnyUser(audience.Performed("Buy"))))
	}
	if err := e.Create(ctx, defs...); err != nil {
		return err
	}
	const users = 1000
	if n > users {
		return fmt.Errorf("%d events, at most %d", n, users)
	}
	for i := range users {
		user := fmt.Sprint("u", i)
		if err := e.Group(ctx, audience.Group{Profile: user, Account: "acme " + user}); err != nil {
			return err
		}
		if err := e.Track(ctx, profile.Event{Profile: user, Name: "Look"}); err != nil {
			return err
		}
	}
	if _, err := e.Subscribe(func(context.Context, audience.Transition) error { return nil }); err != nil {
		return err
	}
	for i := range n {
		clock.Set(clock.Now().Add(time.Second))
		if err := e.Track(ctx, profile.Event{Profile: fmt.Sprint("u", i), Name: "Buy"}); err != nil {
			return err
		}
	}
	return nil
}
