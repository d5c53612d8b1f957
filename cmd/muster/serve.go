package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/cmd/muster/internal/service"
	"github.com/muster-go/muster/profile"
)

func serveCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:      "serve",
		Usage:     "take messages over HTTP, and write entries and exits as they happen",
		UsageText: "muster serve -definitions FILE [options]",
		Description: "Messages come in as Segment's and RudderStack's libraries send them; profiles are read\n" +
			"by the profile API; PUT /v1/definitions changes what is live, as Engine.Sync does, and\n" +
			"GET /v1/explain?audience=KEY&user=ID says why somebody is in an audience. Entries and\n" +
			"exits are lines of JSON on the standard output. Everything is in memory, and ends with\n" +
			"the command, unless -store names a folder: the next command goes on with what is in it.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "definitions", Usage: "a `FILE` of computed traits and audiences", Required: true},
			&cli.StringFlag{Name: "store", Usage: "the `FOLDER` of a store on the disk; it is made if there is none"},
			&cli.StringFlag{Name: "addr", Value: "127.0.0.1:8080", Usage: "the `ADDRESS` to listen on; port 0 is any that is free"},
			&cli.StringFlag{Name: "write-key", Usage: "the `KEY` of those who may send messages; without one, a random one", Sources: cli.EnvVars("MUSTER_WRITE_KEY")},
			&cli.StringFlag{Name: "token", Usage: "the `TOKEN` of those who may read and define; without one, a random one", Sources: cli.EnvVars("MUSTER_TOKEN")},
			&cli.StringSliceFlag{Name: "origins", Usage: "the `ORIGINS` of the web pages that may send messages, with commas between: https://shop.example"},
			&cli.StringFlag{Name: "retention", Usage: "how `LONG` events are kept: 90d; without it for ever"},
			&cli.BoolFlag{Name: "traits", Usage: "write the changes of computed traits, too"},
			&cli.DurationFlag{Name: "grace", Value: 10 * time.Second, Usage: "`TIME` for the requests under way at the end"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if _, err := arguments(c, 0, 0); err != nil {
				return err
			}
			return serve(ctx, std, c)
		},
	}
}

// welcome is written at the start, with the address, the write key and the token.
const welcome = `Listening on http://%[1]s. To try it:
  curl -u %[2]s: --json '{"userId":"ann","event":"Order Completed","properties":{"total":60}}' %[1]s/v1/track
  curl -u %[3]s: %[1]s/v1/collections/users/profiles/user_id:ann/traits
  curl -u %[3]s: %[1]s/v1/definitions
`

func serve(ctx context.Context, std streams, c *cli.Command) error {
	opts := service.Options{
		Clock:    audience.WallClock{},
		Log:      slog.New(slog.NewTextHandler(std.err, nil)),
		WriteKey: cmp.Or(c.String("write-key"), rand.Text()),
		Token:    cmp.Or(c.String("token"), rand.Text()),
		Origins:  c.StringSlice("origins"),
		Grace:    c.Duration("grace"),
		Traits:   c.Bool("traits"),
		Store:    c.String("store"),
	}
	var err error
	if opts.Retention, err = retentionOf(c); err != nil {
		return err
	}
	d, err := readDefinitions(c.String("definitions"), std.in)
	if err != nil {
		return err
	}
	opts.Definitions = d.file
	if opts.Listener, err = net.Listen("tcp", c.String("addr")); err != nil {
		return misused(c, fmt.Errorf("-addr: %w", err))
	}
	fmt.Fprintf(std.err, welcome, opts.Listener.Addr(), opts.WriteKey, opts.Token)
	err = service.Run(ctx, opts, std.out)
	if of := (*audience.DefinitionError)(nil); errors.As(err, &of) {
		return d.at(err)
	}
	return err
}

// retentionOf returns what -retention says; 0 if it is not there.
func retentionOf(c *cli.Command) (time.Duration, error) {
	text := c.String("retention")
	if text == "" {
		return 0, nil
	}
	d, err := profile.ParseDuration(text)
	if err == nil && d <= 0 {
		err = fmt.Errorf("%w: duration %q is not above 0", profile.ErrInvalid, text)
	}
	if err != nil {
		return 0, misused(c, fmt.Errorf("-retention: %w", err))
	}
	return d, nil
}
