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
	data        string    // the folder of a store; empty: in memory
	retention   time.Duration
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

// player runs a log through an engine, which begins without data, or with that of a folder.
type player struct {
	playOptions
	std     streams
	engine  *audience.Engine
	store   profile.Store
	clock   *audience.ManualClock
	defined definitionsFile

	before   int // lines that were taken by former commands
	messages int
	late     int // messages that are older than one before them
	skipped  int
}

// newPlayer returns a player with an engine that has the definitions. What no caller of
// the engine can be told is told to failed.
func newPlayer(ctx context.Context, std streams, opts playOptions, failed func(error)) (*player, error) {
	p := &player{
		playOptions: opts, std: std,
		clock: audience.NewManualClock(profile.MinTime), // before every message
	}
	var err error
	if p.defined, err = readDefinitions(opts.definitions, std.in); err != nil {
		return nil, err
	}
	options := audience.Options{
		Clock:   p.clock,
		Shards:  1, // so that all that happens comes in one order
		OnError: failed,
	}
	if p.store, err = p.open(&options); err != nil {
		return nil, err
	}
	if p.engine, err = audience.New(ctx, p.store, options); err != nil {
		return nil, errors.Join(err, p.store.Close())
	}
	return p, nil
}

// define makes the definitions live.
func (p *player) define(ctx context.Context) error {
	_, err := p.engine.Sync(ctx, p.defined.file, audience.SyncOptions{})
	return p.defined.at(err)
}

// close ends the engine, and gives the store back.
func (p *player) close() error { return errors.Join(p.engine.Close(), p.store.Close()) }

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
	if err := p.define(ctx); err != nil {
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

// printable returns text without what a terminal would act on: a log is anybody's.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\n' {
			return r
		}
		return '\ufffd'
	}, text)
}
