package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/muster-go/muster/csvexport"
)

// csvFormats are those of -as.
var csvFormats = map[string]csvexport.Format{
	"unformatted": csvexport.Unformatted,
	"columns":     csvexport.IndexedColumns,
	"rows":        csvexport.AdditionalRows,
	"single":      csvexport.SingleColumn,
}

// platforms are those of -platform.
var platforms = map[string]csvexport.Platform{
	"":         csvexport.AsStored,
	"any":      csvexport.Normalized,
	"google":   csvexport.GoogleCustomerMatch,
	"meta":     csvexport.MetaCustomAudience,
	"tiktok":   csvexport.TikTokCustomAudience,
	"linkedin": csvexport.LinkedInMatchedAudience,
}

func exportCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:        "export",
		Usage:       "write the members of an audience, or the values of a trait, at the end of a log, as CSV",
		ArgsUsage:   "KEY",
		Description: "Package csvexport says what the files have.",
		Flags: append(playFlags(),
			&cli.StringFlag{Name: "o", Usage: "the `FILE` that is written; without it the standard output"},
			&cli.StringFlag{Name: "as", Value: "unformatted", Usage: "the `FORM`: " + names(csvFormats)},
			&cli.StringFlag{Name: "id-type", Usage: "of -as single: the `TYPE` of id, such as email"},
			&cli.StringFlag{Name: "platform", Usage: "of -as single: whose `NORMAL` form ids have before they are hashed: " + names(platforms)},
			&cli.StringFlag{Name: "calling-code", Usage: "of -as single: the country's `CODE` of phones that are written without one: 49"},
			&cli.BoolFlag{Name: "raw", Usage: "of -as single: write ids as they are, not their SHA-256"},
			&cli.BoolFlag{Name: "per-user", Usage: "of an audience of accounts: the users"},
			&cli.BoolFlag{Name: "no-header", Usage: "write no header"},
			&cli.BoolFlag{Name: "gzip", Usage: "compress the file"},
		),
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := arguments(c, 1, 1)
			if err != nil {
				return err
			}
			x, err := exportOf(args[0], c)
			if err != nil {
				return misused(c, err)
			}
			p, err := played(ctx, std, c)
			if err != nil {
				return err
			}
			return export(ctx, std, p, x, c.String("o"))
		},
	}
}

// exportOf returns what the flags ask for.
func exportOf(key string, c *cli.Command) (csvexport.Export, error) {
	format, ok := csvFormats[c.String("as")]
	if !ok {
		return csvexport.Export{}, fmt.Errorf("-as: no form %q, want one of %s", c.String("as"), names(csvFormats))
	}
	platform, ok := platforms[c.String("platform")]
	if !ok {
		return csvexport.Export{}, fmt.Errorf("-platform: no platform %q, want one of %s", c.String("platform"), names(platforms))
	}
	if format == csvexport.SingleColumn && c.String("id-type") == "" {
		return csvexport.Export{}, errors.New("-as single wants -id-type")
	}
	x := csvexport.Export{
		Key: key, Format: format, PerUser: c.Bool("per-user"),
		IDType: c.String("id-type"), Platform: platform, CallingCode: c.String("calling-code"),
		NoHeader: c.Bool("no-header"), Gzip: c.Bool("gzip"),
	}
	if c.Bool("raw") {
		x.Raw = csvexport.PermitRaw()
	}
	return x, nil
}

// export writes a file of the members at the end of the log.
func export(ctx context.Context, std streams, p *player, x csvexport.Export, path string) error {
	snapshot, err := p.engine.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snapshot.Close()
	if path == "" {
		_, err = x.Write(ctx, std.out, snapshot)
		return err
	}
	progress := newBar(std, "writing "+path)
	x.Progress = func(now csvexport.Progress) {
		progress.at(float64(now.Profiles)/float64(max(1, now.Total)), true, fmt.Sprintf("%s, %d bytes", now.Stage, now.Bytes))
	}
	result, err := x.WriteFile(ctx, path, snapshot)
	progress.clear()
	if err != nil {
		return err
	}
	skipped := ""
	if result.Skipped > 0 {
		skipped = fmt.Sprintf(", %d values without a normal form", result.Skipped)
	}
	_, err = fmt.Fprintf(std.err, "%s: %s, %d bytes, %s%s, CRC-32C %08x\n",
		path, plural(result.Rows, "row"), result.Bytes, x.Format, skipped, result.CRC32C)
	return err
}

// names lists the names that a flag may have.
func names[V any](of map[string]V) string {
	all := slices.Sorted(maps.Keys(of))
	return strings.Join(slices.DeleteFunc(all, func(name string) bool { return name == "" }), ", ")
}
