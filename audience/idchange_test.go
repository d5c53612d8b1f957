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

// Whoever gets an id, by a message or by a merge, is told of; who has it is not.
func TestNewIDsAreTold(t *testing.T) {
	r, ctx := require.New(t), context.Background()
	clock := audience.NewManualClock(start)
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	r.NoError(err)
	defer engine.Close()
	var told []string
	cancel, err := engine.SubscribeIDs(func(_ context.Context, c audience.IDChange) error {
		told = append(told, c.String())
		return nil
	})
	r.NoError(err)
	has := func(id string) string {
		return fmt.Sprintf("%s has other ids at %s", id, start.Format("2006-01-02T15:04:05Z"))
	}
	ids := func(id string) []profile.ExternalID {
		return []profile.ExternalID{{Type: "email", Value: id + "@x.io"}}
	}
	for _, tt := range []struct {
		does func() error
		want []string
	}{
		{func() error { return engine.Track(ctx, profile.Event{Profile: "v", Name: "Buy", Time: start}) }, nil},
		{func() error {
			return engine.Identify(ctx, audience.Identify{Profile: "ann", IDs: ids("ann"), Time: start, MessageID: "1"})
		}, []string{has("ann")}},
		{func() error {
			return engine.Identify(ctx, audience.Identify{Profile: "ann", IDs: ids("ann"), Time: start})
		}, nil},
		{func() error { return engine.Alias(ctx, "v", "ann") }, []string{has("ann")}},
		{func() error { return engine.Alias(ctx, "v", "ann") }, nil},
		{func() error {
			return engine.Identify(ctx, audience.Identify{Profile: "v", IDs: ids("v"), Time: start})
		}, []string{has("ann")}},
		{func() error {
			return engine.Apply(ctx, profile.Message{Type: profile.Track, Name: "Buy", AnonymousID: "w", Time: start})
		}, []string{has("w")}},
	} {
		told = nil
		r.NoError(tt.does())
		r.Equal(tt.want, told)
	}
	cancel()
	told = nil
	r.NoError(engine.Alias(ctx, "w", "ann"))
	r.Empty(told)
}

// A message that says of two ids that they are one person's, which they are already, tells
// the new id, and changes nothing else: what is due at its instant is due by time.
func TestAnIDThatNobodyReadsTouchesNothing(t *testing.T) {
	ctx, clock := context.Background(), audience.NewManualClock(start)
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: clock})
	var told []string
	_, err := e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		told = append(told, tr.Type.String()+" "+tr.Cause.String())
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy").Within(time.Hour))))
	require.NoError(t, e.Track(ctx, event("ann", "Buy", 0)))
	require.NoError(t, e.Alias(ctx, "visitor", "ann"))
	clock.Set(start.Add(time.Hour))
	require.NoError(t, e.Apply(ctx, profile.Message{Type: profile.Alias, PreviousID: "ann", UserID: "visitor"}))
	require.Equal(t, []string{"entered event"}, told)
	require.NoError(t, e.Advance(ctx, start.Add(time.Hour)))
	require.Equal(t, []string{"entered event", "exited time"}, told)
}
