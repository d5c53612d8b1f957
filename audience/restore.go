package audience

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/muster-go/muster/internal/backoff"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

// restore makes live what the store remembers, as of the last instant at which
// it was written to. It reads no profile: each is read when it is touched.
func (e *Engine) restore(ctx context.Context) error {
	if err := e.restoreOutbox(ctx); err != nil {
		return err
	}
	seq, now, err := e.store.Position(ctx)
	if err != nil {
		return err
	}
	e.before.upTo = seq
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
	var there, pending []*definition
	for _, d := range sorted {
		if d.pending {
			pending = append(pending, d) // nothing that is not reads it
		} else {
			there = append(there, d)
		}
	}
	allHave(e.define(there))
	if err := e.noteBroken(ctx, now.UnixNano()); err != nil {
		return err
	}
	if err := e.restorePending(ctx, now.UnixNano(), pending); err != nil {
		return err
	}
	e.nets.FindCrosses(&e.stays)
	e.publish()
	e.batchesDue(now.UnixNano())
	for _, sh := range e.shards {
		if err := sh.restoreTimers(ctx, e.reader); err != nil {
			return err
		}
	}
	return nil
}

// define makes definitions live that are planned and sorted, and returns the nodes that are
// new. All locks are held, or nobody else has the engine yet.
func (e *Engine) define(sorted []*definition) (fresh []*network.Node) {
	r := newRollout(e, sorted)
	r.stored = true
	for key, a := range r.lives {
		e.live[key] = a
	}
	return r.bringAll()
}

// restorePending goes on with creations that were broken off. One of a single stage keeps
// its version: who has that has what it brings. Of others nobody knows how far they came;
// their first stage begins again, as a new version, and who was told what they bring is
// not told again.
func (e *Engine) restorePending(ctx context.Context, now int64, defs []*definition) error {
	slices.SortStableFunc(defs, func(a, b *definition) int { return int(a.version) - int(b.version) })
	for len(defs) > 0 {
		version, n := defs[0].version, 1
		for n < len(defs) && defs[n].version == version {
			n++
		}
		r := newRollout(e, defs[:n])
		defs = defs[n:]
		r.resumed = true
		x := e.x
		x.Ctx, x.At, x.Err = ctx, now, nil
		if err := x.within(func() error {
			if len(r.stages) > 1 {
				x.nextVersion()
				version = e.version
				if err := x.storeVersion(r); err != nil {
					return err
				}
			}
			return x.countProfiles(r)
		}); err != nil {
			return err
		}
		r.start()
		r.revision = newRevision(version, r.bring(), r)
		e.revisions = append(e.revisions, r.revision)
	}
	return nil
}

// batchesDue has batch audiences be computed at the next multiple of their intervals: of
// which profiles they differ from their conditions is in the store.
func (e *Engine) batchesDue(now int64) {
	for _, net := range e.nets {
		for _, n := range net.Batches {
			if n.Interval > 0 {
				n.Due.Store(horizon.MultipleFrom(now, int64(n.Interval)))
				horizon.Lower(&e.batchDue, n.Due.Load())
			}
		}
	}
}

// resume brings to profiles what an engine before could not finish, and ends with the
// engine. What fails is reported, and tried again.
func (e *Engine) resume(rollouts []*rollout) {
	for _, r := range rollouts {
		for failures := 0; ; failures++ {
			err := e.carryOut(e.life, r, func(x *txn) error { return x.made(r) })
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
			case <-time.After(backoff.After(failures)):
			}
		}
	}
}
