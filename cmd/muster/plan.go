package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/cmd/muster/internal/eventlog"
)

func planCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "say what Engine.Sync does where OLD is live and NEW comes",
		ArgsUsage: "OLD NEW",
		Description: "Each step is written in the order in which it is done, with its differences. With\n" +
			"-events it is also said how many would enter and exit at the end of that log.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "events", Usage: "a `FILE` of messages, one a line"},
			&cli.StringFlag{Name: "until", Usage: "go on to this `TIME` (RFC 3339, or a date) when the messages end before it"},
			&cli.BoolFlag{Name: "delete", Usage: "what is not in NEW is deleted, not kept"},
			&cli.BoolFlag{Name: "check", Usage: "exit with status 1 if there is something to do"},
			jsonFlag(),
		}, logFlags()...),
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := arguments(c, 2, 2)
			if err != nil {
				return err
			}
			if args[0] == args[1] && args[0] == eventlog.Stdin {
				return misused(c, errors.New("OLD and NEW cannot both be the standard input"))
			}
			to, err := readDefinitions(args[1], std.in)
			if err != nil {
				return err
			}
			opts, err := playOptionsOf(c, args[0])
			if err != nil {
				return err
			}
			plan, err := planOf(ctx, std, opts, to, c.Bool("delete"))
			if err != nil {
				return err
			}
			if c.Bool("json") {
				err = writeJSON(std.out, plan)
			} else {
				_, err = fmt.Fprintln(std.out, printable(plan.String()))
			}
			if err == nil && c.Bool("check") && !plan.Empty() {
				err = errFound
			}
			return err
		},
	}
}

// planOf plans the way from the definitions of a player to others.
func planOf(ctx context.Context, std streams, opts playOptions, to definitionsFile, gone bool) (audience.Plan, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p, err := newPlayer(ctx, std, opts, cancel)
	if err == nil {
		err = p.define(ctx)
	}
	if err != nil {
		return audience.Plan{}, err
	}
	if p.events != "" {
		if err := p.play(ctx); err != nil {
			return audience.Plan{}, err
		}
	}
	plan, err := p.engine.Plan(ctx, to.file, audience.SyncOptions{Delete: gone, Count: p.events != ""})
	return plan, to.at(err)
}
