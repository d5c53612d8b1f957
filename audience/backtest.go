package audience

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/muster-go/muster/profile"
)

// Point is the size of an audience at an instant of a Backtest.
type Point struct {
	At      time.Time
	Size    int // members at the instant
	Entered int // since the point before, without it; of the first point 0
	Exited  int // likewise
}

// maxPoints is the number of points of a backtest at most.
const maxPoints = 100_000

// Backtest says how large an audience would have been at each step from an instant on, up
// to and including another, and how many would have entered and exited in between: from
// the stored history, as if each message had come at the time that it is of, and all of
// one instant together. Of an audience of accounts the accounts are counted, also if it has
// their users as members. It works on a snapshot of the store: it holds nobody up, nothing
// is told and nothing is kept. The error is a *DefinitionError for a bad definition.
//
// What the store does not keep it cannot know, and takes as it is now:
//
//   - Of a trait the store has the newest value (and those dated ahead): before the time of
//     that it is as if the trait had never been set.
//   - Who belongs to which account has no time: a user is in its accounts of now from its own
//     beginning on, and never was in one that it has left. So it is with ids.
//   - A profile is there from the time of the first event or trait that is known of it, an
//     account also from that of the first of its users. One of which nothing is known never was.
//   - Profiles that were merged have been one from the beginning, and who was deleted has not
//     been. Events beyond the retention are gone.
//   - Definitions that it reads are those of now, and count what they count now (NoBackfill).
//     Audiences in batches, and paused ones, are taken as in real time.
//
// All processors take part, each with the profiles that depend on each other: one user, or
// where accounts are asked for, users with their accounts and all other users of these. So
// many are in memory at a time, and the ids of all.
func (e *Engine) Backtest(ctx context.Context, d Definition, from, to time.Time, step time.Duration) (_ []Point, err error) {
	ctx, end := e.begin(ctx, "backtest")
	defer func() { err = end(err) }()
	points, err := e.backtest(ctx, d, from, to, step)
	return points, in("backtest", err)
}

func (e *Engine) backtest(ctx context.Context, d Definition, from, to time.Time, step time.Duration) ([]Point, error) {
	for _, t := range []time.Time{from, to} {
		if err := profile.CheckTime(t); err != nil {
			return nil, err
		}
	}
	switch {
	case step <= 0:
		return nil, fmt.Errorf("%w: steps of %s", profile.ErrInvalid, step)
	case to.Before(from):
		return nil, fmt.Errorf("%w: to %s, which is before %s", profile.ErrInvalid, to, from)
	case to.Sub(from)/step >= maxPoints:
		return nil, fmt.Errorf("%w: more than %d points", profile.ErrInvalid, maxPoints)
	}
	snap, err := e.store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = snap.Close() }()
	tests := make([]*backtest, max(1, min(runtime.GOMAXPROCS(0), profile.Lanes)))
	for i := range tests {
		view, a, err := e.pastView(snap, d)
		if err != nil {
			return nil, err
		}
		tests[i] = newBacktest(ctx, view, a, from, to, step)
	}
	all, err := connected(ctx, snap, d.Of, tests[0].view.nets.CrossProfile())
	if err != nil {
		return nil, err
	}
	if err := share(tests, all); err != nil {
		return nil, err
	}
	for _, b := range tests[1:] {
		tests[0].add(b)
	}
	return tests[0].points(), nil
}

// pastView returns an engine on a snapshot with a definition and those that it reads, all in
// real time, but no profiles.
func (e *Engine) pastView(snap profile.Snapshot, d Definition) (*Engine, *live, error) {
	d.NoBackfill = false // what is to come for it has come
	defs, key, err := e.previewed(d, 0)
	if err != nil {
		return nil, nil, err
	}
	for _, def := range defs {
		if def.audience != nil {
			inTime := *def.audience
			inTime.Batch, inTime.Paused = 0, false
			def.audience = &inTime
		}
	}
	view, err := e.viewOf(snap, defs)
	if err != nil {
		return nil, nil, err
	}
	view.past = true
	return view, view.live[key], nil
}

// share has backtests live through some components, side by side: whoever is done with one
// takes the next. The first error ends all.
func share(tests []*backtest, all components) error {
	var next atomic.Int64
	var failed atomic.Bool
	var wait sync.WaitGroup
	errs := make([]error, len(tests))
	for i, b := range tests {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for n := next.Add(1) - 1; n < int64(all.len()) && errs[i] == nil && !failed.Load(); n = next.Add(1) - 1 {
				errs[i] = b.liveThrough(all.at(int(n)))
			}
			if errs[i] != nil {
				failed.Store(true)
			}
		}()
	}
	wait.Wait()
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if i < 0 {
		return nil
	}
	return errs[i]
}
