package audience_test

import (
	"context"
	"fmt"
	"math/rand/v2"
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

func TestABacktestRefuses(t *testing.T) {
	ctx := context.Background()
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(epoch)})
	d := audience.Define("a").Members(audience.Performed("Buy"))
	for name, try := range map[string]func() error{
		"no step":        func() error { _, err := e.Backtest(ctx, d, epoch, epoch, 0); return err },
		"backwards":      func() error { _, err := e.Backtest(ctx, d, epoch, epoch.Add(-1), time.Hour); return err },
		"too many steps": func() error { _, err := e.Backtest(ctx, d, epoch, epoch.Add(time.Hour), 1); return err },
		"accounts": func() error {
			_, err := e.Backtest(ctx, audience.Define("a").OfAccounts().Members(audience.AnyUser(audience.Performed("Buy"))), epoch, epoch, time.Hour)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { require.ErrorIs(t, try(), profile.ErrInvalid) })
	}
	_, err := e.Backtest(ctx, audience.Define("a").Members(audience.InAudience("b")), epoch, epoch, time.Hour)
	var bad *audience.DefinitionError
	require.ErrorAs(t, err, &bad)
}
