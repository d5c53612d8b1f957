package funnel_test

import (
	"encoding/json"
	"fmt"
	"log"
	"time"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
)

// Viewed a product over 100 dollars, and did not order that same product within
// a day.
func Example() {
	abandoned := funnel.Start("viewed", "Product Viewed").Where("properties.price > 100").
		NotFollowed("ordered", "Order Completed").Within(profile.Day).
		Where("properties.product_id == steps.viewed.properties.product_id").
		WithWindow(profile.Within(profile.Week))
	fmt.Println(abandoned.Validate())

	never := abandoned.WithWindow(profile.Within(time.Hour))
	fmt.Println(never.Validate())
	// Output:
	// <nil>
	// steps[1].within: invalid input: never true: it is settled after 1d, when the step before has left the window, within 1h
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
