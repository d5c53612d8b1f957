package audience_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// The whole story: an audience, a callback, an event, and time.
func Example() {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()

	recent := audience.Define("recent_buyers").Members(
		audience.Performed("Order Completed").Within(30 * profile.Day))
	if err := engine.Create(ctx, recent); err != nil {
		log.Fatal(err)
	}
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	})

	order := profile.Event{Profile: "ann", Name: "Order Completed", Time: clock.Now(), MessageID: "m1"}
	if err := engine.Track(ctx, order); err != nil {
		log.Fatal(err)
	}
	// Half a year later. What happened meanwhile carries its own instant.
	if err := engine.Advance(ctx, clock.Now().Add(180*profile.Day)); err != nil {
		log.Fatal(err)
	}
	// Output:
	// ann entered recent_buyers at 2026-03-01T12:00:00Z (event)
	// ann exited recent_buyers at 2026-03-31T12:00:00Z (time)
}

// A definition is a plain value: built, or read from its JSON form.
func ExampleDefine() {
	bought := audience.Performed("Order Completed")
	lapsed := audience.Define("lapsed_spenders").
		WithName("Spent well, and has not been back").
		Members(audience.All(
			bought.Where("properties.total > 100").AtLeast(2),
			bought.Between(90*profile.Day, 180*profile.Day),
			audience.Not(bought.Within(90*profile.Day)),
			audience.Trait(`traits.country in ["DE", "FR"]`),
		))
	text, err := json.MarshalIndent(lapsed, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
	// Output:
	// {
	//   "key": "lapsed_spenders",
	//   "name": "Spent well, and has not been back",
	//   "where": {
	//     "all": [
	//       {
	//         "event": {
	//           "name": "Order Completed",
	//           "where": "properties.total \u003e 100",
	//           "count": {
	//             "at_least": 2
	//           }
	//         }
	//       },
	//       {
	//         "event": {
	//           "name": "Order Completed",
	//           "window": {
	//             "between": [
	//               "90d",
	//               "180d"
	//             ]
	//           }
	//         }
	//       },
	//       {
	//         "not": {
	//           "event": {
	//             "name": "Order Completed",
	//             "window": {
	//               "within": "90d"
	//             }
	//           }
	//         }
	//       },
	//       {
	//         "trait": "traits.country in [\"DE\", \"FR\"]"
	//       }
	//     ]
	//   }
	// }
}

func ExampleParseFile() {
	file, err := audience.ParseFile([]byte(`{"traits": [
		{"key": "revenue_90d", "type": "sum", "event": "Order Completed", "property": "total", "window": {"within": "90d"}}
	], "audiences": [
		{"key": "cart_abandoners", "where": {"all": [
			{"event": {"name": "Product Added", "window": {"between": ["1h", "3d"]}}},
			{"event": {"name": "Order Completed", "count": {"at_most": 0}, "window": {"within": "3d"}}}
		]}},
		{"key": "reminders", "where": {"all": [
			{"audience": "cart_abandoners"},
			{"trait": "traits.revenue_90d >= 100"}
		]}}
	]}`))
	if err != nil {
		log.Fatal(err)
	}
	engine, err := audience.New(context.Background(), profile.NewMemStore(), audience.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	if err := engine.CreateFile(context.Background(), file); err != nil {
		log.Fatal(err)
	}
	for _, c := range engine.ListTraits() {
		fmt.Println("trait", c.Key)
	}
	for _, d := range engine.List() {
		fmt.Println("audience", d.Key)
	}
	// Output:
	// trait revenue_90d
	// audience cart_abandoners
	// audience reminders
}

// Conditions on traits, without writing CEL.
func ExampleTraitIs() {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()

	upgrade := audience.Define("upgrade").Members(audience.All(
		audience.TraitIs(trait.Value("plan").Equals("pro")),
		audience.TraitIs(trait.Value("country").OneOf("DE", "FR")),
		audience.TraitIs(trait.Value("tags").ContainsAny("beta", "vip")),
		audience.Not(audience.TraitIs(trait.Value("email").EndsWith("@example.org"))),
		audience.DateIs(trait.Value("renewal_date").WithinNext(2*profile.Week)),
	))
	if err := engine.Create(ctx, upgrade); err != nil {
		log.Fatal(err)
	}
	fmt.Println(upgrade.Where.All[1].Trait)

	traits, err := profile.NewObject(map[string]any{
		"plan": "pro", "country": "FR", "tags": []any{"vip"}, "email": "ann@example.com", "renewal_date": "2026-03-20",
	})
	if err != nil {
		log.Fatal(err)
	}
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	})
	if err := engine.Identify(ctx, audience.Identify{Profile: "ann", Traits: traits, Time: clock.Now()}); err != nil {
		log.Fatal(err)
	}
	if err := engine.Advance(ctx, clock.Now().Add(30*profile.Day)); err != nil {
		log.Fatal(err)
	}
	// Output:
	// traits.country in ["DE", "FR"]
	// ann entered upgrade at 2026-03-06T00:00:00Z (time)
	// ann exited upgrade at 2026-03-20T00:00:00Z (time)
}

