package pebblestore_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

var shopStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// shopLog returns n events of a shop in the order of time: views, carts and orders of
// users that come back.
func shopLog(n, users int) []profile.Event {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	categories := []string{"shoes", "books", "toys", "garden"}
	step := 180*profile.Day/time.Duration(n) + 1 // no window ends at the very instant of an event
	events := make([]profile.Event, n)
	for i := range events {
		properties := map[string]any{
			"product_id": fmt.Sprintf("p%d", rng.IntN(10_000)),
			"category":   categories[rng.IntN(len(categories))],
			"total":      float64(rng.IntN(20_000)) / 100,
		}
		name := "Product Viewed"
		switch rng.IntN(10) {
		case 0, 1:
			name = "Order Completed"
			if rng.IntN(4) == 0 {
				properties["coupon"] = "WELCOME"
			}
		case 2, 3:
			name = "Product Added"
		}
		object, err := profile.NewObject(properties)
		if err != nil {
			panic(err) // of the test's own data
		}
		events[i] = profile.Event{
			Profile:    fmt.Sprintf("user-%06d", rng.IntN(users)),
			Name:       name,
			Time:       shopStart.Add(time.Duration(i) * step),
			MessageID:  fmt.Sprintf("%08x-%04x-4000-8000-%012x", rng.Uint32(), rng.IntN(1<<16), i),
			Properties: object,
		}
	}
	return events
}

// shopAudiences are ten audiences of a shop.
func shopAudiences() []audience.Definition {
	viewed := audience.Performed("Product Viewed")
	added := audience.Performed("Product Added")
	ordered := audience.Performed("Order Completed")
	define := func(key string, c audience.Condition) audience.Definition {
		return audience.Define(key).Members(c)
	}
	return []audience.Definition{
		define("recent_buyers", ordered.Within(30*profile.Day)),
		define("loyal", ordered.AtLeast(3)),
		define("big_spenders", ordered.Where(`properties.total > 100.0`).Within(365*profile.Day)),
		define("lapsed", audience.All(
			ordered.Between(30*profile.Day, 90*profile.Day),
			audience.Not(ordered.Within(30*profile.Day)),
		)),
		define("browsers", viewed.AtLeast(5).Within(7*profile.Day)),
		define("shoe_fans", viewed.Where(`properties.category == "shoes"`).Within(7*profile.Day)),
		define("window_shoppers", audience.All(viewed, ordered.AtMost(0))),
		define("abandoners", audience.All(
			added.Within(profile.Day),
			audience.Not(ordered.Within(profile.Day)),
		)),
		define("one_timers", ordered.Exactly(1)),
		define("couponers", ordered.Where(`has(properties.coupon)`).AtLeast(2).Within(90*profile.Day)),
	}
}
