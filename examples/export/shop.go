package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

var (
	recentBuyers = audience.Define("recent_buyers").WithName("Bought in the last 30 days").
			Members(audience.Performed("Order Completed").Within(30 * profile.Day))
	revenue = trait.Sum("revenue", "Order Completed", "total").WithName("Dollars spent, ever")
)

// shop returns the store of an engine that has seen the log of a shop with so
// many users.
func shop(ctx context.Context, users int) (profile.Store, error) {
	clock := audience.NewManualClock(profile.MinTime)
	store := profile.NewMemStore()
	engine, err := audience.New(ctx, store, audience.Options{Clock: clock})
	if err != nil {
		return nil, err
	}
	defer engine.Close() // the store stays open
	definitions := audience.File{Audiences: []audience.Definition{recentBuyers}, Traits: []trait.Computed{revenue}}
	if err := engine.CreateFile(ctx, definitions); err != nil {
		return nil, err
	}
	log := profile.NewDecoder(strings.NewReader(messages(users)), "log")
	for m, err := range log.All() {
		if err != nil {
			return nil, err
		}
		clock.Set(m.Time)
		if err := engine.Apply(ctx, m); err != nil {
			return nil, log.At(err)
		}
	}
	return store, engine.Advance(ctx, clock.Now())
}

// messages returns the log of some two months, in which users come, one after the
// other, and buy up to twice.
func messages(users int) string {
	random := rand.New(rand.NewPCG(1, 2)) // always the same log
	names := []string{"Ann", "Ben", "Cho", "Dée", "Eve", "Fay", "Gil", "Hal"}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var log strings.Builder
	id, step := 0, 60*24*time.Hour/time.Duration(2*max(users, 1))
	message := func(user int, format string, args ...any) {
		at := start.Add(time.Duration(id) * step / 2).Format(time.RFC3339Nano)
		fmt.Fprintf(&log, `{"messageId":"m%d","timestamp":"%s","userId":"u%04d",%s}`+"\n", id, at, user, fmt.Sprintf(format, args...))
		id++
	}
	for u := range users {
		name := names[u%len(names)]
		email := fmt.Sprintf("%s.%d@example.com", strings.ToLower(name), u)
		message(u, `"type":"identify","anonymousId":"a%04d","traits":{"name":"%s","email":"%s"}`, u, name, email)
		if u%4 == 2 { // a quarter has another address, as typed into a form
			message(u, `"type":"identify","traits":{"email":"%s.%d@Example.ORG "}`, name, u)
		}
		if u%3 == 0 {
			message(u, `"type":"identify","traits":{"phone":"+49 (0)170 %07d"}`, 1_000_000+u)
		}
		for range random.IntN(3) {
			message(u, `"type":"track","event":"Order Completed","properties":{"total":%d.5}`, 10+random.IntN(90))
		}
	}
	return log.String()
}