// A trait that the engine computes, its changes, and an audience that reads it.
func ExampleEngine_CreateTraits() {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()

	revenue := trait.Sum("revenue_30d", "Order Completed", "total").Within(30 * profile.Day)
	if err := engine.CreateTraits(ctx, revenue); err != nil {
		log.Fatal(err)
	}
	spenders := audience.Define("big_spenders").Members(
		audience.TraitIs(trait.Value("revenue_30d").AtLeast(100)))
	if err := engine.Create(ctx, spenders); err != nil {
		log.Fatal(err)
	}
	engine.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error {
		fmt.Println(c)
		return nil
	})
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	})

	for _, total := range []float64{79.5, 20.5} {
		order, err := profile.NewObject(map[string]any{"total": total})
		if err != nil {
			log.Fatal(err)
		}
		ev := profile.Event{Profile: "ann", Name: "Order Completed", Time: clock.Now(), Properties: order}
		if err := engine.Track(ctx, ev); err != nil {
			log.Fatal(err)
		}
		clock.Set(clock.Now().Add(10 * profile.Day))
	}
	for v, err := range engine.Values(ctx, "revenue_30d") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(v.Ref.ID, "has", v.Value)
	}
	if err := engine.Advance(ctx, clock.Now().Add(90*profile.Day)); err != nil {
		log.Fatal(err)
	}
	// Output:
	// ann revenue_30d null → 79.5 at 2026-03-01T00:00:00Z (event)
	// ann revenue_30d 79.5 → 100.0 at 2026-03-11T00:00:00Z (event)
	// ann entered big_spenders at 2026-03-11T00:00:00Z (event)
	// ann has 100.0
	// ann revenue_30d 100.0 → 20.5 at 2026-03-31T00:00:00Z (time)
	// ann exited big_spenders at 2026-03-31T00:00:00Z (time)
	// ann revenue_30d 20.5 → null at 2026-04-10T00:00:00Z (time)
}

// An edit tells the difference, and nothing of those for whom there is none.
func ExampleEngine_EditTrait() {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{
		Clock:  clock,
		Shards: 1, // one order for the changes of all users
	})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	if err := engine.CreateTraits(ctx, trait.Count("orders", "Order Completed")); err != nil {
		log.Fatal(err)
	}
	if err := engine.Create(ctx, audience.Define("loyal").Members(
		audience.TraitIs(trait.Value("orders").AtLeast(2)))); err != nil {
		log.Fatal(err)
	}
	for user, days := range map[string][]int{"ann": {1, 8}, "ben": {7, 9}} {
		for _, ago := range days {
			at := clock.Now().Add(-time.Duration(ago) * profile.Day)
			if err := engine.Track(ctx, profile.Event{Profile: user, Name: "Order Completed", Time: at}); err != nil {
				log.Fatal(err)
			}
		}
	}

	engine.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error {
		fmt.Println(c)
		return nil
	})
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	})
	// An order of 9 days ago counts no more.
	edited := trait.Count("orders", "Order Completed").Within(9 * profile.Day)
	if err := engine.EditTrait(ctx, edited); err != nil {
		log.Fatal(err)
	}
	// Output:
	// ben orders 2 → 1 at 2026-03-01T00:00:00Z (edit)
	// ben exited loyal at 2026-03-01T00:00:00Z (dependency)
}

