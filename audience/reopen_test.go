package audience_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// When an engine is left, some shards may be behind others: what was due in them happens
// at its own instant with the next engine, whatever the others have come to.
func TestAReopenedEngineTellsWhatWasDueAtItsInstant(t *testing.T) {
	for _, shards := range []int{1, 16} {
		ctx, r := context.Background(), require.New(t)
		store, clock := profile.NewMemStore(), audience.NewManualClock(start)
		e, err := audience.New(ctx, store, audience.Options{Clock: clock, Shards: shards})
		r.NoError(err)
		r.NoError(e.Create(ctx,
			audience.Define("recent").Members(audience.Performed("A").Within(5*time.Second)),
			audience.Define("later").Members(audience.Performed("A").Between(6*time.Second, 8*time.Second)),
			audience.Define("long").Members(audience.Performed("A").Within(15*time.Second))))
		r.NoError(e.Track(ctx, event("u0", "A", 0)))
		clock.Set(start.Add(10 * time.Second))
		for i := range 5 {
			r.NoError(e.Track(ctx, event(fmt.Sprint("u", i+1), "B", 10*time.Second)))
		}
		behind, err := e.MemberCount(ctx, "recent")
		r.NoError(err)
		r.NoError(e.Close())
		e, err = audience.New(ctx, store, audience.Options{Clock: clock, Shards: shards})
		r.NoError(err)
		var told []string
		_, err = e.Subscribe(func(_ context.Context, tr audience.Transition) error {
			told = append(told, tr.String())
			return nil
		})
		r.NoError(err)
		r.NoError(e.Advance(ctx, start.Add(20*time.Second)))
		want := []string{"u0 exited long at 2026-01-01T00:00:15Z (time)"}
		if behind == 1 {
			want = []string{
				"u0 exited recent at 2026-01-01T00:00:05Z (time)",
				"u0 entered later at 2026-01-01T00:00:06Z (time)",
				"u0 exited later at 2026-01-01T00:00:08Z (time)",
				want[0],
			}
		}
		r.Equal(want, told)
		r.NoError(e.Close())
	}
}
