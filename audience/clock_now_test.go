package audience_test

import (
	"context"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// The engine's now is its clock's, and never before the instant it has reached.
func TestNow(t *testing.T) {
	r, ctx := require.New(t), context.Background()
	clock := &audience.ManualClock{}
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: clock})
	r.NoError(err)
	defer engine.Close()
	r.True(engine.Now().Before(start), "the clock says nothing")
	clock.Set(start)
	r.Equal(start, engine.Now())
	r.NoError(engine.Advance(ctx, start.Add(time.Hour)))
	r.Equal(start.Add(time.Hour), engine.Now())
	clock.Set(start.Add(2 * time.Hour))
	r.Equal(start.Add(2*time.Hour), engine.Now())
}
