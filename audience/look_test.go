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

// unscanned is a store that reads no histories at once, as others than MemStore may be.
type unscanned struct{ profile.Store }

func (s unscanned) Snapshot(ctx context.Context) (profile.Snapshot, error) {
	snap, err := s.Store.Snapshot(ctx)
	return struct{ profile.Snapshot }{snap}, err
}

// A preview is the same by a scan and by a look at one profile after the other, with the
// members of the least ids as its sample, whichever processor came to them.
func TestAPreviewIsTheSameWithoutAScan(t *testing.T) {
	ctx, at := t.Context(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	store := profile.NewMemStore()
	for i := range 3000 {
		name := []string{"View", "Order", "Search"}[i%3]
		require.NoError(t, profile.Apply(ctx, store, at, &profile.PutEvent{Event: profile.Event{
			Profile: fmt.Sprintf("u%03d", i*i%701), Name: name, Time: at.Add(-time.Duration(i) * time.Hour)}}))
	}
	for _, c := range []audience.Condition{
		audience.Performed("Order").AtLeast(2).Within(30 * profile.Day),
		audience.All(audience.Performed("View"), audience.NotPerformed("Order").Within(10*profile.Day)),
		audience.Not(audience.Performed("Search").Where(`name == "Search"`).Within(10 * profile.Day)),
	} {
		var previews []audience.Preview
		for _, s := range []profile.Store{store, unscanned{store}} {
			e, err := audience.New(ctx, s, audience.Options{Clock: audience.NewManualClock(at)})
			require.NoError(t, err)
			d := audience.Define("few").Members(c)
			p, err := e.Preview(ctx, d, audience.PreviewOptions{Sample: 7})
			require.NoError(t, err)
			previews = append(previews, p)
			require.NoError(t, e.Close())
		}
		require.Equal(t, previews[0], previews[1])
		require.True(t, previews[0].Exact())
		require.Positive(t, previews[0].Size)
		require.Len(t, previews[0].Sample, min(7, previews[0].Size))
		for i, x := range previews[0].Sample[1:] {
			require.Less(t, previews[0].Sample[i].Profile.ID, x.Profile.ID)
		}
	}
}
