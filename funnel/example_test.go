package funnel_test

import (
	"encoding/json"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
)

// noon is on March 1, 2026.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func did(name string, at time.Time, properties map[string]any) profile.Event {
	o, err := profile.NewObject(properties)
	if err != nil {
		log.Fatal(err)
	}
	return profile.Event{Profile: "ann", Name: name, Time: at, Properties: o}
}

// Viewed a product over 100 dollars, and did not order that same product within
// a day.
func Example() {
	abandoned, err := funnel.Start("viewed", "Product Viewed").Where("properties.price > 100").
		NotFollowed("ordered", "Order Completed").Within(profile.Day).
		Where("properties.product_id == steps.viewed.properties.product_id").
		WithWindow(profile.Within(profile.Week)).
		Compile()
	if err != nil {
		log.Fatal(err)
	}
	history := []profile.Event{
		did("Product Viewed", noon, map[string]any{"product_id": "desk", "price": 250}),
		did("Product Viewed", noon.Add(time.Hour), map[string]any{"product_id": "chair", "price": 120}),
		did("Product Viewed", noon.Add(2*time.Hour), map[string]any{"product_id": "lamp", "price": 30}),
		did("Order Completed", noon.Add(3*time.Hour), map[string]any{"product_id": "desk"}),
	}
	for _, t := range []time.Time{noon.Add(4 * time.Hour), noon.Add(25 * time.Hour)} {
		verdict, matched, err := abandoned.Match(slices.Values(history), funnel.Traits{}, t)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(verdict.True, "until", time.Unix(0, verdict.Until).UTC())
		for _, e := range matched {
			fmt.Println("  ", e.Name, e.Properties)
		}
	}
	// Output:
	// false until 2026-03-02 13:00:00 +0000 UTC
	// true until 2026-03-08 13:00:00 +0000 UTC
	//    Product Viewed {"price":120,"product_id":"chair"}
}

// A state answers event by event; the order that comes late takes back what
// seemed to be.
func ExampleState() {
	m, err := funnel.Start("viewed", "Product Viewed").
		NotFollowed("ordered", "Order Completed").Within(time.Hour).Pending().
		Compile()
	if err != nil {
		log.Fatal(err)
	}
	state := m.NewState()
	now := noon
	tell := func(e profile.Event) {
		state.Add(&e, funnel.Traits{}, now.UnixNano())
		fmt.Println(e.Name, "at", e.Time.Format(time.TimeOnly), "makes it", state.At(now.UnixNano()).True)
		for _, m := range state.Evidence() {
			fmt.Println("  ", m.Step, "at", m.Time.Format(time.TimeOnly))
		}
	}
	tell(did("Product Viewed", now, nil))
	now = now.Add(2 * time.Hour)
	tell(did("Order Completed", noon.Add(10*time.Minute), nil))
	// Output:
	// Product Viewed at 12:00:00 makes it true
	//    viewed at 12:00:00
	// Order Completed at 12:10:00 makes it false
}

func ExampleFunnel_MarshalJSON() {
	f := funnel.Start("viewed", "Product Viewed").
		NotFollowed("ordered", "Order Completed").Within(profile.Week).
		WithWindow(profile.Within(30 * profile.Day))
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
	// Output:
	// {
	//   "window": {
	//     "within": "30d"
	//   },
	//   "steps": [
	//     {
	//       "name": "viewed",
	//       "event": "Product Viewed"
	//     },
	//     {
	//       "name": "ordered",
	//       "event": "Order Completed",
	//       "within": "7d",
	//       "not": true
	//     }
	//   ]
	// }
}
