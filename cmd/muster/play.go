package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/urfave/cli/v3"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/cmd/muster/internal/eventlog"
	"github.com/muster-go/muster/profile"
)

// playFlags are those of commands that run a log through definitions.
func playFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "definitions", Usage: "a `FILE` of computed traits and audiences", Required: true},
		&cli.StringFlag{Name: "events", Usage: "a `FILE` of messages, one a line", Required: true},
		&cli.StringFlag{Name: "until", Usage: "go on to this `TIME` (RFC 3339, or a date) when the messages end before it"},
	}, logFlags()...)
}

// logFlags are those of commands that read a log.
func logFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "format", Value: "segment", Usage: "the `FORM` of the messages: " + strings.Join(eventlog.Formats(), ", ")},
		&cli.BoolFlag{Name: "skip-bad", Usage: "pass over lines that cannot be taken, and name them"},
	}
}

// playOptions say which log is run through which definitions.
type playOptions struct {
	definitions string    // a path
	events      string    // a path; empty: there is no log
	format      string    // of the log
	skipBad     bool      // lines that cannot be taken are passed over
	until       time.Time // zero: the time of the last message
}

// playOptionsOf returns what the flags say.
func playOptionsOf(c *cli.Command, definitions string) (playOptions, error) {
	o := playOptions{definitions: definitions, events: c.String("events"), format: c.String("format"), skipBad: c.Bool("skip-bad")}
	if o.events == eventlog.Stdin && definitions == eventlog.Stdin {
		return o, misused(c, errors.New("definitions and events cannot both be the standard input"))
	}
	var err error
	if text := c.String("until"); text != "" {
		if o.until, err = parseTime(text); err != nil {
			return o, misused(c, fmt.Errorf("-until: %w", err))
		}
	}
	return o, nil
}

// player runs a log through an engine that begins without data.
type player struct {
	playOptions
	std     streams
	engine  *audience.Engine
	store   *profile.MemStore
	clock   *audience.ManualClock
	defined definitionsFile

	messages int
	skipped  int
}

// newPlayer returns a player with an engine that has the definitions. What no caller of
// the engine can be told is told to failed.
func newPlayer(ctx context.Context, std streams, opts playOptions, failed func(error)) (*player, error) {
	p := &player{
		playOptions: opts, std: std,
		store: profile.NewMemStore(),
		clock: audience.NewManualClock(profile.MinTime), // before every message
	}
	var err error
	if p.defined, err = readDefinitions(opts.definitions, std.in); err != nil {
		return nil, err
	}
	p.engine, err = audience.New(ctx, p.store, audience.Options{
		Clock:   p.clock,
		Shards:  1, // so that all that happens comes in one order
		OnError: failed,
	})
	if err != nil {
		return nil, err
	}
	return p, p.defined.at(p.engine.CreateFile(ctx, p.defined.file))
}

// played returns a player that has run its log, as the flags of a command say.
func played(ctx context.Context, std streams, c *cli.Command) (*player, error) {
	opts, err := playOptionsOf(c, c.String("definitions"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p, err := newPlayer(ctx, std, opts, cancel)
	if err != nil {
		return nil, err
	}
	if err := p.play(ctx); err != nil {
		return nil, err
	}
	return p, context.Cause(ctx)
}

// parseTime reads a time as the engine reads those of messages.
func parseTime(text string) (time.Time, error) {
	v, err := profile.NewValue(text)
	if err != nil {
		return time.Time{}, err
	}
	t, ok := profile.ParseTime(v)
	if !ok {
		return time.Time{}, fmt.Errorf("%q is no time such as 2026-01-31 or 2026-01-31T12:00:00Z", text)
	}
	return t, nil
}

// errAllBad says that -skip-bad has left nothing.
var errAllBad = errors.New("every line was bad")

// play applies every line of the log, each at its own time or, if the log has been later
// than that already, at the latest time so far. Then time goes on to until.
func (p *player) play(ctx context.Context) error {
	in, err := eventlog.Open(p.events, p.std.in)
	if err != nil {
		return unopened(p.events, err)
	}
	defer in.Close()
	progress := newBar(p.std, "reading "+p.events)
	defer progress.clear()
	err = eachLine(in, p.events, p.format, func(log *eventlog.Log, records []eventlog.Record, err error) error {
		if err == nil {
			err = p.take(ctx, log, records)
		}
		var bad *profile.LineError
		switch {
		case p.skipBad && errors.As(err, &bad):
			p.skipped++
			progress.clear()
			fmt.Fprintf(p.std.err, "skipped %s\n", printable(bad.Error()))
			return nil
		case err != nil:
			return err
		}
		p.messages++
		if p.messages%1024 == 0 {
			part, ok := in.Done()
			progress.at(part, ok, fmt.Sprintf("%d messages", p.messages))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if p.skipped > 0 && p.messages == 0 {
		return fmt.Errorf("%s: %w", p.events, errAllBad)
	}
	p.clock.Set(p.until)
	return p.engine.Advance(ctx, p.clock.Now())
}

// eachLine calls do with what each line of a log has happen, or with its error, and ends
// with the first error of do.
func eachLine(in io.Reader, path, form string, do func(*eventlog.Log, []eventlog.Record, error) error) error {
	log, err := eventlog.New(in, path, form)
	if err != nil {
		return fmt.Errorf("-format: %w", err)
	}
	for {
		records, err := log.Next()
		if err == io.EOF {
			return nil
		}
		if err := do(log, records, err); err != nil {
			return err
		}
	}
}

// take applies what one line has happen. The error is a *profile.LineError if the line
// cannot be taken.
func (p *player) take(ctx context.Context, log *eventlog.Log, records []eventlog.Record) error {
	for _, r := range records {
		if r.Deleted != "" {
			if err := p.engine.DeleteUser(ctx, r.Deleted); err != nil {
				return err
			}
			continue
		}
		p.clock.Set(r.Message.Time) // which never goes back
		err := p.engine.Apply(ctx, r.Message)
		if errors.Is(err, audience.ErrRefused) {
			if of := (*audience.MessageError)(nil); errors.As(err, &of) {
				err = of.Err // of one message the line says which
			}
			return log.At(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// printable returns text without what a terminal would act on: a log is anybody's.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\n' {
			return r
		}
		return '\ufffd'
	}, text)
}
