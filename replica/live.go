package replica

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/muster-go/muster/internal/backoff"
)

// batch is what a reader of the input has read.
type batch struct {
	records []Record
	err     error
}

// liver takes records as they come, and tells what follows: one chunk is under way at a
// time, and meanwhile what comes is done, so that chunks grow where much comes.
type liver struct {
	*runner
	read     chan batch
	appended chan error
	underWay bool
	leaving  bool // no more records are taken
	idle     bool // none has come since the last tick
}

// live goes on until the partition is left (errLeft) or something fails.
func (r *runner) live(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	l := &liver{runner: r, read: make(chan batch), appended: make(chan error, 1)}
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	after := r.machine.at.Record + uint64(len(r.ahead)) // both move from now on
	running.Add(1)
	go func() {
		defer running.Done()
		r.readAll(ctx, after, l.read)
	}()
	ticks := time.NewTicker(max(r.opts.TickEvery/2, 1)) // it takes two: see tick
	defer ticks.Stop()
	for {
		if err := l.tell(ctx, &running); err != nil {
			return err
		}
		if done, err := l.pause(ctx); done || err != nil {
			return err
		}
		if err := l.step(ctx, ticks.C); err != nil {
			return err
		}
	}
}

// readAll sends all records after a number, and ends with the first error that does not
// pass by itself.
func (r *runner) readAll(ctx context.Context, after uint64, to chan<- batch) {
	for failures := 0; ctx.Err() == nil; {
		records, err := r.p.Read(ctx, after, readMost)
		if err != nil && !isAlarm(err) && !isFenced(err) {
			r.logger.Warn("muster: the log cannot be read", "partition", r.p.Number(), "err", err)
			if sleep(ctx, backoff.After(failures)) != nil {
				return
			}
			failures++
			continue
		}
		failures = 0
		if len(records) == 0 && err == nil {
			continue
		}
		select {
		case to <- batch{records, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		after = records[len(records)-1].Number
	}
}

// tell has the next chunk appended, if none is under way and something is to be told.
func (l *liver) tell(ctx context.Context, running *sync.WaitGroup) error {
	b := &l.backlog
	if l.underWay || b.entries == 0 && !b.heed && len(b.applied) < l.opts.ChunkRecords && !l.pausing() {
		return nil
	}
	before := b.last
	c := b.cut(l.p.Number(), l.epoch, l.opts.ChunkEntries, l.opts.ChunkBytes)
	if c == nil {
		return nil
	}
	l.underWay = true
	running.Add(1)
	go func() {
		defer running.Done()
		l.appended <- l.append(ctx, before, c)
	}()
	return nil
}

// append appends a chunk. Where it is not known whether it was, a new fence tells: it goes
// on as the owner for as long as nobody else has told anything.
func (r *runner) append(ctx context.Context, before, c *Chunk) error {
	for failures := 0; ; failures++ {
		err := r.p.Append(ctx, c)
		if err == nil || isFenced(err) || ctx.Err() != nil {
			return err
		}
		r.logger.Warn("muster: a chunk may not have been appended", "partition", c.Partition, "to", c.To, "err", err)
		epoch, last, err := r.refence(ctx, failures)
		switch {
		case err != nil:
			return err
		case last != nil && last.Same(c):
			r.epoch = epoch
			return nil
		case last.Last() != before.Last() || last.to() != before.to():
			return fmt.Errorf("%w: it has told of record %d", ErrFenced, last.to())
		}
		c.Epoch, r.epoch = epoch, epoch
	}
}

// refence fences until it knows whether it could.
func (r *runner) refence(ctx context.Context, failures int) (epoch uint64, last *Chunk, err error) {
	for ; ; failures++ {
		if err := sleep(ctx, backoff.After(failures)); err != nil {
			return 0, nil, err
		}
		if epoch, last, err = r.p.Fence(ctx); err == nil || isFenced(err) {
			return epoch, last, err
		}
		if ctx.Err() != nil {
			return 0, nil, ctx.Err()
		}
	}
}

// sleep waits, or until ctx ends, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pausing reports whether all that was done is to be told before more is done.
func (l *liver) pausing() bool { return l.leaving || l.snapshotDue(l.opts.SnapshotEvery) }

// pause does what is to be done while nothing is under way: a snapshot, or to leave, which
// is done.
func (l *liver) pause(ctx context.Context) (done bool, err error) {
	if !l.pausing() || l.underWay || !l.backlog.empty() {
		return false, nil
	}
	every := l.opts.SnapshotEvery
	if l.leaving {
		every /= 10 // who comes next is to begin soon
	}
	if l.snapshotDue(max(every, 1)) {
		l.save(ctx)
	}
	if l.leaving {
		return true, errLeft
	}
	return false, nil
}

// step takes one record if it can, and otherwise waits until something happens.
func (l *liver) step(ctx context.Context, ticks <-chan time.Time) error {
	full := l.pausing() || l.backlog.bytes > 4*l.opts.ChunkBytes || l.backlog.entries > 4*l.opts.ChunkEntries
	if !full && len(l.ahead) > 0 {
		if err := l.take(ctx); err != nil {
			return err
		}
		select {
		case err := <-l.appended:
			return l.told(err)
		case <-l.p.Leaving():
			l.leaving = true
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		return nil
	}
	read := l.read
	if full {
		read = nil
	}
	var leave <-chan struct{}
	if !l.leaving {
		leave = l.p.Leaving()
	}
	select {
	case b := <-read:
		if b.err != nil {
			return b.err
		}
		l.ahead = b.records
		return ctx.Err()
	case err := <-l.appended:
		return l.told(err)
	case <-ticks:
		return l.tick(ctx)
	case <-leave:
		l.leaving = true
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take applies the next record.
func (l *liver) take(ctx context.Context) error {
	rec := &l.ahead[0]
	a, err := l.machine.apply(ctx, rec, l.passes(rec.Number, nil))
	if err != nil {
		return err
	}
	l.ahead, l.idle = l.ahead[1:], false
	l.backlog.add(a, 0)
	return nil
}

// told takes the outcome of the chunk that is under way.
func (l *liver) told(err error) error {
	l.underWay = false
	return err
}

// tick has time go on where no record does, if something is due by now. It also looks whether
// the log has become shorter.
func (l *liver) tick(ctx context.Context) error {
	if !l.idle {
		l.idle = true
		return nil
	}
	err := l.checkEnd(ctx, l.machine.at.Record)
	next := l.machine.engine.Stats().NextTimer
	if err == nil && !next.IsZero() && !next.After(l.opts.Now()) {
		var body []byte
		if body, err = (Command{Op: Tick}).Body(); err == nil {
			_, err = l.log.Append(ctx, l.p.Number(), body)
		}
		l.idle = false
	}
	if err != nil && !isAlarm(err) && ctx.Err() == nil {
		l.logger.Warn("muster: no tick", "partition", l.p.Number(), "err", err) // the next may succeed
		return nil
	}
	return err
}
