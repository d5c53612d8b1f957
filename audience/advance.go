package audience

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/muster-go/muster/internal/backoff"
	"github.com/muster-go/muster/profile"
)

// Advance moves the engine to t: all that time alone changes until then,
// t included, happens in the order of instant, profile, audience, each with its
// exact instant, and the callbacks of each profile run before the next is
// looked at. In a callback, the engine stands at the transition's instant, or
// where the clock is if that is later.
//
// The engine never goes back: a t before the instant it has reached does
// nothing.
func (e *Engine) Advance(ctx context.Context, t time.Time) (err error) {
	ctx, end := e.begin(ctx, "advance")
	defer func() { err = end(err) }()
	return e.advance(ctx, t)
}

func (e *Engine) advance(ctx context.Context, t time.Time) error {
	if err := profile.CheckTime(t); err != nil {
		return in("advance", err)
	}
	to := t.UnixNano()
	for {
		if err := ctx.Err(); err != nil {
			return in("advance", err)
		}
		if e.closed.Load() {
			return in("advance", profile.ErrClosed)
		}
		if err := e.outbox.Admit(ctx); err != nil {
			return in("advance", err)
		}
		_, due := e.earliest()
		e.reach(min(due, to))
		fired, err := e.fireGroup(ctx, to)
		if err == nil && !fired {
			fired, err = e.fire(ctx, to)
		}
		if err != nil {
			return in("advance", err)
		}
		if !fired {
			return nil
		}
	}
}

// reach moves the engine's instant to t, if that is later.
func (e *Engine) reach(t int64) {
	for {
		last := e.last.Load()
		if t <= last || e.last.CompareAndSwap(last, t) {
			return
		}
	}
}

// Run advances the engine with its clock, at the exact instants at which
// something is due, until ctx is done (it returns its error) or the engine is
// closed (nil). It is for clocks that run by themselves; with a ManualClock call
// Advance. Without Run, what is due fires with the next data for a profile of
// the same shard.
//
// An error, of the store or the clock, ends nothing: it is reported, to
// Options.OnError or else Options.Logger, and Run tries again after a while, at
// first 10 ms, then twice as long each time, up to a minute.
func (e *Engine) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	failures, wake := 0, e.wake
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.life.Done():
			return nil
		case <-timer.C:
		case <-wake:
		}
		next, err := e.runOnce(ctx)
		switch {
		case err == nil:
			failures, wake = 0, e.wake
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, profile.ErrClosed):
			return nil
		default:
			next = backoff.After(failures)
			failures++
			wake = nil // what new data is due for waits as well
			e.report(fmt.Errorf("run: %w", err))
		}
		timer.Reset(next)
	}
}

// runOnce fires all that is due by the clock, and returns how long after it the
// next is.
func (e *Engine) runOnce(ctx context.Context) (next time.Duration, err error) {
	now, err := e.readClock()
	if err != nil {
		return 0, err
	}
	if err := profile.CheckTime(now); err != nil {
		return 0, fmt.Errorf("clock: %w", failing(err))
	}
	if err := e.checkJump(now, e.reached()); err != nil {
		return 0, err
	}
	advance := e.advance
	if _, due := e.earliest(); due <= now.UnixNano() {
		advance = e.Advance
	}
	if err := advance(ctx, now); err != nil {
		return 0, err
	}
	return e.untilDue(now), nil
}

// reached returns the latest instant at which anything happened.
func (e *Engine) reached() int64 {
	t := e.last.Load()
	for _, sh := range e.shards {
		sh.mu.Lock()
		t = max(t, sh.last)
		sh.mu.Unlock()
	}
	return t
}

// untilDue returns how long after now the next timer is due, at most an hour.
func (e *Engine) untilDue(now time.Time) time.Duration {
	due := min(now.Add(time.Hour).UnixNano(), e.batchDue.Load())
	for _, sh := range e.shards {
		due = min(due, sh.due.Load())
	}
	return time.Duration(due - now.UnixNano())
}
