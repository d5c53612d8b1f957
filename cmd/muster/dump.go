package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
)

func storeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "data", Usage: "the `FOLDER` of the store", Required: true},
		&cli.StringFlag{Name: "retention", Usage: "how `LONG` the store keeps events: 90d; without it for ever"},
	}
}

func dumpCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:      "dump",
		Usage:     "write all that a store holds, as one file",
		UsageText: "muster dump -data FOLDER [-o FILE]",
		Description: "The file has everything an engine needs to go on exactly, in a form that is the same for\n" +
			"every kind of store: profile.Export. Two stores are in the same state if the digests are\n" +
			"equal, which go to the standard error; with -digest only that is written, to the standard\n" +
			"output. The store must not be open elsewhere; a program that has it open calls profile.Export.",
		Flags: append(storeFlags(),
			&cli.StringFlag{Name: "o", Usage: "the `FILE` that is written; without it the standard output"},
			&cli.BoolFlag{Name: "digest", Usage: "write the digest alone"},
		),
		Action: func(ctx context.Context, c *cli.Command) error {
			if _, err := arguments(c, 0, 0); err != nil {
				return err
			}
			if _, err := os.Stat(c.String("data")); err != nil {
				return misused(c, fmt.Errorf("-data: %w", err)) // opening it would make one
			}
			return withStore(c, std, func(s *pebblestore.Store) error {
				if c.Bool("digest") {
					x, err := profile.Export(ctx, s, io.Discard)
					if err == nil {
						_, err = fmt.Fprintf(std.out, "%x\n", x.Digest)
					}
					return err
				}
				x, err := dumpTo(ctx, s, c.String("o"), std)
				if err != nil {
					return err
				}
				return tellExported(std, x)
			})
		},
	}
}

// dumpTo writes an export to a file that is there once it is whole.
func dumpTo(ctx context.Context, s profile.Store, path string, std streams) (x profile.Exported, err error) {
	if path == "" {
		return profile.Export(ctx, s, std.out)
	}
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return x, err
	}
	x, err = profile.Export(ctx, s, f)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return x, errors.Join(err, os.Remove(part))
	}
	return x, nil
}

func loadCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:      "load",
		Usage:     "make a store of a file that dump has written",
		ArgsUsage: "FILE",
		UsageText: "muster load -data FOLDER FILE",
		Description: "The folder has no store yet, or an empty one. A file that is damaged, not whole, or of a\n" +
			"later version leaves it empty. \"-\" is the standard input.",
		Flags: storeFlags(),
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := arguments(c, 1, 1)
			if err != nil {
				return err
			}
			in := std.in
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return misused(c, err)
				}
				defer f.Close()
				in = f
			}
			return withStore(c, std, func(s *pebblestore.Store) error {
				x, err := profile.Import(ctx, s, in)
				if err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
				return tellExported(std, x)
			})
		},
	}
}

// withStore opens the store that flags name, and closes it.
func withStore(c *cli.Command, std streams, do func(*pebblestore.Store) error) error {
	retention, err := retentionOf(c)
	if err != nil {
		return err
	}
	s, err := pebblestore.Open(c.String("data"), pebblestore.Options{
		Retention:     retention,
		SweepInterval: -time.Second, // nothing is dropped but what the export leaves out
		Logger:        slog.New(slog.NewTextHandler(std.err, nil)),
	})
	if err != nil {
		return fmt.Errorf("-data: %w", err)
	}
	err = do(s)
	if closed := s.Close(); err == nil {
		err = closed
	}
	return err
}

func tellExported(std streams, x profile.Exported) error {
	_, err := fmt.Fprintf(std.err, "%s, %s, %s, %s, digest %x\n",
		plural(x.Users, "user"), plural(x.Accounts, "account"), plural(x.Messages, "message"), plural(x.Keys, "key"), x.Digest)
	return err
}
