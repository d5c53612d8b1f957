package audience_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

// A backtest says what a replay of the same history would have told: that is played here,
// with the audiences there from the beginning.
func TestABacktestSaysWhatAReplayTells(t *testing.T) {
	ctx := context.Background()
	buy, look := audience.Performed("Buy"), audience.Performed("Look")
	defs := []audience.Definition{
		audience.Define("count").Members(buy.AtLeast(2)),
		audience.Define("window").Members(buy.Where("properties.price > 3").AtLeast(2).Within(40 * time.Hour)),
		audience.Define("between").Members(audience.All(look.Between(10*time.Hour, 50*time.Hour), buy.AtMost(3))),
		audience.Define("never").Members(audience.Not(buy)),
		audience.Define("funnel").Members(audience.Funnel(
			funnel.Start("looked", "Look").Followed("bought", "Buy").Within(20 * time.Hour))),
		audience.Define("left").Members(audience.Funnel(
			funnel.Start("looked", "Look").NotFollowed("bought", "Buy").Within(10 * time.Hour))),
		audience.Define("stays").Members(audience.Any(audience.InAudienceFor("window", 20*time.Hour), audience.InAudienceForLess("never", 9*time.Hour))),
		audience.Define("reads").Members(audience.Any(audience.InAudience("count"), audience.Trait("traits.spent > 12"))),
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		clock := audience.NewManualClock(epoch)
		e := openOn(t, profile.NewMemStore(), audience.Options{Clock: clock})
		require.NoError(t, e.CreateFile(ctx, audience.File{Traits: []trait.Computed{trait.Sum("spent", "Buy", "price")}, Audiences: defs}))
		from, step := epoch.Add(time.Duration(rng.IntN(100))*time.Hour), time.Duration(1+rng.IntN(20))*time.Hour
		n := 1 + rng.IntN(20)
		index := func(at time.Time) int { return max(0, int((at.Sub(from)+step-1)/step)) }
		entered, exited := map[string][]int{}, map[string][]int{}
		for _, d := range defs {
			entered[d.Key], exited[d.Key] = make([]int, n), make([]int, n)
		}
		_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
			if i := index(tr.At); i < n {
				if tr.Type == audience.Entered {
					entered[tr.Audience][i]++
				} else {
					exited[tr.Audience][i]++
				}
			}
			return nil
		})
		require.NoError(t, err)
		for at := epoch; at.Before(epoch.Add(400 * time.Hour)); at = at.Add(time.Duration(1+rng.IntN(4)) * time.Hour) {
			clock.Set(at)
			ev := profile.Event{Profile: fmt.Sprint("u", rng.IntN(8)), Name: []string{"Buy", "Look"}[rng.IntN(2)], Properties: object("price", rng.IntN(8))}
			require.NoError(t, e.Track(ctx, ev))
		}
		require.NoError(t, e.Advance(ctx, epoch.Add(500*time.Hour)))
		for _, d := range defs {
			points, err := e.Backtest(ctx, d, from, from.Add(time.Duration(n-1)*step), step)
			require.NoError(t, err)
			require.Len(t, points, n)
			size := 0
			for i, p := range points {
				size += entered[d.Key][i] - exited[d.Key][i]
				want := audience.Point{At: from.Add(time.Duration(i) * step), Size: size, Entered: entered[d.Key][i], Exited: exited[d.Key][i]}
				if i == 0 {
					want.Entered, want.Exited = 0, 0
				}
				require.Equal(t, want, p, "seed %d, %s, point %d", seed, d.Key, i)
			}
		}
	}
}

