package audience_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// TestTheCatalogSaysWhatTheDataIsMadeOf: events with their properties, traits of users and
// of accounts; a duplicate is no event, nor is one that was refused.
func TestTheCatalogSaysWhatTheDataIsMadeOf(t *testing.T) {
	ctx := context.Background()
	clock := audience.NewManualClock(epoch)
	store := profile.NewMemStore(profile.WithRetention(30 * profile.Day))
	e := openOn(t, store, audience.Options{Clock: clock})
	for i := range 10 {
		properties := object("total", 10.5, "currency", []string{"EUR", "USD"}[i%5/4])
		if i == 0 {
			properties = object("total", "12", "items", []any{1}, "ship", map[string]any{"to": map[string]any{"city": "Ulm"}, "a.b": 1}, "ship.to", 2)
		}
		require.NoError(t, e.Track(ctx, profile.Event{Profile: fmt.Sprint("u", i), Name: "Order", MessageID: fmt.Sprint("m", i), Time: epoch.Add(-time.Duration(i) * time.Hour), Properties: properties}))
		require.NoError(t, e.Track(ctx, profile.Event{Profile: fmt.Sprint("u", i), Name: "Order", MessageID: fmt.Sprint("m", i)}))
	}
	require.ErrorIs(t, e.Track(ctx, profile.Event{Profile: "u", Name: "Old", Time: epoch.Add(-31 * profile.Day)}), profile.ErrRetention)
	require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "u1", Traits: object("plan", "pro", "age", 33)}))
	require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "u2", Traits: object("plan", nil)}))
	require.NoError(t, e.Group(ctx, audience.Group{Profile: "u1", Account: "a", Traits: object("seats", 5)}))
	c, err := e.Catalog(ctx)
	require.NoError(t, err)
	want := `{
		"events": [{"name": "Order", "count": 10, "last": "2024-03-01T00:00:00Z", "examined": 10, "properties": [
			{"name": "currency", "count": 9, "share": 0.9, "types": {"string": 9}, "values": [{"value": "EUR", "count": 7}, {"value": "USD", "count": 2}]},
			{"name": "items", "count": 1, "share": 0.1, "types": {"list": 1}},
			{"name": "ship", "count": 1, "share": 0.1, "types": {"map": 1}},
			{"name": "ship.to", "count": 1, "share": 0.1, "types": {"int": 1}, "values": [{"value": 2, "count": 1}]},
			{"name": "ship.to", "nested": true, "count": 1, "share": 0.1, "types": {"map": 1}},
			{"name": "ship.to.city", "nested": true, "count": 1, "share": 0.1, "types": {"string": 1}, "values": [{"value": "Ulm", "count": 1}]},
			{"name": "ship[\"a.b\"]", "nested": true, "count": 1, "share": 0.1, "types": {"int": 1}, "values": [{"value": 1, "count": 1}]},
			{"name": "total", "count": 10, "share": 1, "types": {"double": 9, "string": 1}, "values": [{"value": 10.5, "count": 9}, {"value": "12", "count": 1}]}
		]}],
		"traits": [
			{"name": "age", "count": 1, "share": 0.5, "types": {"int": 1}, "values": [{"value": 33, "count": 1}]},
			{"name": "plan", "count": 2, "share": 1, "types": {"null": 1, "string": 1}, "values": [{"value": "pro", "count": 1}]}
		],
		"account_traits": [{"name": "seats", "count": 1, "share": 1, "types": {"int": 1}, "values": [{"value": 5, "count": 1}]}]
	}`
	text, err := json.Marshal(c)
	require.NoError(t, err)
	require.JSONEq(t, want, string(text))
	var again audience.Catalog
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, c, again)
	order, ok := again.Event("Order")
	require.True(t, ok)
	require.Equal(t, c.Events[0], order)
	_, ok = again.Event("Ordr")
	require.False(t, ok)

	// The next engine of the store reads what there was, and goes on from there.
	require.NoError(t, e.Close())
	_, err = e.Catalog(ctx)
	require.ErrorIs(t, err, profile.ErrClosed)
	e = openOn(t, store, audience.Options{Clock: clock})
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "u0", Name: "Order", Properties: object("total", 10.5)}))
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "u0", Name: "Login"}))
	for range 2 {
		c, err = e.Catalog(ctx)
		require.NoError(t, err)
		require.Len(t, c.Events, 2)
		order, _ = c.Event("Order")
		require.Equal(t, uint64(11), order.Count)
		require.Equal(t, uint64(11), order.Examined)
		require.Equal(t, uint64(11), order.Properties[7].Count)
		require.Equal(t, audience.CatalogValue{Value: profile.FloatValue(10.5), Count: 10}, order.Properties[7].Values[0])
		require.Equal(t, again.Traits, c.Traits, "what was removed was sent, too")
	}
}

