package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// played returns a pipeline that has taken a log.
func played(t *testing.T, log []arrival) *pipeline {
	t.Helper()
	p, err := newPipeline(context.Background())
	require.NoError(t, err)
	require.NoError(t, p.play(context.Background(), log))
	return p
}

// TestNoMailToABuyer says what the mails are to be with a plain loop over the
// log, which knows nothing of audiences.
func TestNoMailToABuyer(t *testing.T) {
	for seed := range uint64(5) {
		log, err := shopLog(seed, 300, 5)
		require.NoError(t, err)
		p := played(t, log)
		queue, carts := p.queue, cartsOf(log)

		// No mail is sent about a cart whose order has come in, ...
		mails, orderedAfter := map[string]int{}, 0
		for _, m := range queue.sent {
			order := carts[m.cart].order
			require.True(t, order == nil || order.at.After(m.sent), "%s was ordered", m.cart)
			mails[m.cart]++
			if order != nil {
				orderedAfter++
			}
		}
		require.Equal(t, orderedAfter, p.orderedAfter)
		// ... and whoever leaves a cart behind gets exactly one.
		for id, c := range carts {
			if c.order == nil {
				require.Equal(t, 1, mails[id], id)
			}
		}

		// All mails are these, each at the exact instant.
		var sent, withdrawn []mail
		for id, c := range carts {
			m, ok := c.mail(id)
			switch {
			case !ok:
			case c.order != nil && !c.order.at.After(m.queued.Add(wait)):
				withdrawn = append(withdrawn, m)
			default:
				m.sent = m.queued.Add(wait)
				sent = append(sent, m)
			}
		}
		require.NotEmpty(t, sent)
		require.NotEmpty(t, withdrawn)
		require.Equal(t, byQueued(sent), byQueued(queue.sent))
		require.Equal(t, byQueued(withdrawn), byQueued(queue.withdrawn))
	}
}

// cart is what a log says of one.
type cart struct {
	added []profile.Message // in the order of time
	order *arrival          // nil: there was none
}

func cartsOf(log []arrival) map[string]*cart {
	carts := map[string]*cart{}
	for _, a := range log {
		id := property(a.message.Properties, "cart_id")
		if carts[id] == nil {
			carts[id] = &cart{}
		}
		switch a.message.Name {
		case "Product Added":
			carts[id].added = append(carts[id].added, a.message)
		case "Order Completed":
			carts[id].order = &a
		}
	}
	return carts
}

// mail returns the mail that is to be queued about the cart: when first nothing
// has been added for two hours, if the order has not come in by then.
func (c *cart) mail(id string) (mail, bool) {
	for i, m := range c.added {
		at := m.Time.Add(quiet)
		switch {
		case i+1 < len(c.added) && c.added[i+1].Time.Before(at):
			// The visitor was still shopping.
		case c.order != nil && !c.order.at.After(at):
			return mail{}, false
		default:
			text := fmt.Sprintf("Still thinking about the %s? It has been in your cart since %s.",
				property(m.Properties, "name"), m.Time.Format("15:04"))
			return mail{to: m.UserID, cart: id, text: text, queued: at}, true
		}
	}
	return mail{}, false
}

func byQueued(mails []mail) []mail {
	return slices.SortedFunc(slices.Values(mails), func(a, b mail) int { return a.queued.Compare(b.queued) })
}

// noon is when ann adds a product to cart a. Nothing more is added, so a mail is
// queued after quiet and would be sent after wait.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// does returns what ann does to a cart, and when it comes in, both counted from noon.
func does(t *testing.T, name, cart string, at, comesIn time.Duration) arrival {
	t.Helper()
	properties, err := profile.NewObject(map[string]any{"cart_id": cart, "name": "teapot"})
	require.NoError(t, err)
	return arrival{at: noon.Add(comesIn), message: profile.Message{
		Type: profile.Track, UserID: "ann", Name: name, Time: noon.Add(at), Properties: properties,
	}}
}

