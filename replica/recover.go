package replica

import (
	"context"
	"errors"
	"fmt"
)

// readMost is how many records are asked of the log at once.
const readMost = 512

// recover makes a machine that is where the last chunk ends, and has the backlog go on
// behind it. What was told is not told again; that the machine would have told the same is
// checked.
func (r *runner) recover(ctx context.Context, last *Chunk) (err error) {
	if err := r.findRules(ctx, last); err != nil {
		return err
	}
	var output Digest
	if r.machine, output, err = r.load(ctx, last.to()); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.machine.close())
		}
	}()
	r.backlog = backlog{last: last}
	replay := replayer{runner: r, last: last, output: output}
	if err := replay.run(ctx); err != nil {
		return err
	}
	r.backlog.output = replay.output
	return nil
}

// replayer brings a machine to the end of the last chunk.
type replayer struct {
	*runner
	last   *Chunk
	output Digest // of the entries up to where the machine is, at most up to the end of the chunk
}

func (r *replayer) run(ctx context.Context) error {
	if r.last == nil {
		return nil
	}
	for r.machine.at.Record < r.last.To {
		a, err := r.next(ctx)
		if err != nil {
			return err
		}
		for _, e := range a.entries {
			r.output = r.output.ofEntry(e)
		}
	}
	at := r.machine.at
	if at.Input != r.last.Input {
		return fmt.Errorf("%w: up to record %d the log holds other records than were told of", ErrDiverged, at.Record)
	}
	if at.Number != r.last.Told {
		return fmt.Errorf("%w: up to record %d it tells %d entries, and %d were told", ErrDiverged, at.Record, at.Number, r.last.Told)
	}
	if r.last.within() {
		return r.within(ctx)
	}
	return r.check()
}

// within applies the record within which the chunk ends.
func (r *replayer) within(ctx context.Context) error {
	a, err := r.next(ctx)
	if err != nil {
		return err
	}
	told := int(r.last.Last() - r.last.Told)
	if len(a.entries) < told {
		return fmt.Errorf("%w: record %d causes %d entries, and %d were told", ErrDiverged, a.Record, len(a.entries), told)
	}
	for _, e := range a.entries[:told] {
		r.output = r.output.ofEntry(e)
	}
	if err := r.check(); err != nil {
		return err
	}
	r.backlog.add(a, told)
	return nil
}

// check compares what the machine told with what was told.
func (r *replayer) check() error {
	if r.output != r.last.Output {
		return fmt.Errorf("%w: the entries up to number %d differ", ErrDiverged, r.last.Last())
	}
	return nil
}

// next reads and applies one record, of which there is one.
func (r *replayer) next(ctx context.Context) (applied, error) {
	if len(r.ahead) == 0 {
		records, err := r.p.Read(ctx, r.machine.at.Record, readMost)
		if err != nil {
			return applied{}, err
		}
		r.ahead = records
	}
	if len(r.ahead) == 0 {
		if err := ctx.Err(); err != nil {
			return applied{}, err
		}
		if err := r.checkEnd(ctx, r.last.To); err != nil {
			return applied{}, err
		}
		return r.next(ctx)
	}
	rec := &r.ahead[0]
	r.ahead = r.ahead[1:]
	return r.machine.apply(ctx, rec, r.passes(rec.Number, r.last))
}

// checkEnd returns an error if the log ends before a record that was read before.
func (r *runner) checkEnd(ctx context.Context, record uint64) error {
	end, err := r.p.End(ctx)
	if err == nil && end < record {
		err = fmt.Errorf("%w: it ends at record %d, and %d was read", ErrLost, end, record)
	}
	return err
}
