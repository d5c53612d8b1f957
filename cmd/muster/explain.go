package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

func explainCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "say why somebody is in an audience, or is not, at the end of a log",
		ArgsUsage: "KEY ID",
		Description: "KEY is that of an audience, ID that of a user or, where the audience is one of\n" +
			"accounts, of an account.",
		Flags: append(playFlags(),
			&cli.BoolFlag{Name: "user", Usage: "ID is a user's, though the audience is one of accounts"},
			jsonFlag()),
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := arguments(c, 2, 2)
			if err != nil {
				return err
			}
			p, d, err := playedFor(ctx, std, c, args[0])
			if err != nil {
				return err
			}
			ref := profile.Ref{Subject: d.Of, ID: args[1]}
			if c.Bool("user") {
				ref.Subject = profile.User
			}
			_, exists, err := p.store.Resolve(ctx, ref)
			if err != nil {
				return err
			}
			if !exists {
				return fmt.Errorf("%s: %w: %s %q", p.events, profile.ErrNotFound, ref.Subject, ref.ID)
			}
			x, err := p.engine.Explain(ctx, d.Key, ref)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return writeJSON(std.out, x)
			}
			_, err = fmt.Fprint(std.out, x)
			return err
		},
	}
}

// playedFor returns a player that has run its log, and the definition of an audience.
func playedFor(ctx context.Context, std streams, c *cli.Command, key string) (*player, audience.Definition, error) {
	p, err := played(ctx, std, c)
	if err != nil {
		return nil, audience.Definition{}, err
	}
	d, err := p.engine.Definition(key)
	if err != nil {
		err = fmt.Errorf("%s: %w", p.defined.path, err)
	}
	return p, d, err
}

func previewCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:      "preview",
		Usage:     "say how large an audience is at the end of a log, and show some of its members",
		ArgsUsage: "KEY",
		Flags: append(playFlags(),
			&cli.IntFlag{Name: "sample", Value: 3, Usage: "show so `MANY` members, and why they are"},
			&cli.IntFlag{Name: "profiles", Usage: "look at so `MANY` profiles, chosen at random, and estimate; 0 is all"},
			&cli.Uint64Flag{Name: "seed", Usage: "a `NUMBER` that chooses them"},
			jsonFlag()),
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := arguments(c, 1, 1)
			if err != nil {
				return err
			}
			if c.Int("sample") < 0 || c.Int("profiles") < 0 {
				return misused(c, fmt.Errorf("-sample and -profiles are 0 or more"))
			}
			p, d, err := playedFor(ctx, std, c, args[0])
			if err != nil {
				return err
			}
			opts := audience.PreviewOptions{Profiles: c.Int("profiles"), Sample: c.Int("sample"), Seed: c.Uint64("seed")}
			if opts.Sample == 0 {
				opts.Sample = -1 // none
			}
			found, err := p.engine.Preview(ctx, d, opts)
			if err != nil {
				return err
			}
			return writePreview(std, d, found, c.Bool("json"))
		},
	}
}

func writePreview(std streams, d audience.Definition, found audience.Preview, asJSON bool) error {
	if asJSON {
		return writeJSON(std.out, map[string]any{
			"audience": d.Key, "at": found.At, "profiles": found.Total, "looked": found.Looked,
			"size": found.Size, "low": found.Low, "high": found.High, "sample": found.Sample,
		})
	}
	size := fmt.Sprintf("%s: %d of %s", d.Key, found.Size, plural(found.Total, d.Of.String()))
	if !found.Exact() {
		size = fmt.Sprintf("%s: about %d of %s (95 %%: %d to %d)", d.Key, found.Size, plural(found.Total, d.Of.String()), found.Low, found.High)
	}
	if _, err := fmt.Fprintln(std.out, size); err != nil {
		return err
	}
	for _, x := range found.Sample {
		if _, err := fmt.Fprintf(std.out, "\n%s", x); err != nil {
			return err
		}
	}
	return nil
}
