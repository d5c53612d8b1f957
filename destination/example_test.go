package destination_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// adPlatform is a destination of its own make: it takes lists.
type adPlatform struct{}

func (adPlatform) Type() string { return "ad platform" }

func (adPlatform) Modes() destination.Mode { return destination.Lists }

func (adPlatform) Deliver(_ context.Context, b *destination.Batch) error {
	for _, list := range b.Lists {
		for _, m := range list.Add {
			fmt.Println("  add", m.ID, "to", list.Audience)
		}
		for _, m := range list.Remove {
			fmt.Println("  remove", m.ID, "from", list.Audience)
		}
	}
	return nil
}

// An ad platform that accepts a sync each hour gets the net change.
func Example() {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	check(err)
	defer engine.Close()
	check(engine.Create(ctx, audience.Define("browsing").Members(
		audience.Performed("Product Viewed").Within(20*time.Minute))))
	view := func(user string) {
		check(engine.Track(ctx, profile.Event{Profile: user, Name: "Product Viewed", Time: clock.Now()}))
	}
	view("ann")

	hub := destination.NewHub(engine, destination.Options{})
	_, err = hub.Connect(ctx, adPlatform{}, destination.Config{
		Mode:     destination.Lists,
		Interval: time.Hour,
	})
	check(err)
	defer hub.Close(ctx)

	// A service has hub.Run(ctx) on a goroutine for this.
	at := func(minute int) {
		clock.Set(time.Date(2026, 3, 1, 12, minute, 0, 0, time.UTC))
		check(engine.Advance(ctx, clock.Now()))
		fmt.Println(clock.Now().Format("15:04"))
		next, err := hub.Sync(ctx)
		check(err)
		if !next.IsZero() {
			fmt.Println("  next sync at", next.Format("15:04"))
		}
	}
	at(0) // ann is there when the platform is connected
	at(5)
	view("bob") // until 12:25: too short to be sent
	at(30)
	at(50)
	view("eve")
	at(60)
	// Output:
	// 12:00
	//   add ann to browsing
	// 12:05
	// 12:30
	//   next sync at 13:00
	// 12:50
	//   next sync at 13:00
	// 13:00
	//   add eve to browsing
	//   remove ann from browsing
}

// A configuration is changed by connecting anew, and so a process that is started again
// goes on. The receiver is not told again what it knows.
func ExampleConnection_Close() {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	check(err)
	defer engine.Close()
	check(engine.Create(ctx,
		audience.Define("buyers").Members(audience.Performed("Buy")),
		audience.Define("lookers").Members(audience.Performed("Look"))))
	for _, name := range []string{"Look", "Buy"} {
		check(engine.Track(ctx, profile.Event{Profile: "ann", Name: name, Time: clock.Now()}))
	}

	hub := destination.NewHub(engine, destination.Options{})
	cfg := destination.Config{Mode: destination.Lists, Audiences: []string{"buyers"}}
	c, err := hub.Connect(ctx, adPlatform{}, cfg)
	check(err)
	fmt.Println("first")
	check(hub.Flush(ctx))
	check(c.Close(ctx))

	cfg.Audiences = append(cfg.Audiences, "lookers")
	_, err = hub.Connect(ctx, adPlatform{}, cfg)
	check(err)
	fmt.Println("then")
	check(hub.Flush(ctx))
	check(hub.Close(ctx))
	// Output:
	// first
	//   add ann to buyers
	// then
	//   add ann to lookers
}

// printer is a destination that prints messages.
type printer struct{}

func (printer) Type() string { return "printer" }

func (printer) Modes() destination.Mode { return destination.Identify }

func (printer) Deliver(_ context.Context, b *destination.Batch) error {
	for _, m := range b.Messages {
		fmt.Println(m.UserID+m.AnonymousID, m.Traits, m.IDs())
	}
	return nil
}

// A mail tool gets who is in which audience, what they spent, and their email as
// soon as there is one.
func ExampleConfig() {
	ctx := context.Background()
	clock := audience.NewManualClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	check(err)
	defer engine.Close()
	check(engine.CreateTraits(ctx, trait.Sum("spent", "Buy", "total")))
	check(engine.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy"))))

	hub := destination.NewHub(engine, destination.Options{})
	_, err = hub.Connect(ctx, printer{}, destination.Config{
		Mode:        destination.Identify,
		Traits:      []string{"spent"},
		ExternalIDs: []string{"email"},
	})
	check(err)
	defer hub.Close(ctx)

	total, err := profile.NewObject(map[string]any{"total": 60})
	check(err)
	check(engine.Track(ctx, profile.Event{Profile: "ann", Name: "Buy", Properties: total, Time: clock.Now()}))
	check(hub.Flush(ctx))
	check(engine.Identify(ctx, audience.Identify{
		Profile: "ann", IDs: []profile.ExternalID{{Type: "email", Value: "ann@x.io"}}, Time: clock.Now()}))
	check(hub.Flush(ctx))
	// Output:
	// ann {"spent":60} [{user_id ann}]
	// ann {"buyers":true} [{user_id ann}]
	// ann {"spent":60} [{user_id ann} {email ann@x.io}]
	// ann {"buyers":true} [{user_id ann} {email ann@x.io}]
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
