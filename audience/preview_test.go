package audience_test

import (
	"context"
	"fmt"
	"log"
	"sync/atomic"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

// How many would be in an audience, and who?
func ExampleEngine_Preview() {
	ctx, now := context.Background(), time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(now)})
	if err != nil {
		log.Fatal(err)
	}
	for i, user := range []string{"ann", "ben", "cem"} {
		for range i {
			if err := engine.Track(ctx, profile.Event{Profile: user, Name: "Order Completed", Time: now.Add(-time.Hour)}); err != nil {
				log.Fatal(err)
			}
		}
		if err := engine.Track(ctx, profile.Event{Profile: user, Name: "Login", Time: now}); err != nil {
			log.Fatal(err)
		}
	}
	loyal := audience.Define("loyal").Members(audience.Performed("Order Completed").AtLeast(2).Within(profile.Day))
	preview, err := engine.Preview(ctx, loyal, audience.PreviewOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(preview.Size, "of", preview.Total)
	fmt.Print(preview.Sample[0])

	// Output:
	// 1 of 3
	// cem is in loyal at 2026-03-10T12:00:00Z, until 2026-03-11T11:00:00Z
	// ✓ performed "Order Completed" at least 2 times within 1d, until 2026-03-11T11:00:00Z
	//     2 events: 2026-03-10T11:00:00Z, 2026-03-10T11:00:00Z
}

// A preview of all is what a creation then makes, of users and of accounts, also
// where it reads others; and it leaves nothing behind.
func TestAPreviewIsWhatCreationMakes(t *testing.T) {
	ctx := context.Background()
	e, store, at := shop(t, 90)
	for u := range 30 {
		require.NoError(t, e.Group(ctx, audience.Group{Profile: fmt.Sprint("u", u), Account: fmt.Sprint("acme", u%7), Time: at}))
	}
	require.NoError(t, e.CreateFile(ctx, audience.File{
		Traits:    []trait.Computed{trait.Count("orders", "Order")},
		Audiences: []audience.Definition{audience.Define("buyers").Members(audience.Trait("traits.orders >= 1"))},
	}))
	var told atomic.Int64
	e.Subscribe(func(context.Context, audience.Transition) error { told.Add(1); return nil })
	for i, d := range []audience.Definition{
		audience.Define("viewers").Members(audience.Not(audience.InAudience("buyers"))),
		audience.Define("late").Members(audience.Performed("Order")).WithNoBackfill(),
		audience.Define("accounts").OfAccounts().Members(audience.AllUsers(audience.InAudience("buyers"))),
		audience.Define("their_users").Members(audience.InAudience("accounts")),
		audience.Define("buyers_too").Members(audience.InAudience("buyers")),
	} {
		preview, err := e.Preview(ctx, d, audience.PreviewOptions{Sample: 3})
		require.NoError(t, err)
		require.Zero(t, told.Load())
		require.NoError(t, e.Create(ctx, d))
		require.Equal(t, count(t, e, d.Key), preview.Size, d.Key)
		require.EqualValues(t, preview.Size, told.Load())
		require.True(t, preview.Exact())
		require.Equal(t, preview.Size, preview.Low)
		require.Equal(t, preview.Size, preview.High)
		require.Len(t, preview.Sample, min(3, preview.Size))
		for _, x := range preview.Sample {
			require.True(t, x.Member)
		}
		told.Store(0)
		keys := 0
		for _, err := range store.Keys(ctx) {
			require.NoError(t, err)
			keys++
		}
		require.Equal(t, 2+i+1, keys)
	}
	edited, err := e.Preview(ctx, audience.Define("buyers").Members(audience.Performed("View")), audience.PreviewOptions{})
	require.NoError(t, err)
	require.Equal(t, 90, edited.Size, "an edit can be previewed")
}

// Looking at some gives an estimate whose interval has the size in it, about 95
// times of 100.
func TestAPreviewOfSomeIsAnEstimate(t *testing.T) {
	ctx := context.Background()
	e, _, _ := shop(t, 2000)
	buyers := audience.Define("buyers").Members(audience.Performed("Order"))
	in := 0
	for seed := range uint64(100) {
		p, err := e.Preview(ctx, buyers, audience.PreviewOptions{Profiles: 150, Sample: -1, Seed: seed})
		require.NoError(t, err)
		require.False(t, p.Exact())
		require.Equal(t, 150, p.Looked)
		require.Equal(t, 2000, p.Total)
		require.Empty(t, p.Sample)
		require.LessOrEqual(t, p.Low, p.Size)
		require.LessOrEqual(t, p.Size, p.High)
		require.Less(t, p.High-p.Low, 400)
		if p.Low <= 1000 && 1000 <= p.High {
			in++
		}
	}
	require.GreaterOrEqual(t, in, 88)
}

func TestBadPreviews(t *testing.T) {
	ctx := context.Background()
	e, _, _ := shop(t, 2)
	for text, d := range map[string]audience.Definition{
		`audience "a": where: `:        audience.Define("a"),
		`audience "A": key`:            audience.Define("A").Members(audience.Performed("X")),
		`undeclared reference`:         audience.Define("a").Members(audience.Trait("now")),
		`audience "nobody", which it`:  audience.Define("a").Members(audience.InAudience("nobody")),
		`refer to each other: a → a`:   audience.Define("a").Members(audience.InAudience("a")),
		`audience "preview": where: `:  {},
		`audience "a": of: invalid in`: {Key: "a", Of: 7, Where: audience.Performed("X").Node()},
	} {
		_, err := e.Preview(ctx, d, audience.PreviewOptions{})
		var at *audience.DefinitionError
		require.ErrorAs(t, err, &at, text)
		require.ErrorContains(t, err, text)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err := e.Preview(cancelled, audience.Define("a").Members(audience.Performed("X")), audience.PreviewOptions{})
	require.ErrorIs(t, err, context.Canceled)
}