// TestTheCatalogIsHeldToExactCounts sends more than is looked at: counts of events stay
// exact, and shares are within what the comment of Catalog says, or nearly: one in twenty
// may be beyond.
func TestTheCatalogIsHeldToExactCounts(t *testing.T) {
	ctx := context.Background()
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(epoch)})
	exact := map[string]map[string]int{}
	total := map[string]int{}
	for i := range 40_000 {
		name := fmt.Sprint("Event ", i%7%5)
		properties := map[string]any{"always": i % 3}
		for every := 2; every < 40; every *= 3 {
			if (i*2654435761>>7)%every == 0 {
				properties[fmt.Sprint("one in ", every)] = true
			}
		}
		if exact[name] == nil {
			exact[name] = map[string]int{}
		}
		for property := range properties {
			exact[name][property]++
		}
		total[name]++
		o, err := profile.NewObject(properties)
		require.NoError(t, err)
		require.NoError(t, e.Track(ctx, profile.Event{Profile: fmt.Sprint("u", i%100), Name: name, Properties: o}))
	}
	c, err := e.Catalog(ctx)
	require.NoError(t, err)
	require.Len(t, c.Events, len(exact))
	for _, ev := range c.Events {
		require.Equal(t, uint64(total[ev.Name]), ev.Count)
		require.Less(t, ev.Examined, ev.Count)
		require.Zero(t, ev.Missed)
		require.Len(t, ev.Properties, len(exact[ev.Name]))
		for _, p := range ev.Properties {
			share := float64(exact[ev.Name][p.Name]) / float64(total[ev.Name])
			sigma := math.Sqrt(share * (1 - share) / float64(ev.Examined))
			if math.Abs(p.Share-share) > 5*sigma+1e-9 {
				t.Fatalf("%s of %s: %v of those looked at, %v of all", p.Name, ev.Name, p.Share, share)
			}
		}
	}
}

// TestExplainSaysWhichNamesMayBeMeant: of events and traits that nobody has sent, by what
// others have.
func TestExplainSaysWhichNamesMayBeMeant(t *testing.T) {
	ctx := context.Background()
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(epoch)})
	require.NoError(t, e.Create(ctx,
		audience.Define("event").Members(audience.Performed("Order Compelted")),
		audience.Define("right").Members(audience.Performed("Order Completed")),
		audience.Define("trait").Members(audience.Trait("traits.plna == \"pro\"")),
		audience.Define("property").Members(audience.Performed("Order Completed").Where("properties.curency == \"EUR\"")),
	))
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "other", Name: "Order Completed", Properties: object("currency", "EUR")}))
	require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "other", Traits: object("plan", "pro")}))
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "u", Name: "Order Completed", Properties: object("total", 5)}))
	require.NoError(t, e.Track(ctx, profile.Event{Profile: "v", Name: "Login"}))
	x, err := e.Explain(ctx, "event", profile.UserRef("u"))
	require.NoError(t, err)
	require.Equal(t, "Order Completed", x.Tree.Near.Meant)
	require.Contains(t, x.String(), `nobody has sent any, did you mean "Order Completed"?`)
	x, err = e.Explain(ctx, "right", profile.UserRef("v"))
	require.NoError(t, err)
	require.Zero(t, x.Tree.Near, "others have sent some")
	x, err = e.Explain(ctx, "trait", profile.UserRef("u"))
	require.NoError(t, err)
	require.Equal(t, "plan", x.Tree.Traits[0].Meant)
	require.Contains(t, x.String(), `plna = null, which nobody has, did you mean "plan"?`)
	x, err = e.Explain(ctx, "property", profile.UserRef("u"))
	require.NoError(t, err)
	require.Equal(t, []audience.MissingProperty{{Name: "curency", Meant: "currency"}}, x.Tree.Near.Missing)
}
