package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
)

// Alarm says why a partition stands still: its log or its engine is not what it was.
// Nothing that could be wrong has been told.
type Alarm struct {
	Partition int
	Err       error // wraps ErrGap, ErrRepeated, ErrLost or ErrDiverged, or says which record kills the engine
}

func (a *Alarm) Error() string {
	return fmt.Sprintf("partition %d stands still: %v", a.Partition, a.Err)
}

// Unwrap returns the cause.
func (a *Alarm) Unwrap() error { return a.Err }

// errLeft says that the partition was left in order.
var errLeft = errors.New("the partition was left")

// runner runs one partition for as long as its owner has it.
type runner struct {
	log    Log
	p      Partition
	opts   *Options
	logger *slog.Logger

	epoch    uint64
	machine  *machine
	backlog  backlog
	ahead    []Record        // that were read, and come next
	rules    map[uint64]bool // records that are passed over beyond the last chunk
	kills    map[uint64]int  // how often a record has killed the engine
	snapshot uint64          // the record of the latest one that is known
}

// run runs the partition until it is left in order (nil), or lost (ErrFenced), or fails. An
// *Alarm says that trying again does not help.
func (r *runner) run(ctx context.Context) error {
	for {
		err := r.own(ctx)
		var killed *killedError
		switch {
		case errors.Is(err, errLeft):
			return nil
		case errors.As(err, &killed):
			if err := r.passOver(ctx, killed); err != nil {
				return err
			}
		case isAlarm(err):
			return &Alarm{r.p.Number(), err}
		default:
			return err
		}
	}
}

func isFenced(err error) bool { return errors.Is(err, ErrFenced) }

func isAlarm(err error) bool {
	return errors.Is(err, ErrGap) || errors.Is(err, ErrRepeated) || errors.Is(err, ErrLost) || errors.Is(err, ErrDiverged)
}

// own fences others out, brings a machine to where the last chunk ends, and goes on.
func (r *runner) own(ctx context.Context) (err error) {
	var last *Chunk
	if r.epoch, last, err = r.p.Fence(ctx); err != nil {
		return fmt.Errorf("fence: %w", err)
	}
	r.ahead = nil
	if err := r.recover(ctx, last); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.machine.close()) }()
	r.logger.Info("muster: partition taken over", "partition", r.p.Number(), "epoch", r.epoch, "record", r.machine.at.Record, "number", last.Last())
	return r.live(ctx)
}

// passOver has a record passed over that has killed the engine, if it does so a second
// time: what it meets at the first may be the fault of something before.
func (r *runner) passOver(ctx context.Context, killed *killedError) error {
	r.kills[killed.record]++
	last := r.backlog.last
	r.logger.Error("muster: "+killed.Error(), "partition", r.p.Number(), "stack", string(killed.stack))
	switch {
	case killed.record <= last.to() || last.within() && killed.record == last.To+1:
		return &Alarm{r.p.Number(), fmt.Errorf("%w: what it caused was told: %w", ErrDiverged, killed)}
	case r.kills[killed.record] == 1:
		return nil
	case r.rules[killed.record]:
		return &Alarm{r.p.Number(), fmt.Errorf("%w: it is passed over: %w", ErrDiverged, killed)}
	}
	body, err := Command{Op: PassOver, Record: killed.record, Why: killed.cause}.Body()
	if err != nil {
		return err
	}
	_, err = r.log.Append(ctx, r.p.Number(), body)
	return err
}

// findRules reads which records beyond the last chunk are passed over, as far as the log
// goes now.
func (r *runner) findRules(ctx context.Context, last *Chunk) error {
	r.rules = map[uint64]bool{}
	told := last.to()
	if last.within() {
		told++ // what it caused was told in part
	}
	end, err := r.p.End(ctx)
	if err != nil {
		return err
	}
	if end < told {
		return fmt.Errorf("%w: it ends at record %d, and %d was told of", ErrLost, end, told)
	}
	for at := told; at < end; {
		records, err := r.p.Read(ctx, at, readMost)
		if err != nil {
			return err
		}
		for i := range records {
			rec := &records[i]
			if err := follows(at, rec.Number); err != nil {
				return err
			}
			at = rec.Number
			if !isCommand(rec.Body) {
				continue
			}
			if c, err := parseCommand(rec.Body); err == nil && c.Op == PassOver && c.Record > told && c.Record < rec.Number {
				r.rules[c.Record] = true
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// passes reports whether a record is passed over. Up to the last chunk at the time of
// recovery that was decided by what was told.
func (r *runner) passes(record uint64, last *Chunk) bool {
	if record <= last.to() {
		_, passed := slices.BinarySearch(last.Passed, record)
		return passed
	}
	return r.rules[record]
}
