package audience_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// seenAt is an event of the tests below: its name, when, and its properties.
type seenAt struct {
	name  string
	at    time.Duration
	props profile.Object
}

// An explanation of a funnel that does not hold names the steps that were reached, with
// their events, and says what is missing behind them, and why.
func TestExplainGoesOnWhereAFunnelStops(t *testing.T) {
	sku := func(sku string) profile.Object { return object("product", sku) }
	same := "properties.product == steps.viewed.properties.product"
	bought := funnel.Start("viewed", "Product Viewed").
		Followed("added", "Product Added").Where(same).Within(time.Hour).
		Followed("ordered", "Order Completed").Where(same)
	left := funnel.Start("viewed", "Product Viewed").NotFollowed("ordered", "Order Completed").Where(same).Within(4 * time.Hour)
	for _, c := range []struct {
		name   string
		funnel funnel.Funnel
		events []seenAt
		want   string // the lines below the condition, but for their indent
	}{
		{"nothing is reached", bought, nil, `
			viewed: missing`},
		{"a name that nobody has sent", funnel.Start("viewed", "Product Viewd"), []seenAt{{"Product Viewed", 0, sku("a")}}, `
			viewed: missing
			nobody has sent any, did you mean "Product Viewed"?`},
		{"the first step is too old", bought.WithWindow(profile.Within(time.Hour)), []seenAt{{"Product Viewed", -2 * time.Hour, sku("a")}}, `
			viewed: missing
			1 event at other times, the newest 2025-12-31T22:00:00Z`},
		{"the next step may come", bought, []seenAt{{"Product Viewed", -time.Minute, sku("a")}}, `
			viewed: 2025-12-31T23:59:00Z
			added: missing, until 2026-01-01T00:59:00Z`},
		{"it came too late", bought, []seenAt{{"Product Viewed", -3 * time.Hour, sku("a")}, {"Product Added", -time.Hour, sku("a")}}, `
			viewed: 2025-12-31T21:00:00Z
			added: missing
			1 event at other times, the newest 2025-12-31T23:00:00Z`},
		{"about something else", bought, []seenAt{{"Product Viewed", -time.Hour, sku("a")}, {"Product Added", -time.Minute, sku("b")}}, `
			viewed: 2025-12-31T23:00:00Z
			added: missing
			1 event filtered out`},
		{"about something that has another name", bought, []seenAt{{"Product Viewed", -30 * time.Minute, sku("a")}, {"Product Added", -time.Minute, object("produkt", "a")}}, `
			viewed: 2025-12-31T23:30:00Z
			added: missing, until 2026-01-01T00:30:00Z
			1 event filtered out: no "product" (did you mean "produkt"?)`},
		{"the longest way counts", bought, []seenAt{
			{"Product Viewed", -9 * time.Hour, sku("a")}, {"Product Added", -8*time.Hour - time.Minute, sku("a")}, {"Product Viewed", -time.Minute, sku("b")},
			{"Order Completed", -10 * time.Hour, sku("a")},
		}, `
			viewed: 2025-12-31T15:00:00Z
			added: 2025-12-31T15:59:00Z
			ordered: missing
			1 event at other times, the newest 2025-12-31T14:00:00Z`},
		{"what is not to follow may still", left, []seenAt{{"Product Viewed", -time.Hour, sku("a")}, {"Order Completed", -time.Minute, sku("b")}}, `
			viewed: 2025-12-31T23:00:00Z
			ordered: may follow, until 2026-01-01T03:00:00Z`},
		{"what is not to follow does", left, []seenAt{{"Product Viewed", -5 * time.Hour, sku("a")}, {"Order Completed", -2 * time.Hour, sku("a")}, {"Order Completed", -time.Hour - time.Minute, sku("a")}}, `
			viewed: 2025-12-31T19:00:00Z
			ordered: followed at 2025-12-31T22:00:00Z`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := context.Background()
			e := openOn(t, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(start)})
			require.NoError(t, e.Create(ctx, audience.Define("a").Members(audience.Funnel(c.funnel))))
			for i, ev := range c.events {
				require.NoError(t, e.Track(ctx, profile.Event{Profile: "ann", Name: ev.name, Time: start.Add(ev.at), Properties: ev.props, MessageID: fmt.Sprint(i)}))
			}
			require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "ann", Time: start}))
			why, err := e.Explain(ctx, "a", profile.UserRef("ann"))
			require.NoError(t, err)
			require.False(t, why.Member)
			_, lines, _ := strings.Cut(why.String(), "\n✗")
			_, lines, _ = strings.Cut(lines, "\n")
			require.Equal(t, unindented(c.want), unindented(lines))
		})
	}
}

func unindented(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}

// Whose event it is is said of an account's; what is stored with a transition, and the JSON
// form, have the same.
func TestTheStopOfAnAccountsFunnel(t *testing.T) {
	ctx, clock := context.Background(), audience.NewManualClock(start)
	store := profile.NewMemStore()
	e := openOn(t, store, audience.Options{Clock: clock, Evidence: true})
	require.NoError(t, e.Create(ctx, audience.Define("a").OfAccounts().Members(audience.Funnel(
		funnel.Start("asked", "Asked").NotFollowed("answered", "Answered").Within(time.Hour).Pending()))))
	require.NoError(t, e.Group(ctx, audience.Group{Profile: "ann", Account: "acme", Time: start}))
	require.NoError(t, e.Group(ctx, audience.Group{Profile: "bob", Account: "acme", Time: start}))
	require.NoError(t, e.Track(ctx, event("ann", "Asked", 0)))
	var told []audience.Notice
	stop, err := e.SubscribeDurable(ctx, "s", func(_ context.Context, n audience.Notice) error {
		told = append(told, n)
		return nil
	})
	require.NoError(t, err)
	defer stop()
	clock.Set(start.Add(time.Minute))
	require.NoError(t, e.Track(ctx, event("bob", "Answered", time.Minute)))
	require.NoError(t, e.CatchUp(ctx, "s"))
	want := audience.Stop{Step: "answered", Event: "Answered", Not: true, Until: start.Add(time.Hour),
		Followed: audience.Seen{Time: start.Add(time.Minute), User: "bob"}}
	why, err := e.Explain(ctx, "a", profile.AccountRef("acme"))
	require.NoError(t, err)
	require.Equal(t, want, why.Tree.Stop)
	require.Len(t, told, 1)
	require.Equal(t, want, told[0].Transition.Evidence.Stop)
	text, err := json.Marshal(why.Tree)
	require.NoError(t, err)
	require.JSONEq(t, `{"path":"where.funnel","condition":"funnel \"Asked\", then not yet \"Answered\" within 1h","holds":false,
		"funnel":[{"step":"asked","time":"2026-01-01T00:00:00Z"}],
		"stop":{"step":"answered","event":"Answered","not":true,"until":"2026-01-01T01:00:00Z",
			"followed":{"time":"2026-01-01T00:01:00Z","user":"bob"}}}`, string(text))
}