// What a store remembers of accounts is who belongs to which now, and their newest traits: a
// user is in its accounts from its own beginning on.
func TestABacktestOfAccounts(t *testing.T) {
	ctx := context.Background()
	clock := audience.NewManualClock(epoch)
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: clock})
	buy := audience.Performed("Buy")
	require.NoError(t, e.Create(ctx, audience.Define("pro").OfAccounts().Members(audience.Trait(`traits.plan == "pro"`))))
	do := func(day int, do error) {
		require.NoError(t, do)
		clock.Set(epoch.AddDate(0, 0, day))
	}
	do(1, nil)
	do(2, e.Track(ctx, profile.Event{Profile: "ann", Name: "Buy"}))
	do(3, e.Track(ctx, profile.Event{Profile: "cid", Name: "Look", Account: "globex"}))
	do(4, e.Group(ctx, audience.Group{Profile: "ann", Account: "acme", Traits: object("plan", "pro")}))
	do(5, e.Track(ctx, profile.Event{Profile: "bob", Name: "Look"}))
	do(6, errors.Join(
		e.Group(ctx, audience.Group{Profile: "bob", Account: "acme"}),
		e.Group(ctx, audience.Group{Profile: "cid", Account: "acme"}),
		e.Leave(ctx, "cid", "acme")))
	do(7, e.Track(ctx, profile.Event{Profile: "bob", Name: "Buy"}))
	do(8, e.Group(ctx, audience.Group{Profile: "dan", Account: "initech", Traits: object("plan", "free")}))
	for _, of := range []struct {
		d     audience.Definition
		sizes []int
	}{
		// Ann is there, and with her the account, from the first day on; bob from the fourth.
		{audience.Define("any").OfAccounts().Members(audience.AnyUser(buy)), []int{0, 1, 1, 1, 1, 1, 1, 1, 1}},
		{audience.Define("all").OfAccounts().Members(audience.AllUsers(buy)), []int{0, 1, 1, 1, 0, 0, 1, 1, 1}},
		// Of dan nothing is known but that he belongs to initech, which is there when its trait is.
		{audience.Define("none").OfAccounts().Members(audience.NoUser(buy)), []int{0, 0, 0, 0, 0, 0, 0, 1, 1}},
		{audience.Define("two").OfAccounts().Members(audience.AtLeastUsers(2, audience.Any(buy, audience.Performed("Look")))), []int{0, 0, 0, 0, 1, 1, 1, 1, 1}},
		{audience.Define("pro").OfAccounts().WithPerUser().Members(audience.Trait(`traits.plan == "pro"`)), []int{0, 0, 0, 1, 1, 1, 1, 1, 1}},
		// What cid did in the name of an account that nothing else is known of is no account.
		{audience.Define("looked").OfAccounts().Members(audience.Performed("Look")), []int{0, 0, 0, 0, 1, 1, 1, 1, 1}},
		{audience.Define("users").Members(audience.InAudience("pro")), []int{0, 0, 0, 1, 2, 2, 2, 2, 2}},
		{audience.Define("reads").Members(audience.Trait(`account.traits.plan == "pro"`)), []int{0, 0, 0, 1, 2, 2, 2, 2, 2}},
	} {
		points, err := e.Backtest(ctx, of.d, epoch, epoch.AddDate(0, 0, 8), profile.Day)
		require.NoError(t, err)
		var sizes []int
		for _, p := range points {
			sizes = append(sizes, p.Size)
		}
		require.Equal(t, of.sizes, sizes, of.d.Key)
	}
}

// Who is alone is a component, and so are users with the accounts that they share.
func TestComponentsOfABacktestEndWithItsContext(t *testing.T) {
	ctx := context.Background()
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(epoch)})
	for i := range 200 {
		user := fmt.Sprint("u", i)
		require.NoError(t, e.Track(ctx, profile.Event{Profile: user, Name: "Buy", Time: epoch.Add(time.Duration(i) * time.Hour)}))
		require.NoError(t, e.Group(ctx, audience.Group{Profile: user, Account: fmt.Sprint("a", i%2)}))
	}
	d := audience.Define("a").OfAccounts().Members(audience.AnyUser(audience.Performed("Buy").Within(time.Hour)))
	for _, d := range []audience.Definition{d, audience.Define("u").Members(audience.Performed("Buy").Within(time.Hour))} {
		points, err := e.Backtest(ctx, d, epoch, epoch.Add(200*time.Hour), time.Hour)
		require.NoError(t, err)
		require.Equal(t, audience.Point{At: epoch.Add(199 * time.Hour), Size: 1, Entered: 1, Exited: 1}, points[199])
		ended := 0
		for n := int64(0); n < 1000; n += 50 {
			left := new(atomic.Int64)
			left.Store(n)
			if _, err := e.Backtest(endsAfter{ctx, left}, d, epoch, epoch.Add(200*time.Hour), time.Hour); err != nil {
				require.ErrorIs(t, err, context.Canceled)
				ended++
			}
		}
		require.Greater(t, ended, 3, "it looks at its context all along")
	}
}

// endsAfter is a context that ends when it was asked some times.
type endsAfter struct {
	context.Context
	left *atomic.Int64
}

func (c endsAfter) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

func TestABacktestRefuses(t *testing.T) {
	ctx := context.Background()
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(epoch)})
	d := audience.Define("a").Members(audience.Performed("Buy"))
	for name, try := range map[string]func() error{
		"no step":        func() error { _, err := e.Backtest(ctx, d, epoch, epoch, 0); return err },
		"backwards":      func() error { _, err := e.Backtest(ctx, d, epoch, epoch.Add(-1), time.Hour); return err },
		"too many steps": func() error { _, err := e.Backtest(ctx, d, epoch, epoch.Add(time.Hour), 1); return err },
	} {
		t.Run(name, func(t *testing.T) { require.ErrorIs(t, try(), profile.ErrInvalid) })
	}
	_, err := e.Backtest(ctx, audience.Define("a").Members(audience.InAudience("b")), epoch, epoch, time.Hour)
	var bad *audience.DefinitionError
	require.ErrorAs(t, err, &bad)
}
