package audience_test

import (
	"context"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// The cases below were found by the differential test.

// told is an engine with what its subscriber heard.
type told struct {
	*audience.Engine
	t     *testing.T
	clock *audience.ManualClock
	start time.Time
	heard *[]string
}

func newTold(t *testing.T) *told {
	e, clock, heard := newEngine(t)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	clock.Set(start)
	return &told{e, t, clock, start, heard}
}

func (e *told) create(defs ...audience.Definition) {
	require.NoError(e.t, e.Create(context.Background(), defs...))
}

// track moves the clock to so long after the start, when an event happens.
func (e *told) track(after time.Duration, user, event string) {
	e.clock.Set(e.start.Add(after))
	require.NoError(e.t, e.Track(context.Background(), profile.Event{Profile: user, Name: event, Time: e.start.Add(after)}))
}

func (e *told) expect(want ...string) {
	e.t.Helper()
	require.Equal(e.t, want, *e.heard)
	*e.heard = nil
}

// Of two batch audiences computed at one instant the one that reads the other
// comes after it: nobody enters and exits at that instant.
func TestABatchComesAfterTheOneItReads(t *testing.T) {
	e := newTold(t)
	e.create(
		audience.Define("without").Members(audience.Not(audience.InAudience("buyers"))).WithBatch(3*time.Hour),
		audience.Define("buyers").Members(audience.Performed("Buy")).WithBatch(3*time.Hour),
	)
	e.track(time.Hour, "ann", "Buy")
	require.NoError(t, e.Advance(context.Background(), e.start.Add(9*time.Hour)))
	e.expect("ann entered buyers at 2026-03-01T03:00:00Z (time)")
}

// Two intervals are due each at its own time, also where a timer of a profile is
// what makes one due, and the next data comes much later.
func TestBatchesOfTwoIntervals(t *testing.T) {
	e := newTold(t)
	looked := audience.Performed("Look").Within(90 * time.Minute)
	e.create(
		audience.Define("hourly").Members(looked).WithBatch(time.Hour),
		audience.Define("slow").Members(audience.Performed("Look")).WithBatch(4*time.Hour),
	)
	e.track(10*time.Minute, "ann", "Look")
	e.track(11*time.Hour+1, "ann", "Other")
	e.expect("ann entered hourly at 2026-03-01T01:00:00Z (time)",
		"ann exited hourly at 2026-03-01T02:00:00Z (time)",
		"ann entered slow at 2026-03-01T04:00:00Z (time)")
}

// An edit that makes an audience a mere member of a batch one does not compute
// that, and neither does the edit of something that it reads.
func TestAnEditComputesNoOtherBatch(t *testing.T) {
	ctx := context.Background()
	e := newTold(t)
	e.create(
		audience.Define("seen").Members(audience.InAudience("base")).WithBatch(audience.OnRequest),
		audience.Define("base").Members(audience.Performed("Look")),
		audience.Define("other").Members(audience.Performed("Buy")),
	)
	e.track(time.Hour, "ann", "Look")
	e.expect("ann entered base at 2026-03-01T01:00:00Z (event)")
	require.NoError(t, e.EditAudience(ctx, audience.Define("other").Members(audience.InAudience("seen"))))
	require.Empty(t, *e.heard)
	require.NoError(t, e.EditAudience(ctx, audience.Define("base").Members(audience.Performed("Look").AtLeast(1).Within(profile.Day))))
	require.Empty(t, *e.heard)
	require.NoError(t, e.EditAudience(ctx, audience.Define("seen").Members(audience.Performed("Look")).WithBatch(audience.OnRequest)))
	e.expect("ann entered other at 2026-03-01T01:00:00Z (dependency)", "ann entered seen at 2026-03-01T01:00:00Z (edit)")
}

// A callback merges users while a batch audience is being made: the one that
// remains was computed before that, and is not again.
func TestAMergeWhileABatchIsMade(t *testing.T) {
	ctx := context.Background()
	e := newTold(t)
	e.SetFirstUpgrades(0)
	e.track(0, "ann", "Other")
	e.track(0, "ben", "Buy")
	e.Subscribe(func(ctx context.Context, tr audience.Transition) error {
		if tr.Profile == "ben" && tr.Type == audience.Entered {
			return e.Alias(ctx, "ben", "ann")
		}
		return nil
	})
	e.create(audience.Define("buyers").Members(audience.Performed("Buy")).WithBatch(audience.OnRequest))
	e.expect("ben entered buyers at 2026-03-01T00:00:00Z (backfill)", "ben exited buyers at 2026-03-01T00:00:00Z (merge)")
	require.NoError(t, e.Recompute(ctx, "buyers"))
	e.expect("ann entered buyers at 2026-03-01T00:00:00Z (backfill)")
}

// Explaining looks ahead: what it sees of an account's traits that are yet to
// come must not stay with the engine.
func TestExplainingLeavesTheFutureAlone(t *testing.T) {
	ctx := context.Background()
	e := newTold(t)
	e.create(audience.Define("pro").Members(audience.Trait(`account.traits.plan == "pro" && has(traits.x)`)))
	x, err := profile.NewObject(map[string]any{"x": 1})
	require.NoError(t, err)
	require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "ann", Traits: x, Time: e.start}))
	plan, err := profile.NewObject(map[string]any{"plan": "pro"})
	require.NoError(t, err)
	require.NoError(t, e.Group(ctx, audience.Group{Profile: "ann", Account: "acme", Traits: plan, Time: e.start.Add(5 * time.Hour)}))
	why, err := e.Explain(ctx, "pro", profile.UserRef("ann"))
	require.NoError(t, err)
	require.False(t, why.Member)
	require.Equal(t, e.start.Add(5*time.Hour), why.Until)
	e.clock.Set(e.start.Add(time.Hour))
	require.NoError(t, e.Identify(ctx, audience.Identify{Profile: "ann", Traits: x, Time: e.start.Add(time.Hour)}))
	require.Empty(t, *e.heard)
	require.NoError(t, e.Advance(ctx, e.start.Add(6*time.Hour)))
	e.expect("ann entered pro at 2026-03-01T05:00:00Z (time)")
}
