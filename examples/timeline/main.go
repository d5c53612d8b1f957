// Command timeline draws what an engine does, as an SVG: the events of one customer of a
// shop, the windows in which they count, and the memberships that come of them.
//
//	go run ./examples/timeline > timeline.svg
//
// What is drawn was replayed: the engine took the events at their times, and each membership
// begins and ends where it told a transition.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// strip is an audience of the picture: a condition on events, each with the window in which
// it counts.
type strip struct {
	key     string
	says    string
	windows []window
	members func(...window) audience.Condition
}

// window is how long an event of a name counts.
type window struct {
	event string
	span  time.Duration
}

func (w window) condition() audience.Event { return audience.Performed(w.event).Within(w.span) }

// strips are the audiences that are drawn.
func strips() []strip {
	return []strip{
		{"looking_around", "viewed twice in 3 days", []window{{viewed, 3 * profile.Day}}, func(w ...window) audience.Condition {
			return w[0].condition().AtLeast(2)
		}},
		{"abandoned_cart", "added in 4 days and not ordered since then", []window{{added, 4 * profile.Day}, {ordered, 4 * profile.Day}}, func(w ...window) audience.Condition {
			return audience.All(w[0].condition(), audience.Not(w[1].condition()))
		}},
		{"recent_buyers", "ordered in 5 days", []window{{ordered, 5 * profile.Day}}, func(w ...window) audience.Condition {
			return w[0].condition()
		}},
	}
}

const (
	viewed  = "Product Viewed"
	added   = "Product Added"
	ordered = "Order Completed"

	customer = "ann"
)

// days are how many the picture has, from begin on.
const days = 14

var begin = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// visits are the events of the customer.
func visits() []profile.Message {
	var log []profile.Message
	for _, of := range []struct {
		name string
		day  float64
	}{
		{viewed, 0.6}, {viewed, 1.4}, {added, 1.6}, {viewed, 3.1}, {added, 6.4}, {viewed, 7.5}, {ordered, 7.9}, {viewed, 8.2},
	} {
		at := begin.Add(time.Duration(of.day * float64(profile.Day)))
		log = append(log, profile.Message{Type: profile.Track, UserID: customer, Name: of.name, Time: at})
	}
	return log
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "timeline:", err)
		os.Exit(1)
	}
}

// run replays the visits, and draws them with what was told.
func run(ctx context.Context, stdout io.Writer) error {
	told, err := replay(ctx)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(stdout)
	draw(out, told)
	return out.Flush()
}

// replay returns the transitions of the customer, in their order.
func replay(ctx context.Context) (told []audience.Transition, err error) {
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(begin)})
	if err != nil {
		return nil, err
	}
	defer func() { _ = engine.Close() }() // nothing is left to be told
	for _, s := range strips() {
		if err := engine.Create(ctx, audience.Define(s.key).Members(s.members(s.windows...))); err != nil {
			return nil, err
		}
	}
	if _, err := engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		told = append(told, t)
		return nil
	}); err != nil {
		return nil, err
	}
	refused, err := engine.Replay(ctx, visits()...)
	if err != nil {
		return nil, err
	}
	if len(refused) > 0 {
		return nil, refused[0]
	}
	return told, engine.Advance(ctx, begin.Add(days*profile.Day))
}
