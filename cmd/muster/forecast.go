package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

func backtestCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:      "backtest",
		Usage:     "say how large an audience would have been, step by step, as a log tells",
		ArgsUsage: "KEY",
		Description: "Each line has a time, the size of the audience then, and how many had entered and\n" +
			"exited since the line before.",
		Flags: append(playFlags(),
			&cli.StringFlag{Name: "from", Usage: "begin at this `TIME` (RFC 3339, or a date)", Required: true},
			&cli.StringFlag{Name: "to", Usage: "end at this `TIME`; by default at the end of the log"},
			&cli.StringFlag{Name: "step", Value: "7d", Usage: "a line every `DURATION`, as in definitions"},
			jsonFlag()),
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := arguments(c, 1, 1)
			if err != nil {
				return err
			}
			from, err := parseTime(c.String("from"))
			if err != nil {
				return misused(c, fmt.Errorf("-from: %w", err))
			}
			var to time.Time
			if text := c.String("to"); text != "" {
				if to, err = parseTime(text); err != nil {
					return misused(c, fmt.Errorf("-to: %w", err))
				}
			}
			step, err := profile.ParseDuration(c.String("step"))
			if err != nil {
				return misused(c, fmt.Errorf("-step: %w", err))
			}
			p, d, err := playedFor(ctx, std, c, args[0])
			if err != nil {
				return err
			}
			if to.IsZero() {
				to = p.engine.Now()
			}
			points, err := p.engine.Backtest(ctx, d, from, to, step)
			if err != nil {
				return err
			}
			return writePoints(std, points, c.Bool("json"))
		},
	}
}

func writePoints(std streams, points []audience.Point, asJSON bool) error {
	if asJSON {
		all := make([]map[string]any, len(points))
		for i, p := range points {
			all[i] = map[string]any{"at": p.At, "size": p.Size, "entered": p.Entered, "exited": p.Exited}
		}
		return writeJSON(std.out, all)
	}
	for _, p := range points {
		if _, err := fmt.Fprintf(std.out, "%s %6d  +%d -%d\n", p.At.Format(time.RFC3339Nano), p.Size, p.Entered, p.Exited); err != nil {
			return err
		}
	}
	return nil
}

func dueCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:      "due",
		Usage:     "say what time alone will change after the end of a log",
		ArgsUsage: "[KEY]...",
		Flags: append(playFlags(),
			&cli.StringFlag{Name: "within", Value: "24h", Usage: "until so long a `DURATION` after the end of the log, as in definitions"},
			jsonFlag()),
		Action: func(ctx context.Context, c *cli.Command) error {
			within, err := profile.ParseDuration(c.String("within"))
			if err != nil {
				return misused(c, fmt.Errorf("-within: %w", err))
			}
			keys := map[string]bool{}
			for _, key := range c.Args().Slice() {
				keys[key] = true
			}
			p, err := played(ctx, std, c)
			if err != nil {
				return err
			}
			for key := range keys {
				if _, err := p.engine.Definition(key); err != nil {
					return err
				}
			}
			due, err := p.engine.Due(ctx, p.engine.Now().Add(within))
			if err != nil {
				return err
			}
			return writeDue(std, due, keys, c.Bool("json"))
		},
	}
}

// writeDue writes the transitions of some audiences, or of all.
func writeDue(std streams, due []audience.Transition, keys map[string]bool, asJSON bool) error {
	some := []audience.Transition{}
	for _, tr := range due {
		if len(keys) == 0 || keys[tr.Audience] {
			some = append(some, tr)
		}
	}
	if asJSON {
		return writeJSON(std.out, some)
	}
	for _, tr := range some {
		if _, err := fmt.Fprintln(std.out, printable(tr.String())); err != nil {
			return err
		}
	}
	return nil
}
