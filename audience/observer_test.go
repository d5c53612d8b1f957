package audience_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// watcher is an Observer that writes down what it is told, in order.
type watcher struct {
	mu    sync.Mutex
	told  []string
	sum   audience.Stats
	panic bool
	step  func() // called for each step
}

type withinKey struct{}

func (w *watcher) Call(ctx context.Context, name string) (context.Context, func(error)) {
	w.note("begin %s", name)
	if w.panic {
		panic("observer")
	}
	return context.WithValue(ctx, withinKey{}, name), func(err error) { w.note("end %s: %v", name, err) }
}

func (w *watcher) Step(ctx context.Context, s audience.Step) {
	if w.step != nil {
		w.step()
	}
	w.note("step of %v: %d timers, %v", ctx.Value(withinKey{}), s.Timers, s.Transitions)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sum.Commits++
	w.sum.Timers += uint64(s.Timers)
	w.sum.Late += s.Late
	w.sum.Touched += uint64(s.Touched)
	w.sum.Read += uint64(s.Read)
	w.sum.Values += uint64(s.Values)
	if s.Committing <= 0 || s.Took < s.Committing {
		w.told = append(w.told, fmt.Sprintf("took %s, of that %s", s.Took, s.Committing))
	}
}

func (w *watcher) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, fmt.Sprintf(format, args...))
}

// An observer is told of calls and of transactions, these after their callbacks and without
// locks; what it adds up is in Stats.
func TestAnObserverIsToldOfCallsAndSteps(t *testing.T) {
	ctx, clock, w := context.Background(), audience.NewManualClock(start), &watcher{}
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: clock, Shards: 1, Observer: w})
	w.step = func() { _, _ = e.MemberCount(ctx, "buyers"); _ = e.Stats() } // takes the locks
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy").Within(time.Hour))))
	_, err := e.Subscribe(func(ctx context.Context, tr audience.Transition) error {
		w.note("%v: %s %s", ctx.Value(withinKey{}), tr.Profile, tr.Type)
		return nil
	})
	require.NoError(t, err)
	w.told = nil
	require.NoError(t, e.Track(ctx, event("ann", "Buy", 0)))
	require.NoError(t, e.Track(ctx, event("bob", "Buy", 0)))
	require.Error(t, e.Alias(ctx, "", "ann"))
	clock.Set(start.Add(90 * time.Minute))
	require.NoError(t, e.Advance(ctx, clock.Now()))
	entered := audience.TransitionCount{Audience: "buyers", Type: audience.Entered, Cause: audience.CauseEvent, Count: 1}
	exited := audience.TransitionCount{Audience: "buyers", Type: audience.Exited, Cause: audience.CauseTime, Count: 1}
	require.Equal(t, []string{
		"begin track", "track: ann entered", fmt.Sprintf("step of track: 0 timers, %v", []audience.TransitionCount{entered}), "end track: <nil>",
		"begin track", "track: bob entered", fmt.Sprintf("step of track: 0 timers, %v", []audience.TransitionCount{entered}), "end track: <nil>",
		"begin alias", "end alias: alias: invalid input: previous id is empty",
		"begin advance", "advance: ann exited", fmt.Sprintf("step of advance: 1 timers, %v", []audience.TransitionCount{exited}),
		"advance: bob exited", fmt.Sprintf("step of advance: 1 timers, %v", []audience.TransitionCount{exited}), "end advance: <nil>",
	}, w.told)
	sums := e.Stats()
	require.Equal(t, w.sum, audience.Stats{Commits: sums.Commits, Timers: sums.Timers, Late: sums.Late, Touched: sums.Touched, Read: sums.Read, Values: sums.Values})
}

// A panic of an observer is reported, and harms nothing.
func TestAnObserverThatPanics(t *testing.T) {
	ctx, w := context.Background(), &watcher{panic: true}
	w.step = func() { panic("observer") }
	var reported []error
	e := openOn(t, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(start), Observer: w, OnError: func(err error) { reported = append(reported, err) }})
	require.NoError(t, e.Track(ctx, event("ann", "Buy", 0)))
	require.Len(t, reported, 2)
	for _, err := range reported {
		var panicked *audience.PanicError
		require.True(t, errors.As(err, &panicked))
		require.Equal(t, "observer", panicked.Value)
	}
}

// idle is an Observer that does nothing.
type idle struct{}

func (idle) Call(ctx context.Context, _ string) (context.Context, func(error)) { return ctx, nil }
func (idle) Step(context.Context, audience.Step)                               {}

// What observing costs: nothing, where nobody does.
func BenchmarkObserver(b *testing.B) {
	for _, c := range []struct {
		name string
		by   audience.Observer
	}{{"nobody", nil}, {"idle", idle{}}} {
		b.Run(c.name, func(b *testing.B) {
			ctx := context.Background()
			e, err := audience.New(ctx, profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(start), Observer: c.by})
			require.NoError(b, err)
			require.NoError(b, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy").AtLeast(2).Within(time.Hour))))
			b.ReportAllocs()
			for i := range b.N {
				if err := e.Track(ctx, profile.Event{Profile: "user" + string(rune('a'+i%20)), Name: "Buy", Time: start.Add(time.Duration(i))}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
