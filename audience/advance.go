package audience

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/muster-go/muster/internal/horizon"
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
func (e *Engine) Advance(ctx context.Context, t time.Time) error {
	if err := profile.CheckTime(t); err != nil {
		return fmt.Errorf("advance: %w", err)
	}
	to := t.UnixNano()
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("advance: %w", err)
		}
		fired, err := e.fireUntil(ctx, to)
		if err != nil {
			return fmt.Errorf("advance: %w", err)
		}
		if !fired {
			return nil
		}
	}
}

// fireUntil settles the next profile that is due at t or before.
func (e *Engine) fireUntil(ctx context.Context, t int64) (fired bool, err error) {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return false, profile.ErrClosed
	}
	sh := e.earliest()
	due := sh.due.Load()
	if due > t || due == horizon.Never {
		e.last.Store(max(e.last.Load(), t))
		e.mu.Unlock()
		return false, nil
	}
	e.last.Store(max(e.last.Load(), due))
	err = sh.fire(ctx)
	e.mu.Unlock()
	sh.deliver(ctx)
	return true, err
}

// Run advances the engine with its clock, at the exact instants at which
// something is due, until ctx is done (it returns its error) or the engine is
// closed (nil). It is for clocks that run by themselves; with a ManualClock call
// Advance. Without Run, what is due fires with the next data for a profile of
// the same shard.
func (e *Engine) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.done:
			return nil
		case <-timer.C:
		case <-e.wake:
		}
		now := e.clock.Now()
		if err := e.Advance(ctx, now); err != nil {
			if errors.Is(err, profile.ErrClosed) {
				return nil
			}
			return err
		}
		timer.Reset(e.untilDue(now))
	}
}

// untilDue returns how long after now the next timer is due, at most an hour.
func (e *Engine) untilDue(now time.Time) time.Duration {
	due := now.Add(time.Hour).UnixNano()
	for _, sh := range e.shards {
		due = min(due, sh.due.Load())
	}
	return time.Duration(due - now.UnixNano())
}
