package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
)

// now is the instant of all answers.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// event is one of the history, as both sides get it.
type event struct {
	user, name        string
	at                int64 // Unix nanoseconds
	product, category string
	amount            float64 // the price of what is viewed or added, the total of an order
}

const (
	pageViewed     = "Page Viewed"
	productViewed  = "Product Viewed"
	productAdded   = "Product Added"
	orderCompleted = "Order Completed"
)

var categories = []string{"books", "garden", "shoes", "toys", "wine"}

// history returns n events of a year, in the order of their times.
func history(n, users int) []event {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(users)))
	ids := make([]string, users)
	for i := range ids {
		ids[i] = fmt.Sprintf("user-%08d", i)
	}
	products := make([]string, 500)
	for i := range products {
		products[i] = fmt.Sprintf("product-%04d", i)
	}
	// Each user likes some products, so that one is viewed and ordered later.
	liked := func(user int) int { return (user*31 + rng.IntN(8)) % len(products) }
	events := make([]event, n)
	for i := range events {
		user := rng.IntN(users)
		product := liked(user)
		ev := event{
			user: ids[user], at: now.UnixNano() - rng.Int64N(int64(365*profile.Day)),
			product: products[product], category: categories[product%len(categories)],
			amount: float64(100+rng.IntN(19_900)) / 100,
		}
		switch p := rng.IntN(100); {
		case p < 30:
			ev.name, ev.product, ev.category, ev.amount = pageViewed, "", "", 0
		case p < 70:
			ev.name = productViewed
		case p < 85:
			ev.name = productAdded
		default:
			ev.name = orderCompleted
		}
		events[i] = ev
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return events
}

// newStore returns a store with the events.
func newStore(ctx context.Context, events []event) (*profile.MemStore, error) {
	store := profile.NewMemStore()
	for i, ev := range events {
		properties := map[string]any{"path": "/" + ev.user}
		switch ev.name {
		case productViewed, productAdded:
			properties = map[string]any{"product_id": ev.product, "category": ev.category, "price": ev.amount}
		case orderCompleted:
			properties = map[string]any{"product_id": ev.product, "category": ev.category, "total": ev.amount}
		}
		packed, err := profile.NewObject(properties)
		if err != nil {
			return nil, err
		}
		at := time.Unix(0, ev.at)
		put := &profile.PutEvent{Event: profile.Event{
			Profile: ev.user, Name: ev.name, Time: at, MessageID: fmt.Sprint("m", i), Properties: packed,
		}}
		if err := profile.Apply(ctx, store, at, put); err != nil {
			return nil, err
		}
	}
	return store, nil
}
