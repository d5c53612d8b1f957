package audience_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

// plainStore reads the events of one name at a time, as stores need not do more.
type plainStore struct{ profile.Store }

type plainTx struct{ profile.Tx }

type plainSnapshot struct{ profile.Snapshot }

func (s plainStore) Begin(ctx context.Context, now time.Time, refs ...profile.Ref) (profile.Tx, error) {
	tx, err := s.Store.Begin(ctx, now, refs...)
	return plainTx{tx}, err
}

func (s plainStore) Snapshot(ctx context.Context) (profile.Snapshot, error) {
	snap, err := s.Store.Snapshot(ctx)
	return plainSnapshot{snap}, err
}

// However a store reads a history, all that takes events of several names finds the same in it
// as it found as they came: after each day every state is forgotten.
func TestEventsOfSeveralNamesAreReadFromEveryStore(t *testing.T) {
	ctx := context.Background()
	engines := map[string]*audience.Engine{}
	var clocks []*audience.ManualClock
	for name, store := range map[string]profile.Store{"kept": profile.NewMemStore(), "history": profile.NewMemStore(), "plain": plainStore{profile.NewMemStore()}} {
		clock := audience.NewManualClock(start)
		opts := audience.Options{Clock: clock}
		if name != "kept" {
			opts.CacheBytes = 1
		}
		e, err := audience.New(ctx, store, opts)
		require.NoError(t, err)
		defer e.Close()
		engines[name], clocks = e, append(clocks, clock)
		require.NoError(t, e.Group(ctx, audience.Group{Profile: "u0", Account: "acme", Time: start}))
		require.NoError(t, e.Group(ctx, audience.Group{Profile: "u1", Account: "acme", Time: start}))
		require.NoError(t, e.CreateFile(ctx, audience.File{
			Traits: []trait.Computed{
				trait.Last("last", "", "n").OfAnyEvent(),
				trait.UniqueList("list", "", "n").OfPrefix("Order ").Within(5 * profile.Day),
				trait.Sum("sum", "", "n").OfEvents("Look", "Order 1").OfAccounts(),
			},
			Audiences: []audience.Definition{
				audience.Define("any").Members(audience.PerformedAny().AtLeast(4).Within(3 * profile.Day)),
				audience.Define("some").Members(audience.Performed("Look", "Order 1").Exactly(2).Within(2 * profile.Day)),
				audience.Define("orders").Members(audience.PerformedPrefix("Order ").Where("properties.n > traits.last").Within(4 * profile.Day)),
				audience.Define("all").OfAccounts().Members(audience.PerformedAny().AtLeast(6).Within(2 * profile.Day)),
				audience.Define("begun").OfAccounts().Members(audience.PerformedPrefix("Order").Where("account.traits.sum > 30").OfGroup()),
			},
		}))
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for day := range 40 {
		for range rng.IntN(8) {
			at := start.Add(time.Duration(day)*profile.Day - time.Duration(rng.Int64N(int64(4*profile.Day))))
			properties, err := profile.NewObject(map[string]any{"n": rng.IntN(10)})
			require.NoError(t, err)
			ev := profile.Event{
				Profile: fmt.Sprint("u", rng.IntN(3)), Time: at, Properties: properties,
				Name: []string{"Look", "Order 1", "Order 2", "Order", "Else"}[rng.IntN(5)],
			}
			if rng.IntN(3) == 0 {
				ev.Account = "acme"
			}
			for _, e := range engines {
				require.NoError(t, e.Track(ctx, ev))
			}
		}
		for _, clock := range clocks {
			clock.Set(start.Add(time.Duration(day+1) * profile.Day))
		}
		for _, e := range engines {
			require.NoError(t, e.Advance(ctx, clocks[0].Now()))
		}
		want := standOf(t, engines["kept"])
		require.Equal(t, want, standOf(t, engines["history"]), "day %d", day)
		require.Equal(t, want, standOf(t, engines["plain"]), "day %d", day)
	}
}

// standOf says what holds, and why.
func standOf(t *testing.T, e *audience.Engine) (all []string) {
	ctx := context.Background()
	for _, d := range e.List() {
		ids := []string{"u0", "u1", "u2"}
		if d.Of == profile.Account {
			ids = []string{"acme"}
		}
		for _, id := range ids {
			x, err := e.Explain(ctx, d.Key, profile.Ref{Subject: d.Of, ID: id})
			require.NoError(t, err)
			all = append(all, x.String())
		}
		size, err := e.Preview(ctx, preview(d), audience.PreviewOptions{})
		require.NoError(t, err)
		all = append(all, fmt.Sprint(size.Members))
	}
	for _, ref := range []profile.Ref{profile.UserRef("u0"), profile.UserRef("u2"), profile.AccountRef("acme")} {
		values, err := e.ValuesOf(ctx, ref)
		require.NoError(t, err)
		for _, v := range values {
			all = append(all, fmt.Sprint(v.Ref, v.Key, v.Value, v.Since))
		}
	}
	return all
}

// The events of a condition that takes several names are told with theirs.
func TestExplanationsNameTheEventsOfSeveralNames(t *testing.T) {
	ctx, clock := context.Background(), audience.NewManualClock(start.Add(time.Hour))
	e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	require.NoError(t, err)
	defer e.Close()
	require.NoError(t, e.Create(ctx,
		audience.Define("a").Members(audience.PerformedPrefix("Order ")),
		audience.Define("b").Members(audience.Performed("Chat", "Order Paid").AtLeast(3)),
		audience.Define("c").Members(audience.NotPerformed("Chat", "Call")),
		audience.Define("d").Members(audience.PerformedAny().Within(profile.Day)),
	))
	for i, name := range []string{"Order Paid", "Order Placed", "Chat"} {
		require.NoError(t, e.Track(ctx, profile.Event{Profile: "ann", Name: name, Time: start.Add(time.Duration(i) * time.Minute)}))
	}
	for key, want := range map[string]string{
		"a": `✓ performed an event "Order …" at least once
    2 events: 2026-01-01T00:01:00Z "Order Placed", 2026-01-01T00:00:00Z "Order Paid"
`,
		"b": `✗ performed "Chat" or "Order Paid" at least 3 times
    2 events: 2026-01-01T00:02:00Z "Chat", 2026-01-01T00:00:00Z "Order Paid"
`,
		"c": `✗ performed "Call" or "Chat" at most 0 times
    1 event: 2026-01-01T00:02:00Z "Chat"
`,
		"d": `✓ performed any event at least once within 1d, until 2026-01-02T00:02:00Z
    3 events: 2026-01-01T00:02:00Z "Chat", 2026-01-01T00:01:00Z "Order Placed", 2026-01-01T00:00:00Z "Order Paid"
`,
	} {
		x, err := e.Explain(ctx, key, profile.UserRef("ann"))
		require.NoError(t, err)
		require.Contains(t, x.String(), want, key)
	}
}

// A condition on distinct values tells which there are, and what its events lack.
func TestExplanationsNameDistinctValues(t *testing.T) {
	ctx, clock := context.Background(), audience.NewManualClock(start.Add(3*profile.Day))
	e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	require.NoError(t, err)
	defer e.Close()
	require.NoError(t, e.Create(ctx,
		audience.Define("a").Members(audience.Performed("Viewed").DistinctBy("properties.sku").AtLeast(2).Within(30*profile.Day)),
		audience.Define("b").Members(audience.Performed("Viewed").OnDays("Europe/Berlin").Exactly(2)),
		audience.Define("c").Members(audience.Performed("Viewed").InMonths("").AtLeast(2)),
		audience.Define("d").Members(audience.Performed("Viewed").DistinctBy("properties.skuu")),
	))
	for i, sku := range []string{"x", "y", "x"} {
		properties, err := profile.NewObject(map[string]any{"sku": sku})
		require.NoError(t, err)
		require.NoError(t, e.Track(ctx, profile.Event{Profile: "ann", Name: "Viewed", Time: start.Add(time.Duration(i) * 23 * time.Hour), Properties: properties}))
	}
	for key, want := range map[string]string{
		"a": `✓ performed "Viewed" with at least 2 different properties.sku within 30d, until 2026-01-31T23:00:00Z
    3 events: 2026-01-02T22:00:00Z, 2026-01-01T23:00:00Z, 2026-01-01T00:00:00Z
    2 distinct: "x", "y"
`,
		"b": `✓ performed "Viewed" on exactly 2 days in Europe/Berlin
    3 events: 2026-01-02T22:00:00Z, 2026-01-01T23:00:00Z, 2026-01-01T00:00:00Z
    2 distinct: "2026-01-02", "2026-01-01"
`,
		"c": `✗ performed "Viewed" in at least 2 months in UTC
    3 events: 2026-01-02T22:00:00Z, 2026-01-01T23:00:00Z, 2026-01-01T00:00:00Z
    1 distinct: "2026-01"
`,
		"d": `✗ performed "Viewed" with at least 1 different properties.skuu
    3 events filtered out: no "skuu" (did you mean "sku"?)
`,
	} {
		x, err := e.Explain(ctx, key, profile.UserRef("ann"))
		require.NoError(t, err)
		require.Contains(t, x.String(), want, key)
	}
	misses, err := e.Misses("d")
	require.NoError(t, err)
	require.Equal(t, []audience.Misses{{Path: "where.event.distinct.by", Filter: "skuu", Count: 3, Hint: `the first event that misses it has "sku"`}}, misses)
}

func preview(d audience.Definition) audience.Definition {
	d.Key = "preview"
	return d
}
