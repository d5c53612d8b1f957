package destination

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
)

// flight is a batch on its way. It stays what it is until it is accepted or
// refused, so that a receiver that got it although the attempt failed can tell
// that it is the same.
type flight struct {
	pairs    []pair          // that are to be looked at
	told     map[pair]change // those of which there is something to tell
	calls    []call
	undo     map[pair]before // if it is refused
	ids      uint64          // Connection.ids when the calls were found
	batch    *Batch          // nil until it is put together, and if nothing is to be told
	attempts int             // that failed
	kept     bool            // in the store, for good
}

// stays reports whether a flight stays what it is, because it may have been sent.
func (f *flight) stays() bool { return f.batch != nil || f.kept }

// begin notes that a loop is to deliver, unless the connection is not open.
func (c *Connection) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != open {
		return false
	}
	c.loop.Add(1)
	return true
}

// run sends what is due until ctx is done or the connection is closed.
func (c *Connection) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.done:
			return
		case <-timer.C:
		case <-c.wake:
		}
		next, err := c.sync(ctx)
		if err != nil {
			return // ctx is done
		}
		// An hour at most: the clock need not go as the timer does.
		wait := time.Hour
		if !next.IsZero() {
			wait = min(wait, next.Sub(c.hub.now()))
		}
		timer.Reset(wait)
	}
}