// What becomes of the mail when an order comes in?
func TestOrders(t *testing.T) {
	added := does(t, "Product Added", "a", 0, 0)
	soon := 10 * time.Minute
	ordered := func(cart string, at, comesIn time.Duration) arrival {
		return does(t, "Order Completed", cart, at, comesIn)
	}
	enters := audience.Transition{
		Audience: "cart_abandoners", Profile: "ann",
		Type: audience.Entered, At: noon.Add(quiet), Cause: audience.CauseTime,
	}
	exits := func(after time.Duration, cause audience.Cause) []audience.Transition {
		exit := enters
		exit.Type, exit.At, exit.Cause = audience.Exited, noon.Add(after), cause
		return []audience.Transition{enters, exit}
	}
	const nowhere, withdrawn, sent = "", "withdrawn", "sent"
	for _, test := range []struct {
		name string
		then arrival
		want []audience.Transition
		mail string
	}{
		{"at once", ordered("a", soon, soon), nil, nowhere},
		{"late, as the two hours end", ordered("a", soon, quiet), nil, nowhere},
		{"late, as the mail waits", ordered("a", soon, quiet+1), exits(quiet+1, audience.CauseEvent), withdrawn},
		{"late, as the mail is due", ordered("a", soon, quiet+wait), exits(quiet+wait, audience.CauseEvent), withdrawn},
		{"too late", ordered("a", soon, quiet+wait+1), exits(quiet+wait+1, audience.CauseEvent), sent},
		{"by a slow buyer", ordered("a", quiet+soon, quiet+soon), exits(quiet+soon, audience.CauseEvent), withdrawn},
		{"of another cart", ordered("b", soon, soon), exits(memory, audience.CauseTime), sent},
		{"never", does(t, "Checkout Started", "a", soon, soon), exits(memory, audience.CauseTime), sent},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := newPipeline(context.Background())
			require.NoError(t, err)
			var heard []audience.Transition
			p.engine.Subscribe(func(_ context.Context, tr audience.Transition) error {
				tr.ID, tr.Evidence = 0, nil
				heard = append(heard, tr)
				return nil
			})
			require.NoError(t, p.play(context.Background(), []arrival{added, test.then}))
			require.Equal(t, test.want, heard)

			var mails []string
			for range p.queue.sent {
				mails = append(mails, sent)
			}
			for range p.queue.withdrawn {
				mails = append(mails, withdrawn)
			}
			if test.mail == nowhere {
				require.Empty(t, mails)
			} else {
				require.Equal(t, []string{test.mail}, mails)
			}
		})
	}
}

// As long as the visitor adds to a cart it is not abandoned. What is added as
// the two hours end comes too late for that, and makes no second mail; nor does
// another cart.
func TestStillShopping(t *testing.T) {
	for _, test := range []struct {
		cart  string
		after time.Duration
		want  time.Duration
	}{
		{"a", quiet - 1, quiet - 1 + quiet},
		{"a", quiet, quiet},
		{"b", quiet - 1, quiet},
	} {
		queue := played(t, []arrival{
			does(t, "Product Added", "a", 0, 0),
			does(t, "Product Added", test.cart, test.after, test.after),
		}).queue
		require.Len(t, queue.sent, 1, test)
		require.Equal(t, "a", queue.sent[0].cart, test)
		require.Equal(t, noon.Add(test.want), queue.sent[0].queued, test)
	}
}

// Of two carts filled at the same instant the mail is about the one left behind.
func TestTheMailIsAboutTheAbandonedCart(t *testing.T) {
	for _, ordered := range []string{"a", "b"} {
		queue := played(t, []arrival{
			does(t, "Product Added", "a", 0, 0),
			does(t, "Product Added", "b", 0, 0),
			does(t, "Order Completed", ordered, time.Minute, time.Minute),
		}).queue
		require.Len(t, queue.sent, 1)
		require.NotEqual(t, ordered, queue.sent[0].cart)
	}
}

func TestCallbackThatFails(t *testing.T) {
	p, err := newPipeline(context.Background())
	require.NoError(t, err)
	p.engine.Subscribe(func(context.Context, audience.Transition) error { return errFull })
	err = p.play(context.Background(), []arrival{does(t, "Product Added", "a", 0, 0)})
	require.ErrorIs(t, err, errFull)
	require.Len(t, p.queue.sent, 1, "another's failure does not keep a mail back")
}

func TestOutput(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), &out))
	require.Equal(t, `SENT                 TO           MAIL
2026-03-02 10:52:11  visitor-240  Still thinking about the bread knife? It has been in your cart since 08:22.
2026-03-02 10:57:14  visitor-054  Still thinking about the oak shelf? It has been in your cart since 08:27.
2026-03-02 11:07:11  visitor-202  Still thinking about the wall clock? It has been in your cart since 08:37.
2026-03-02 11:09:20  visitor-024  Still thinking about the oak shelf? It has been in your cart since 08:39.
2026-03-02 11:10:54  visitor-147  Still thinking about the desk lamp? It has been in your cart since 08:40.
2026-03-02 11:17:50  visitor-210  Still thinking about the wall clock? It has been in your cart since 08:47.
2026-03-02 11:18:02  visitor-204  Still thinking about the teapot? It has been in your cart since 08:48.
2026-03-02 11:39:11  visitor-030  Still thinking about the desk lamp? It has been in your cart since 09:09.
...

1487 messages, 373 carts, 226 orders.
255 mails were queued: 14 were withdrawn as the order came in, 241 sent.
Of 94 carts the order came in after the mail had been sent.
`, out.String())
}

type fullDisk struct{}

var errFull = errors.New("disk is full")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestOutputThatCannotBeWritten(t *testing.T) {
	require.ErrorIs(t, run(context.Background(), fullDisk{}), errFull)
}
