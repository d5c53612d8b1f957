package audience_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

// Whole numbers beyond int64 are told apart by their digits: in filters, lists, the
// references of funnels and computed traits. By size they are as their nearest double.
func TestNumbersBeyondInt64KeepTheirDigits(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		where  string
		member bool
	}{
		{"properties.id == 18446744073709551615u", true},
		{"18446744073709551615u == properties.id", true},
		{"18446744073709551614u == properties.id", false},
		{"properties.id != 18446744073709551614u", true},
		{"properties.id in [1u, 18446744073709551615u]", true},
		{"properties.id in [18446744073709551614u]", false},
		{"properties.id in properties.ids", true},
		{"properties.other in properties.ids", false},
		{"properties.id == properties.other", false},
		{"properties.same == properties.id", true},
		{"properties.ids.exists(i, i == properties.id)", true},
		{"properties.ids.exists(i, properties.other == i)", false},
		{"properties.ids == [properties.id, 7]", true},
		{"properties.id > properties.other", false},
		{"properties.id >= properties.other && properties.other >= properties.id", true},
		{"properties.id > 1e19 && 1e19 < properties.id && properties.id < 1e20", true},
		{"properties.ids.exists(i, 9.5 < i && i > 9.5)", true},
		{"properties.id > 9223372036854775807", true},
		{"properties.id + 1.0 > 1e19 && 1.0 + properties.id > 1e19", true},
		{"string(properties.id) == '18446744073709551615'", true},
	} {
		t.Run(tt.where, func(t *testing.T) {
			e, _, _ := newEngine(t)
			require.NoError(t, e.Create(ctx, audience.Define("a").Members(audience.Performed("Buy").Where(tt.where))))
			m, err := profile.ParseMessage([]byte(`{"type":"track","event":"Buy","userId":"u","timestamp":"2026-01-01T00:00:00Z",
				"properties":{"id":18446744073709551615,"same":18446744073709551615,"other":18446744073709551614,"ids":[18446744073709551615,7]}}`))
			require.NoError(t, err)
			require.NoError(t, e.Apply(ctx, m))
			n, err := e.MemberCount(ctx, "a")
			require.NoError(t, err)
			require.Equal(t, tt.member, n == 1)
		})
	}
}

func TestReferencesAndTraitsKeepDigits(t *testing.T) {
	ctx := context.Background()
	r := require.New(t)
	e, clock, _ := newEngine(t)
	clock.Set(start.Add(time.Hour))
	r.NoError(e.CreateTraits(ctx,
		trait.UniqueListCount("orders", "Cart", "order"), trait.Last("last", "Cart", "order"),
		trait.MostFrequent("usual", "Cart", "order"), trait.UniqueList("all", "Cart", "order"), trait.Max("greatest", "Cart", "order")))
	r.NoError(e.Create(ctx, audience.Define("bought").Members(
		audience.Funnel(funnel.Start("cart", "Cart").
			Followed("buy", "Buy").Where("properties.order == steps.cart.properties.order").Within(time.Hour)))))
	minute := 0
	track := func(event, user, order string) {
		minute++
		m, err := profile.ParseMessage(fmt.Appendf(nil, `{"type":"track","event":%q,"userId":%q,"timestamp":"2026-01-01T00:%02d:00Z","properties":{"order":%s}}`, event, user, minute, order))
		r.NoError(err)
		r.NoError(e.Apply(ctx, m))
	}
	track("Cart", "u", "18446744073709551616")
	track("Cart", "u", "18446744073709551616")
	track("Buy", "u", "18446744073709551617")
	n, err := e.MemberCount(ctx, "bought")
	r.NoError(err)
	r.Zero(n, "another order")
	track("Cart", "u", "18446744073709551617")
	track("Buy", "u", "18446744073709551617")
	n, err = e.MemberCount(ctx, "bought")
	r.NoError(err)
	r.Equal(1, n)
	values, err := e.ValuesOf(ctx, profile.UserRef("u"))
	r.NoError(err)
	got := map[string]string{}
	for _, v := range values {
		got[v.Key] = v.Value.String()
	}
	r.Equal(map[string]string{
		"orders": "2", "last": "18446744073709551617", "usual": "18446744073709551616", "all": "[18446744073709551616,18446744073709551617]",
		"greatest": "18446744073709552000.0",
	}, got)
}
