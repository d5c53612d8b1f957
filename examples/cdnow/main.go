// Command cdnow runs the purchase log of a music shop, 69,659 purchases of
// 23,570 people over 18 months, through a computed trait and five audiences:
//
//	go run ./examples/cdnow cdnow.csv
//
// It prints how many members each audience has, how many customers the trait,
// and its sum, as of the last day in the log: at that day's first instant in
// UTC, at which the log, which has no times of day, puts its purchases.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cdnow:", err)
		os.Exit(1)
	}
}

// totalRevenue is the computed trait.
var totalRevenue = trait.Sum("total_revenue", "Order Completed", "total").WithName("Dollars spent, ever")

// audiences are those that the program computes.
func audiences() []audience.Definition {
	bought := audience.Performed("Order Completed")
	return []audience.Definition{
		audience.Define("big_spenders").WithName("Spent more than 500 dollars, ever").
			Members(audience.TraitIs(trait.Value(totalRevenue.Key).GreaterThan(500))),

		audience.Define("recent_buyers").WithName("Bought in the last 90 days").
			Members(bought.Within(90 * profile.Day)),

		audience.Define("loyal").WithName("3 orders or more, ever").
			Members(bought.AtLeast(3)),

		audience.Define("lapsed").WithName("Bought 90 to 180 days ago, and not since").
			Members(audience.All(
				bought.Between(90*profile.Day, 180*profile.Day),
				audience.Not(bought.Within(90*profile.Day)),
			)),

		audience.Define("big_baskets").WithName("An order over 100 dollars within 365 days").
			Members(bought.Where("properties.total > 100").Within(365 * profile.Day)),
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: cdnow FILE.csv")
	}
	file, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer file.Close()
	purchases, err := readPurchases(file, args[0])
	if err != nil {
		return err
	}
	started := time.Now()
	r, err := replay(ctx, purchases)
	if err != nil {
		return err
	}
	elapsed := time.Since(started)

	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AUDIENCE\tMEMBERS\tWHO")
	for _, d := range r.engine.List() {
		n, err := r.engine.MemberCount(ctx, d.Key)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%7d\t%s\n", d.Key, n, d.Name)
	}
	n, sum, err := r.revenue(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(table, "\nTRAIT\tPROFILES\tSUM\tWHAT")
	fmt.Fprintf(table, "%s\t%8d\t%.2f\t%s\n", totalRevenue.Key, n, sum, totalRevenue.Name)
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "\nAs of %s, after %d purchases and %d transitions: %s, %.0f events/s.\n",
		r.last.Format(time.DateOnly), len(purchases), r.transitions,
		elapsed.Round(time.Millisecond), float64(len(purchases))/elapsed.Seconds())
	return err
}

// replayed is an engine that has seen a log.
type replayed struct {
	engine      *audience.Engine
	last        time.Time // of the log
	transitions int
}

// revenue returns how many customers have the trait, and the sum of it.
func (r *replayed) revenue(ctx context.Context) (customers int, sum float64, err error) {
	for v, err := range r.engine.Values(ctx, totalRevenue.Key) {
		if err != nil {
			return 0, 0, err
		}
		dollars, _ := v.Value.Float()
		customers++
		sum += dollars
	}
	return customers, sum, nil
}

// replay takes purchases, one at least, in the order of their times through an
// engine whose clock goes with them.
func replay(ctx context.Context, purchases []profile.Message) (*replayed, error) {
	clock := audience.NewManualClock(profile.MinTime)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock, Shards: 1})
	if err != nil {
		return nil, err
	}
	definitions := audience.File{Traits: []trait.Computed{totalRevenue}, Audiences: audiences()}
	if err := engine.CreateFile(ctx, definitions); err != nil {
		return nil, err
	}
	r := &replayed{engine: engine, last: purchases[len(purchases)-1].Time}
	engine.Subscribe(func(context.Context, audience.Transition) error {
		r.transitions++
		return nil
	})
	for _, purchase := range purchases {
		clock.Set(purchase.Time)
		if err := engine.Apply(ctx, purchase); err != nil {
			return nil, err
		}
	}
	// What is due at the last instant itself has so far been settled only for
	// those who bought then.
	return r, engine.Advance(ctx, r.last)
}
