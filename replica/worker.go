package replica

import (
	"context"
	"errors"

	"github.com/muster-go/muster/internal/backoff"
)

// Run is a worker: it takes a share of the partitions of a log, under a name that no
// other has, and runs them until ctx ends. Then it leaves them in order, and returns nil. A
// partition that stands still (Alarm) stays with the worker, so that no other tries it in
// turn; OnAlarm and the logger are told.
func Run(ctx context.Context, log Log, member string, opts Options) error {
	opts = opts.withDefaults()
	return log.Join(ctx, member, func(ctx context.Context, p Partition) {
		r := &runner{log: log, p: p, opts: &opts, logger: opts.Logger.With("member", member), kills: map[uint64]int{}}
		r.keep(ctx)
	})
}

// keep runs the partition, again where something failed that may pass, until it is left or
// lost.
func (r *runner) keep(ctx context.Context) {
	for failures := 0; ; failures++ {
		epoch := r.epoch
		err := r.run(ctx)
		var alarm *Alarm
		switch {
		case err == nil || isFenced(err) || ctx.Err() != nil:
			return
		case errors.As(err, &alarm):
			r.stand(ctx, alarm)
			return
		}
		r.logger.Error("muster: partition failed", "partition", r.p.Number(), "err", err)
		if r.epoch != epoch {
			failures = 0 // it could begin
		}
		wait, cancel := context.WithTimeout(ctx, backoff.After(failures))
		select {
		case <-wait.Done():
		case <-r.p.Leaving():
			cancel()
			return
		}
		cancel()
	}
}

// stand tells of an alarm, and keeps the partition from others.
func (r *runner) stand(ctx context.Context, alarm *Alarm) {
	r.logger.Error("muster: " + alarm.Error())
	if r.opts.OnAlarm != nil {
		r.opts.OnAlarm(alarm)
	}
	select {
	case <-ctx.Done():
	case <-r.p.Leaving():
	}
}
