// Command abandonment is a whole pipeline for abandoned carts, on the log of a
// small shop that it makes up itself, the same one each time:
//
//	go run ./examples/abandonment
//
// A cart is abandoned if a product was added to it, nothing more for two hours,
// and it has not been ordered. That is one funnel (see abandoned), and whoever
// it holds for is in one audience. Entering the audience puts a mail in a queue,
// at the very instant at which the two hours are over: no data comes then, it is
// time alone that makes it so. The mail names the product, which the transition
// carries as its evidence.
//
// Some orders come in late: the visitor paid, but the payment provider says so
// hours afterwards. When the order comes in the visitor exits the audience, with
// the cause "event", and a mail that is not sent yet is withdrawn; every mail
// waits half an hour for that. So no mail is sent about a cart whose order has
// come in. One that comes in later still finds the mail sent: what is not known
// cannot be taken into account.
//
// The audience is of visitors, not of carts, and a visitor is in it once. In
// this shop a visitor has one cart at a time, so each abandoned cart gets one
// mail, unless it is left alone for a week and then added to again. With several
// carts at a time, entering tells of one of them, and so does the mail.
//
// The clock is moved along the log by hand. A service leaves Options.Clock out,
// has Engine.Run on a goroutine, and a callback that hands over to its own queue.
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
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
)

const (
	quiet  = 2 * time.Hour    // without anything added, a cart is abandoned
	wait   = 30 * time.Minute // of a mail in the queue
	memory = 7 * profile.Day  // after which a cart is of no interest
)

// abandoned is the funnel. Its two steps that are not to follow both count from
// "added". The first is settled when its time is over. The second is pending: it
// does not keep a cart from being abandoned until an order comes in, and then
// takes that back.
func abandoned() funnel.Funnel {
	const sameCart = "properties.cart_id == steps.added.properties.cart_id"
	return funnel.Start("added", "Product Added").
		NotFollowed("added_more", "Product Added").Within(quiet).Where(sameCart).
		NotFollowed("ordered", "Order Completed").Within(memory).Pending().Where(sameCart).
		WithWindow(profile.Within(memory))
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "abandonment:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, stdout io.Writer) error {
	log, err := shopLog(1, 300, 5)
	if err != nil {
		return err
	}
	p, err := newPipeline(ctx)
	if err != nil {
		return err
	}
	if err := p.play(ctx, log); err != nil {
		return err
	}
	return p.report(log, stdout)
}

// pipeline is the way from events to mails.
type pipeline struct {
	clock  *audience.ManualClock
	store  *profile.MemStore
	engine *audience.Engine
	queue  mailQueue

	orderedAfter int   // carts whose order came in after their mail had been sent
	failed       error // of the callback
}

func newPipeline(ctx context.Context) (*pipeline, error) {
	p := &pipeline{
		clock: audience.NewManualClock(profile.MinTime), // before every message
		store: profile.NewMemStore(),
		queue: mailQueue{wait: wait},
	}
	engine, err := audience.New(ctx, p.store, audience.Options{
		Clock:    p.clock,
		Shards:   1,    // so that all that happens comes in one order
		Evidence: true, // transitions say which product it is
		OnError:  func(err error) { p.failed = errors.Join(p.failed, err) },
	})
	if err != nil {
		return nil, err
	}
	p.engine = engine
	engine.Subscribe(p.moved)
	return p, engine.Create(ctx, audience.Define("cart_abandoners").Members(audience.Funnel(abandoned())))
}

// moved is the callback: a visitor entered the audience, or exited.
func (p *pipeline) moved(ctx context.Context, t audience.Transition) error {
	if t.Type == audience.Exited {
		withdrawn := p.queue.withdraw(t.Profile, t.At)
		if !withdrawn && t.Cause == audience.CauseEvent {
			p.orderedAfter++
		}
		return nil
	}
	// The audience is a funnel and nothing else, and "added" its one step that is
	// to follow.
	added, err := p.event(ctx, t.Profile, "Product Added", t.Evidence.Funnel[0])
	if err != nil {
		return err
	}
	p.queue.put(mail{
		to:   t.Profile,
		cart: property(added.Properties, "cart_id"),
		text: fmt.Sprintf("Still thinking about the %s? It has been in your cart since %s.",
			property(added.Properties, "name"), added.Time.Format("15:04")),
		queued: t.At,
	})
	return nil
}

// event returns from the store the event that was chosen for a step.
func (p *pipeline) event(ctx context.Context, visitor, name string, chosen audience.Matched) (profile.Event, error) {
	for event, err := range p.store.Events(ctx, visitor, name, chosen.Time) {
		if err != nil || event.Seq == chosen.Seq {
			return event, err
		}
	}
	return profile.Event{}, fmt.Errorf("%s of %s at %s: %w", name, visitor, chosen.Time, profile.ErrNotFound)
}

// play takes a log, one message at least, and lets time pass after it until
// nobody is in the audience any more.
func (p *pipeline) play(ctx context.Context, log []arrival) error {
	for _, a := range log {
		p.clock.Set(a.at)
		if err := p.engine.Apply(ctx, a.message); err != nil {
			return err
		}
	}
	end := log[len(log)-1].at.Add(memory)
	if err := p.engine.Advance(ctx, end); err != nil {
		return err
	}
	p.queue.sendBefore(end)
	return p.failed
}

// report writes the first mails, and what became of all.
func (p *pipeline) report(log []arrival, stdout io.Writer) error {
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SENT\tTO\tMAIL")
	const shown = 8
	for _, m := range p.queue.sent[:min(shown, len(p.queue.sent))] {
		fmt.Fprintf(table, "%s\t%s\t%s\n", m.sent.Format(time.DateTime), m.to, m.text)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	carts, orders := map[string]bool{}, 0
	for _, a := range log {
		carts[property(a.message.Properties, "cart_id")] = true
		if a.message.Name == "Order Completed" {
			orders++
		}
	}
	sent, withdrawn := len(p.queue.sent), len(p.queue.withdrawn)
	_, err := fmt.Fprintf(stdout, `...

%d messages, %d carts, %d orders.
%d mails were queued: %d were withdrawn as the order came in, %d sent.
Of %d carts the order came in after the mail had been sent.
`, len(log), len(carts), orders, sent+withdrawn, withdrawn, sent, p.orderedAfter)
	return err
}