// What is wrong with a definition comes with its place.
func ExampleDefinitionError() {
	ctx := context.Background()
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()

	err = engine.Create(ctx, audience.Define("big_spenders").Members(audience.All(
		audience.Performed("Signed Up"),
		audience.Performed("Order Completed").Where("properties.total > limit"),
	)))
	var bad *audience.DefinitionError
	if errors.As(err, &bad) {
		fmt.Println(bad.Audience, "at", bad.Path)
	}
	// Output: big_spenders at where.all[1].event.where
}

// A callback may call the engine: here one audience's exit is an event that
// another one counts.
func ExampleEngine_Subscribe() {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{
		Clock:   clock,
		OnError: func(err error) { fmt.Println(err) }, // of callbacks, panics too
	})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	err = engine.Create(ctx,
		audience.Define("trial").Members(audience.Performed("Trial Started").Within(2*profile.Week)),
		audience.Define("follow_up").Members(audience.Performed("Trial Ended").Within(profile.Day)),
	)
	if err != nil {
		log.Fatal(err)
	}

	cancel, err := engine.Subscribe(func(ctx context.Context, t audience.Transition) error {
		fmt.Println(t)
		if t.Audience == "trial" && t.Type == audience.Exited {
			return engine.Track(ctx, profile.Event{Profile: t.Profile, Name: "Trial Ended", Time: t.At})
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	defer cancel()

	if err := engine.Track(ctx, profile.Event{Profile: "ben", Name: "Trial Started", Time: clock.Now()}); err != nil {
		log.Fatal(err)
	}
	if err := engine.Advance(ctx, clock.Now().Add(30*profile.Day)); err != nil {
		log.Fatal(err)
	}
	// Output:
	// ben entered trial at 2026-03-01T00:00:00Z (event)
	// ben exited trial at 2026-03-15T00:00:00Z (time)
	// ben entered follow_up at 2026-03-15T00:00:00Z (event)
	// ben exited follow_up at 2026-03-16T00:00:00Z (time)
}

// Messages of the Segment spec. The visitor turns out to be ann, so all that
// the visitor did has been hers.
func ExampleEngine_Apply() {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{
		Clock:  clock,
		Shards: 1, // one order for the transitions of both
	})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	if err := engine.Create(ctx, audience.Define("shoe_fans").Members(
		audience.Performed(profile.PageViewed).Where(`properties.category == "shoes"`).AtLeast(2),
	)); err != nil {
		log.Fatal(err)
	}
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		fmt.Println(t)
		return nil
	})

	messages := `
{"type":"page","messageId":"1","timestamp":"2026-03-02T10:00:00Z","anonymousId":"v7","category":"shoes"}
{"type":"page","messageId":"2","timestamp":"2026-03-02T10:05:00Z","anonymousId":"v7","category":"shoes"}
{"type":"page","messageId":"2","timestamp":"2026-03-02T10:05:00Z","anonymousId":"v7","category":"shoes"}
{"type":"identify","messageId":"3","timestamp":"2026-03-02T10:09:00Z","anonymousId":"v7","userId":"ann"}
`
	for m, err := range profile.NewDecoder(strings.NewReader(messages), "messages").All() {
		if err != nil {
			log.Fatal(err)
		}
		clock.Set(m.Time)
		if err := engine.Apply(ctx, m); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// v7 entered shoe_fans at 2026-03-02T10:05:00Z (event)
	// ann entered shoe_fans at 2026-03-02T10:09:00Z (merge)
	// v7 exited shoe_fans at 2026-03-02T10:09:00Z (merge)
}

func ExampleEngine_Members() {
	ctx := context.Background()
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	clock := audience.NewManualClock(start)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	for i, user := range []string{"dia", "ann", "cho"} {
		at := start.Add(time.Duration(i) * time.Hour)
		clock.Set(at)
		if err := engine.Track(ctx, profile.Event{Profile: user, Name: "Signed Up", Time: at}); err != nil {
			log.Fatal(err)
		}
	}
	// What was stored before an audience was created counts as well.
	if err := engine.Create(ctx, audience.Define("signed_up").Members(audience.Performed("Signed Up"))); err != nil {
		log.Fatal(err)
	}
	n, err := engine.MemberCount(ctx, "signed_up")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(n, "members")
	for m, err := range engine.Members(ctx, "signed_up") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Ref.ID, "since", m.Since.Format(time.DateTime))
	}
	// Output:
	// 3 members
	// ann since 2026-03-01 02:00:00
	// cho since 2026-03-01 02:00:00
	// dia since 2026-03-01 02:00:00
}
