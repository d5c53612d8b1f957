package audience_test

import (
	"context"
	"fmt"
	"testing"

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