// sync sends what waits and is due, and returns when something is due next.
func (c *Connection) sync(ctx context.Context) (next time.Time, err error) {
	release, err := c.acquire(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer release()
	c.mark(false)
	for {
		select {
		case <-c.done:
			return time.Time{}, nil
		default:
		}
		f := c.takeDue()
		if f == nil {
			if err := c.keep(ctx); err != nil {
				c.unkept(err)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.due(c.hub.now()), nil
		}
		if err := c.attempt(ctx, f); err != nil && ctx.Err() != nil {
			return time.Time{}, ctx.Err()
		}
	}
}

// Flush is Hub.Flush for one connection.
func (c *Connection) Flush(ctx context.Context) error {
	if !c.isOpen() {
		return profile.ErrClosed
	}
	if err := c.catchUp(ctx); err != nil {
		return err
	}
	return c.flush(ctx)
}

func (c *Connection) flush(ctx context.Context) error {
	release, err := c.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	c.mark(true)
	for f := c.take(); f != nil; f = c.take() {
		if err := c.attempt(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// catchUp returns when all that was told before the call is in the ledger.
func (c *Connection) catchUp(ctx context.Context) error {
	return c.hub.source.CatchUp(ctx, c.subscriber)
}

// acquire waits until nobody else delivers.
func (c *Connection) acquire(ctx context.Context) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case c.delivering <- struct{}{}:
		return func() { <-c.delivering }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// mark begins a sync if one is due, or if forced: it is of all that waits now.
func (c *Connection) mark(force bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	due := !c.hub.now().Before(c.nextSync) && (c.cut == 0 || c.cfg.Interval == 0)
	if (due || force) && c.ledger.order.Len() > 0 {
		c.cut = c.ledger.last
	}
}

// takeDue is take, unless the first flight is not due.
func (c *Connection) takeDue() *flight {
	c.mu.Lock()
	wait := len(c.flights) > 0 && c.hub.now().Before(c.retryAt)
	c.mu.Unlock()
	if wait {
		return nil
	}
	return c.take()
}

// take returns the flight that is next in the sync under way; nil ends it.
func (c *Connection) take() *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.flights) > 0 {
		return c.flights[0]
	}
	if c.cut == 0 {
		return nil
	}
	pairs := c.ledger.next(c.cfg.BatchSize, c.cut)
	if len(pairs) == 0 {
		c.cut = 0
		c.nextSync = c.hub.now().Add(c.cfg.Interval)
		c.unkeptSchedule = c.unkeptSchedule || c.cfg.Interval > 0
		return nil
	}
	c.flights = append(c.flights, &flight{pairs: pairs})
	return c.flights[0]
}

// due returns when something is due next: zero if nothing waits, and otherwise
// not before now. c.mu is held.
func (c *Connection) due(now time.Time) time.Time {
	var at time.Time
	switch {
	case len(c.flights) > 0:
		at = c.retryAt
	case c.ledger.order.Len() == 0:
		return time.Time{}
	case c.cut == 0:
		at = c.nextSync
	}
	if at.Before(now) {
		return now
	}
	return at
}

// attempt sends the first flight once. The error is that of the attempt, or nil
// if the flight has come to its end, accepted or refused.
func (c *Connection) attempt(ctx context.Context, f *flight) error {
	if f.attempts > 0 {
		c.mu.Lock()
		c.stats.Retries++
		c.mu.Unlock()
	}
	err := c.send(ctx, f)
	defer func() {
		if err := c.keep(context.WithoutCancel(ctx)); err != nil {
			c.unkept(err)
		}
	}()
	switch {
	case err == nil:
		c.accepted(f)
		return nil
	case ctx.Err() != nil: // that is not the receiver's fault
		return ctx.Err()
	case c.alive.Err() != nil:
		return profile.ErrClosed
	case errors.Is(err, ErrRefused):
		c.refused(f, err)
		return nil
	}
	c.failed(f, err)
	return err
}

// send calls the destination, for as long as an attempt may take.
func (c *Connection) send(ctx context.Context, f *flight) (err error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	defer context.AfterFunc(c.alive, cancel)()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	if err := c.pack(ctx, f); err != nil || f.batch == nil {
		return err
	}
	if !f.kept {
		c.mu.Lock()
		c.unkeptFlight = true
		c.mu.Unlock()
		if err := c.keepForGood(ctx); err != nil {
			return fmt.Errorf("keep the batch: %w", err)
		}
		f.kept = true
	}
	if err := c.dest.Deliver(ctx, f.batch); err != nil {
		return err
	}
	return c.confirm(ctx, f)
}

// pack puts the batch of a flight together.
func (c *Connection) pack(ctx context.Context, f *flight) error {
	if f.batch != nil {
		return nil
	}
	if f.told == nil {
		if err := c.calls(ctx, f); err != nil {
			return err
		}
	}
	if len(f.calls) == 0 {
		return nil
	}
	b, err := c.cfg.batch(f.calls)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err) // it would be the same again
	}
	f.batch = b
	return nil
}

// land ends a flight. c.mu is held.
func (c *Connection) land(f *flight) {
	c.flights = c.flights[1:]
	c.unkeptFlight = c.unkeptFlight || f.stays()
}

// unkept reports that something could not be kept. It is tried again.
func (c *Connection) unkept(err error) {
	c.report(fmt.Errorf("%s: keep what was told: %w", c.dest.Type(), err))
}

func (c *Connection) accepted(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.land(f)
	if len(f.told) > 0 {
		c.stats.Sent += uint64(len(f.told))
		c.stats.Batches++
	}
}

// failed schedules the next attempt.
func (c *Connection) failed(f *flight, err error) {
	f.attempts++
	wait := c.cfg.Retry.wait(f.attempts)
	if after := (*RetryAfterError)(nil); errors.As(err, &after) {
		wait = max(wait, after.Wait)
	}
	now := c.hub.now()
	c.mu.Lock()
	c.retryAt = now.Add(wait)
	c.unkeptSchedule = true
	c.blame(err, now)
	c.mu.Unlock()
	c.report(&DeliveryError{Type: c.dest.Type(), Batch: f.batch, Attempt: f.attempts, Next: now.Add(wait), Err: err})
}

// refused gives up a flight of one change. A greater one goes on in halves, to
// find what it is that the receiver does not take.
func (c *Connection) refused(f *flight, err error) {
	now := c.hub.now()
	c.mu.Lock()
	c.blame(err, now)
	left := c.ledger.takeBackAll(f.undo, f.told)
	c.land(f)
	if len(f.told) > 1 {
		var pairs []pair
		for _, p := range f.pairs {
			if _, was := f.told[p]; was {
				pairs = append(pairs, p)
			}
			if change, is := left[p]; is {
				c.ledger.put(p, change)
			}
		}
		half := len(pairs) / 2
		c.flights = append([]*flight{{pairs: pairs[:half]}, {pairs: pairs[half:]}}, c.flights...)
		c.mu.Unlock()
		return
	}
	for p, change := range left {
		c.ledger.refuse(p, change)
	}
	c.stats.Refused++
	c.mu.Unlock()
	c.report(&DeliveryError{Type: c.dest.Type(), Batch: f.batch, Attempt: f.attempts + 1, Err: err})
}

// blame notes that an attempt failed. c.mu is held.
func (c *Connection) blame(err error, now time.Time) {
	c.stats.Failures++
	c.stats.LastError, c.stats.LastErrorAt = err, now
}

func (c *Connection) report(err error) {
	if c.hub.onError == nil {
		return
	}
	defer func() { _ = recover() }() // nobody is left to tell
	c.hub.onError(err)
}
