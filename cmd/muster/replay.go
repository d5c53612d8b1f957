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
			"log {\"type\": \"delete\", \"userId\": ...} deletes a user.",
		Flags: append(playFlags(),
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
	// A line that cannot be written ends the replay: there is no use in going on.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p, err := newPlayer(ctx, std, opts, cancel)
	if err != nil {
		return err
	}
	w := &replayWriter{out: bufio.NewWriterSize(std.out, 64<<10), traits: c.Bool("traits")}
	defer func() {
		if flushed := w.out.Flush(); err == nil {
			err = flushed
		}
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
	}()
	if err := w.subscribe(p.engine); err != nil {
		return err
	}
	started := std.now()
	if err := p.play(ctx); err != nil {
		return err
	}
	if err := w.out.Flush(); err != nil || c.Bool("quiet") {
		return err
	}
	return w.summarize(ctx, p, std.now().Sub(started))
}

// replayWriter writes and counts what callbacks are told.
type replayWriter struct {
	out         *bufio.Writer
	traits      bool
	transitions int
	changes     int // of computed traits
}

func (w *replayWriter) subscribe(e *audience.Engine) error {
	lines := json.NewEncoder(w.out)
	_, err := e.Subscribe(func(_ context.Context, t audience.Transition) error {
		w.transitions++
		return lines.Encode(t)
	})
	if err != nil {
		return err
	}
	_, err = e.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error {
		w.changes++
		if !w.traits {
			return nil
		}
		return lines.Encode(c)
	})
	return err
}

// summarize writes what came of it all.
func (w *replayWriter) summarize(ctx context.Context, p *player, took time.Duration) error {
	to := p.std.err
	fmt.Fprintf(to, "%d messages in %s, %.0f a second\n",
		p.messages, took.Round(100*time.Microsecond), float64(p.messages)/max(took, time.Microsecond).Seconds())
	if p.skipped > 0 {
		fmt.Fprintf(to, "%d bad lines skipped\n", p.skipped)
	}
	fmt.Fprintf(to, "%d transitions, %d trait changes", w.transitions, w.changes)
	if p.clock.Now().After(profile.MinTime) { // a log without messages has no time
		fmt.Fprintf(to, " until %s", p.clock.Now().UTC().Format(time.RFC3339Nano))
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
