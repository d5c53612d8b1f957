package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// replay is one run of a log through an engine.
type replay struct {
	std    streams
	engine *audience.Engine
	clock  *audience.ManualClock
	out    *bufio.Writer

	started     time.Time
	reported    time.Time // when the last line of progress was written
	messages    int
	skipped     int
	transitions int
	changes     int // of computed traits
}

// newReplay returns a replay on an engine without data, which writes its
// transitions to std.out and, if traits is set, the changes of computed traits.
// What goes wrong with that is told to failed.
func newReplay(ctx context.Context, std streams, traits bool, failed func(error)) (*replay, error) {
	r := &replay{
		std:   std,
		clock: audience.NewManualClock(profile.MinTime), // before every message
		out:   bufio.NewWriterSize(std.out, 64<<10),
	}
	r.started = std.now()
	r.reported = r.started
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{
		Clock:   r.clock,
		Shards:  1, // so that all that happens comes in one order
		OnError: failed,
	})
	if err != nil {
		return nil, err
	}
	r.engine = engine
	lines := json.NewEncoder(r.out)
	engine.Subscribe(func(_ context.Context, t audience.Transition) error {
		r.transitions++
		return lines.Encode(t)
	})
	engine.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error {
		r.changes++
		if !traits {
			return nil
		}
		return lines.Encode(c)
	})
	return r, nil
}

// errAllBad says that -skip-bad has left nothing.
var errAllBad = errors.New("every line was bad")

// play applies every line of a log, each at its own time or, if the log has been
// later than that already, at the latest time so far.
func (r *replay) play(ctx context.Context, in *profile.Decoder, skipBad bool) error {
	for {
		message, err := in.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = r.take(ctx, in, message)
		}
		switch bad := (*profile.LineError)(nil); {
		case skipBad && errors.As(err, &bad):
			r.skipped++
			fmt.Fprintf(r.std.err, "skipped %s\n", printable(bad.Error()))
		case err != nil:
			return err
		default:
			r.messages++
			r.progress()
		}
	}
	if r.skipped > 0 && r.messages == 0 {
		return errAllBad
	}
	return nil
}

// take applies a message. The error is a *profile.LineError if it cannot be taken.
func (r *replay) take(ctx context.Context, in *profile.Decoder, message profile.Message) error {
	r.clock.Set(message.Time) // which never goes back
	err := r.engine.Apply(ctx, message)
	if errors.Is(err, audience.ErrRefused) {
		if of := (*audience.MessageError)(nil); errors.As(err, &of) {
			err = of.Err // of one message the line says which
		}
		return in.At(err)
	}
	return err
}

// printable returns text without what a terminal would act on: a log is anybody's.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\ufffd'
	}, text)
}

// advance lets time pass after the last message until an instant, which counts.
// One that is over already, as is the zero time, is the instant of the last message.
func (r *replay) advance(ctx context.Context, until time.Time) error {
	r.clock.Set(until)
	return r.engine.Advance(ctx, r.clock.Now())
}

// progress writes a line about once a second, and brings out what happened so
// far. A short replay has none.
func (r *replay) progress() {
	now := r.std.now()
	if now.Sub(r.reported) < time.Second {
		return
	}
	r.reported = now
	_ = r.out.Flush() // its error stays: the next line meets it
	fmt.Fprintf(r.std.err, "%d messages, %s, at %s, %s\n",
		r.messages, r.happened(), r.clock.Now().Format(time.RFC3339), r.speed(now))
}

func (r *replay) speed(now time.Time) string {
	elapsed := max(now.Sub(r.started), time.Microsecond)
	return fmt.Sprintf("%.0f events/s", float64(r.messages)/elapsed.Seconds())
}

// happened counts what the callbacks were told.
func (r *replay) happened() string {
	return fmt.Sprintf("%d transitions, %d trait changes", r.transitions, r.changes)
}

// summarize brings out the last lines, and writes what came of it all.
func (r *replay) summarize(ctx context.Context) error {
	now := r.std.now()
	if err := r.out.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(r.std.err, "%d messages in %s, %s\n",
		r.messages, now.Sub(r.started).Round(100*time.Microsecond), r.speed(now))
	if r.skipped > 0 {
		fmt.Fprintf(r.std.err, "%d bad lines skipped\n", r.skipped)
	}
	fmt.Fprint(r.std.err, r.happened())
	if r.clock.Now().After(profile.MinTime) { // a log without messages has no time
		fmt.Fprintf(r.std.err, " until %s", r.clock.Now().UTC().Format(time.RFC3339Nano))
	}
	fmt.Fprint(r.std.err, "\n\n")

	table := tabwriter.NewWriter(r.std.err, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AUDIENCE\tMEMBERS")
	for _, d := range r.engine.List() {
		n, err := r.engine.MemberCount(ctx, d.Key)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%d\n", d.Key, n)
	}
	if err := r.listTraits(ctx, table); err != nil {
		return err
	}
	return table.Flush()
}

// listTraits writes, below a blank line, the computed traits with the number of
// profiles that have a value.
func (r *replay) listTraits(ctx context.Context, table io.Writer) error {
	traits := r.engine.ListTraits()
	if len(traits) > 0 {
		fmt.Fprintln(table, "\nTRAIT\tPROFILES")
	}
	for _, c := range traits {
		n := 0
		for _, err := range r.engine.Values(ctx, c.Key) {
			if err != nil {
				return err
			}
			n++
		}
		fmt.Fprintf(table, "%s\t%d\n", c.Key, n)
	}
	return nil
}
