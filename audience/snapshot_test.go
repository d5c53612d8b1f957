package audience_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

func TestASnapshotIsOfOneInstantAndOutlivesTheEngine(t *testing.T) {
	ctx, noon := context.Background(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(noon)})
	require.NoError(t, err)
	require.NoError(t, engine.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy"))))
	buy := func(user string) {
		require.NoError(t, engine.Track(ctx, profile.Event{Profile: user, Name: "Buy", Time: noon}))
	}
	buy("ann")
	snapshot, err := engine.Snapshot(ctx)
	require.NoError(t, err)
	buy("ben")
	require.NoError(t, engine.Close())

	n, err := snapshot.MemberCount(ctx, "buyers")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, snapshot.Close())
	_, err = engine.Snapshot(ctx)
	require.ErrorIs(t, err, profile.ErrClosed)
}
