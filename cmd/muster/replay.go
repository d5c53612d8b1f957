package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

func replayCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:      "replay",
		Usage:     "run a log of messages through definitions, and write every entry and exit",
		UsageText: "muster replay -definitions FILE -events FILE [options]",
		Description: "Entries and exits are lines of JSON, in the order of time; with -traits, the changes\n" +
			"of computed traits among them. A summary goes to the standard error. A line of the\n" +
			"log {\"type\": \"delete\", \"userId\": ...} deletes a user.\n\n" +
			"With -data the log goes into a store in a folder, from which muster serve can go on. The\n" +
			"store's definitions stay, and those of -definitions are made besides. After an\n" +
			"interruption the same command goes on behind the lines that were taken, and writes again at\n" +
			"most the lines that were written last; a log that has grown is taken from where it ended.\n" +
			"A log is known by the name of its file, without the folder. Messages are taken many at\n" +
			"once: behind a line that cannot be taken some may have been, which are not taken twice.",
		Flags: append(playFlags(),
			&cli.StringFlag{Name: "data", Usage: "the `FOLDER` of a store, which is made if there is none; without it all is in memory"},
			&cli.StringFlag{Name: "retention", Usage: "how `LONG` the store of -data keeps events: 90d; without it for ever"},
			&cli.BoolFlag{Name: "traits", Usage: "write the changes of computed traits, too"},
			&cli.BoolFlag{Name: "quiet", Usage: "no summary"},
		),
		Action: func(ctx context.Context, c *cli.Command) error {
			if _, err := arguments(c, 0, 0); err != nil {
				return err
			}
			return replay(ctx, std, c)
		},
	}
}

func replay(ctx context.Context, std streams, c *cli.Command) (err error) {
	opts, err := playOptionsOf(c, c.String("definitions"))
	if err != nil {
		return err
	}
	if opts.retention, err = retentionOf(c); err != nil {
		return err
	}
	opts.data = c.String("data")
	// A line that cannot be written ends the replay: there is no use in going on.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p, err := newPlayer(ctx, std, opts, cancel)
	if err != nil {
		return err
	}
	defer func() {
		if closed := p.close(); err == nil {
			err = closed
		}
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
	}()
	w := &replayWriter{out: bufio.NewWriterSize(std.out, 64<<10), traits: c.Bool("traits")}
	return w.replay(ctx, p, cancel, c.Bool("quiet"))
}

// replayWriter writes and counts what callbacks are told.
type replayWriter struct {
	out         *bufio.Writer
	traits      bool
	transitions int
	changes     int // of computed traits
}

func (w *replayWriter) replay(ctx context.Context, p *player, failed func(error), quiet bool) (err error) {
	stop, err := w.subscribe(ctx, p, failed)
	if err != nil {
		return err
	}
	defer func() {
		stop() // nothing is written any more
		if flushed := w.out.Flush(); err == nil {
			err = flushed
		}
	}()
	if err := p.define(ctx); err != nil {
		return err
	}
	started := p.std.now()
	if err := p.play(ctx); err != nil {
		return err
	}
	if p.data != "" {
		err := p.engine.CatchUp(ctx, linesName)
		if stop(); err == nil {
			err = p.engine.RemoveSubscriber(ctx, linesName)
		}
		if err != nil {
			return err
		}
	}
	if err := w.out.Flush(); err != nil || quiet {
		return err
	}
	return w.summarize(ctx, p, p.std.now().Sub(started))
}

// subscribe has lines written until stop is called: with a store on the disk from where the
// last replay was.
func (w *replayWriter) subscribe(ctx context.Context, p *player, failed func(error)) (stop func(), err error) {
	var to io.Writer = w.out
	if p.data != "" {
		to = p.std.out // what a subscriber has done is not to wait in memory
	}
	lines := json.NewEncoder(to)
	transition := func(_ context.Context, t audience.Transition) error {
		w.transitions++
		return lines.Encode(t)
	}
	change := func(_ context.Context, c audience.TraitChange) error {
		w.changes++
		if !w.traits {
			return nil
		}
		return lines.Encode(c)
	}
	if p.data != "" {
		return p.engine.SubscribeDurable(ctx, linesName, func(ctx context.Context, n audience.Notice) (err error) {
			switch {
			case n.Transition != nil:
				err = transition(ctx, *n.Transition)
			case n.TraitChange != nil:
				err = change(ctx, *n.TraitChange)
			}
			if err != nil {
				failed(err)
			}
			return err
		})
	}
	first, err := p.engine.Subscribe(transition)
	if err != nil {
		return nil, err
	}
	second, err := p.engine.SubscribeTraits(change)
	return func() { first(); second() }, err
}

// summarize writes what came of it all.
func (w *replayWriter) summarize(ctx context.Context, p *player, took time.Duration) error {
	to := p.std.err
	fmt.Fprintf(to, "%d messages in %s, %.0f a second\n",
		p.messages, took.Round(100*time.Microsecond), float64(p.messages)/max(took, time.Microsecond).Seconds())
	if p.before > 0 {
		fmt.Fprintf(to, "behind %d lines that were taken before\n", p.before)
	}
	if p.late > 0 {
		fmt.Fprintf(to, "%d of them late: older than one before them, and taken at the time of that\n", p.late)
	}
	if p.skipped > 0 {
		fmt.Fprintf(to, "%d bad lines skipped\n", p.skipped)
	}
	fmt.Fprintf(to, "%d transitions, %d trait changes", w.transitions, w.changes)
	if now := p.engine.Now(); now.After(profile.MinTime) { // a log without messages has no time
		fmt.Fprintf(to, " until %s", now.UTC().Format(time.RFC3339Nano))
	}
	fmt.Fprint(to, "\n\n")
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AUDIENCE\tMEMBERS")
	for _, d := range p.engine.List() {
		n, err := p.engine.MemberCount(ctx, d.Key)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%d\n", d.Key, n)
	}
	if err := listTraits(ctx, p.engine, table); err != nil {
		return err
	}
	return table.Flush()
}

// listTraits writes, below a blank line, the computed traits with the number of
// profiles that have a value.
func listTraits(ctx context.Context, e *audience.Engine, table io.Writer) error {
	traits := e.ListTraits()
	if len(traits) > 0 {
		fmt.Fprintln(table, "\nTRAIT\tPROFILES")
	}
	for _, c := range traits {
		n := 0
		for _, err := range e.Values(ctx, c.Key) {
			if err != nil {
				return err
			}
			n++
		}
		fmt.Fprintf(table, "%s\t%d\n", c.Key, n)
	}
	return nil
}
