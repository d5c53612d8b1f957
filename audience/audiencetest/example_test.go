package audiencetest_test

import (
	"context"
	"fmt"
	"log"
	"testing"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/audience/audiencetest"
	"github.com/muster-go/muster/profile"
)

// printer is a TB that prints: any program can run a test. In a test function it
// is the *testing.T.
type printer struct{}

func (printer) Helper()                           {}
func (printer) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func buyers() audience.File {
	return audience.File{Audiences: []audience.Definition{
		audience.Define("recent_buyers").Members(audience.Performed("Order Completed").Within(30 * profile.Day)),
	}}
}

func ExampleRunText() {
	var t printer
	audiencetest.RunText(t, "buyers.txt", `
at day 1 10:00
track ann "Order Completed" total=79.9
expect ann in recent_buyers

at day 40
expect transitions
  ann entered recent_buyers at day 1 10:00 (event)
  ann exited recent_buyers at day 30 10:00 (time)
`, buyers())
	// Output:
	// buyers.txt:7: transitions differ (- expected, + happened)
	//       ann entered recent_buyers at day 1 10:00 (event)
	//     - ann exited recent_buyers at day 30 10:00 (time)
	//     + ann exited recent_buyers at day 31 10:00 (time)
	//
	//   why: ann is not in recent_buyers at day 31 10:00
	//        ✗ performed "Order Completed" at least once within 30d
	//            1 event at other times, the newest day 1 10:00
}

func ExampleNew() {
	var t printer
	audiencetest.New(t, buyers()).
		At("day 3 10:00").
		Track("ann", "Order Completed", audiencetest.Props{"total": 79.9}).
		ExpectMembers("recent_buyers", "ann").
		At("+30d").
		ExpectNotIn("recent_buyers", "ann").
		ExpectTransitions(
			"ann entered recent_buyers at day 3 10:00 (event)",
			"ann exited recent_buyers at day 33 10:00 (time)",
		).
		ExpectMembers("recent_buyers", "ann", "ben")
	// Output:
	// members of recent_buyers differ (- expected, + found)
	//     - ann
	//     - ben
	//
	//   why: ann is not in recent_buyers at day 33 10:00
	//        ✗ performed "Order Completed" at least once within 30d
	//            1 event at other times, the newest day 3 10:00
	//
	//   why: ben is not in recent_buyers at day 33 10:00
	//        ✗ performed "Order Completed" at least once within 30d
}

// What the scripts leave untested: nobody is ever excluded for a refund, and the
// property of the filter is misspelt.
func ExampleCoverage() {
	file := audience.File{Audiences: []audience.Definition{
		audience.Define("happy_buyers").Members(audience.All(
			audience.Performed("Order Completed").Where("has(properties.total) || has(properties.currencey)"),
			audience.Not(audience.Performed("Order Refunded")),
		)),
	}}
	script, err := audiencetest.Parse("happy.txt", `
track ben Visit
track ann "Order Completed" total=79.9 currency=EUR
expect members of happy_buyers: ann
`)
	if err != nil {
		log.Fatal(err)
	}
	coverage := audiencetest.NewCoverage()
	result := script.Run(context.Background(), audiencetest.Options{
		Definitions: []audience.File{file},
		Coverage:    coverage,
	})
	fmt.Println(len(result.Checks), "expectation,", len(result.Failures), "failures")

	findings, err := coverage.Findings()
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range findings {
		fmt.Println(f)
	}
	covered, all := coverage.Leaves()
	fmt.Println(covered, "of", all, "conditions both true and false")
	// Output:
	// 1 expectation, 0 failures
	// audience "happy_buyers": where.all[1].not.event: performed "Order Refunded" at least once: is never true in any script
	// audience "happy_buyers": where.all[0].event.where: reads properties.currencey, which no "Order Completed" in any script has
	// audience "happy_buyers": where.all[1].not.event: no script has an event "Order Refunded"
	// 1 of 2 conditions both true and false
}

// In a test function, a script is one line.
func TestCart(t *testing.T) {
	audiencetest.Run(t, "testdata/cart.txt")
	audiencetest.Cover(t, "testdata/car*.txt")
}
