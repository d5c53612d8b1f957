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
			"exits are lines of JSON on the standard output, and are posted to a webhook if\n" +
			"-webhook-url names one. Everything is in a folder, and outlasts\n" +
			"the command, however that ends: the next one goes on with it, and writes again at most\n" +
			"the lines that were written last. With -data memory nothing is kept.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "definitions", Usage: "a `FILE` of computed traits and audiences", Required: true},
			&cli.StringFlag{Name: "data", Value: "muster-data", Usage: "the `FOLDER` that everything is kept in, which is made if there is none; or \"memory\""},
			&cli.StringFlag{Name: "addr", Value: "127.0.0.1:8080", Usage: "the `ADDRESS` to listen on; port 0 is any that is free"},
			&cli.StringFlag{Name: "write-key", Usage: "the `KEY` of those who may send messages; without one, a random one", Sources: cli.EnvVars("MUSTER_WRITE_KEY")},
			&cli.StringFlag{Name: "token", Usage: "the `TOKEN` of those who may read and define; without one, a random one", Sources: cli.EnvVars("MUSTER_TOKEN")},
			&cli.StringSliceFlag{Name: "origins", Usage: "the `ORIGINS` of the web pages that may send messages, with commas between: https://shop.example"},
			&cli.StringFlag{Name: "retention", Usage: "how `LONG` events are kept: 90d; without it for ever"},
			&cli.BoolFlag{Name: "traits", Usage: "write the changes of computed traits, too"},
			&cli.StringFlag{Name: "webhook-url", Usage: "the `URL` that entries and exits are posted to; a start without one forgets what waits for it"},
			&cli.StringFlag{Name: "webhook-secret", Usage: "the `KEY` that these are signed with: whsec_ and the base64 of 24 bytes or more", Sources: cli.EnvVars("MUSTER_WEBHOOK_SECRET")},
			&cli.DurationFlag{Name: "grace", Value: 10 * time.Second, Usage: "`TIME` for the requests under way at the end, and for what waits to be told"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if _, err := arguments(c, 0, 0); err != nil {
				return err
			}
			return serve(ctx, std, c)
		},
	}
}

// inMemory is what -data is for nothing to be kept.
const inMemory = "memory"

// welcome is written when the service answers, with the address, the write key and the token.
const welcome = `Listening on http://%[1]s. To try it:
  curl -u %[2]s: --json '{"userId":"ann","event":"Order Completed","properties":{"total":60}}' %[1]s/v1/track
  curl -u %[3]s: %[1]s/v1/collections/users/profiles/user_id:ann/traits
  curl -u %[3]s: %[1]s/v1/definitions
  curl -u %[3]s: %[1]s/v1/progress
`

func serve(ctx context.Context, std streams, c *cli.Command) error {
	opts := service.Options{
		Addr:          c.String("addr"),
		Clock:         audience.WallClock{},
		Log:           slog.New(slog.NewTextHandler(std.err, nil)),
		WriteKey:      cmp.Or(c.String("write-key"), rand.Text()),
		Token:         cmp.Or(c.String("token"), rand.Text()),
		Origins:       c.StringSlice("origins"),
		Grace:         c.Duration("grace"),
		Traits:        c.Bool("traits"),
		WebhookURL:    c.String("webhook-url"),
		WebhookSecret: c.String("webhook-secret"),
	}
	opts.Ready = func(at net.Addr) { fmt.Fprintf(std.err, welcome, at, opts.WriteKey, opts.Token) }
	var err error
	if opts.Data, err = dataOf(c); err != nil {
		return err
	}
	if opts.Retention, err = retentionOf(c); err != nil {
		return err
	}
	d, err := readDefinitions(c.String("definitions"), std.in)
	if err != nil {
		return err
	}
	opts.Definitions = d.file
	err = service.Run(ctx, opts, std.out)
	if of := (*audience.DefinitionError)(nil); errors.As(err, &of) {
		return d.at(err)
	}
	return err
}

// dataOf returns the folder of -data; empty if nothing is to be kept.
func dataOf(c *cli.Command) (folder string, err error) {
	switch folder = c.String("data"); folder {
	case "":
		return "", misused(c, errors.New(`-data: no folder is named; "memory" keeps nothing`))
	case inMemory:
		return "", nil
	}
	return folder, nil
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
