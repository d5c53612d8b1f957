package audience

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
)

// restore makes live what the store remembers, as of the last instant at which
// it was written to. It reads no profile: each is read when it is touched.
func (e *Engine) restore(ctx context.Context) error {
	if err := e.restoreOutbox(ctx); err != nil {
		return err
	}
	_, now, err := e.store.Position(ctx)
	if err != nil {
		return err
	}
	if now.IsZero() {
		return nil
	}
	e.reach(now.UnixNano())
	defs, err := e.readStored(ctx)
	if err != nil {
		return err
	}
	sorted, err := e.planStored(defs, nil)
	if err != nil {
		return err
	}
	var b backfill
	var pending []*definition
	for _, d := range sorted {
		if d.pending {
			pending = append(pending, d) // nothing that is not reads it
			continue
		}
		b.bring(e, &live{}, d, CauseTime)
	}
	allHave(b.fresh)
	e.restorePending(pending)
	e.rejoin()
	e.publish()
	e.batchesDue(now.UnixNano())
	for _, sh := range e.shards {
		if err := sh.restoreTimers(ctx, e.reader); err != nil {
			return err
		}
	}
	return nil
}

// restorePending makes growths of definitions that not every profile has.
func (e *Engine) restorePending(defs []*definition) {
	slices.SortStableFunc(defs, func(a, b *definition) int { return int(a.version) - int(b.version) })
	for len(defs) > 0 {
		version := defs[0].version
		var b backfill
		var keys []string
		for ; len(defs) > 0 && defs[0].version == version; defs = defs[1:] {
			b.bring(e, &live{}, defs[0], CauseBackfill)
			keys = append(keys, defs[0].key)
			e.changing[defs[0].key] = true
		}
		e.growths = append(e.growths, newGrowth(version, &b, keys))
	}
}

// batchesDue has batch audiences be computed at the next multiple of their intervals: of
// which profiles they differ from their conditions is in the store.
func (e *Engine) batchesDue(now int64) {
	for _, net := range e.nets {
		for _, n := range net.batches {
			if n.interval > 0 {
				n.due.Store(multipleFrom(now, int64(n.interval)))
				lower(&e.batchDue, n.due.Load())
			}
		}
	}
}

// multipleFrom returns the first multiple of an interval that is not before t.
func multipleFrom(t, interval int64) int64 {
	due := t - t%interval
	if due < t {
		due += interval
	}
	return due
}

// resume brings to profiles what an engine before could not finish, and ends with the
// engine. What fails is reported, and tried again.
func (e *Engine) resume(growths []*growth) {
	for _, g := range growths {
		for failures := 0; ; failures++ {
			err := e.upgradeAll(e.life, g)
			if err == nil {
				err = e.complete(e.life, g)
			}
			if err == nil {
				break
			}
			if e.closed.Load() || errors.Is(err, profile.ErrClosed) {
				return
			}
			e.report(err)
			select {
			case <-e.life.Done():
				return
			case <-time.After(retryAfter(failures)):
			}
		}
	}
}
