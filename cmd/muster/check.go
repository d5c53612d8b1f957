package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/cmd/muster/internal/eventlog"
	"github.com/muster-go/muster/cmd/muster/internal/lint"
	"github.com/muster-go/muster/profile"
)

func checkCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "find likely mistakes in definitions",
		ArgsUsage: "FILE...",
		Description: "Each FILE is compiled and looked at by itself. The rules are\n" +
			"   unknown-event     no event of the sample, or catalog, has the name\n" +
			"   unknown-property  no event of that name in the sample has the property\n" +
			"   unknown-trait     no message of the sample sets the trait, and none is computed\n" +
			"   always-true       a condition or a filter cannot be false\n" +
			"   never-true        a condition or a filter cannot be true\n" +
			"   negated-missing   a negation in CEL leaves out who lacks the trait\n" +
			"   retention         a window is longer than -retention\n" +
			"   bounded-funnel    not every choice of a funnel's events is searched",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "events", Usage: "a `FILE` of messages, one a line: the sample whose names are known"},
			&cli.StringFlag{Name: "catalog", Usage: "a `FILE` that muster catalog wrote, instead of a sample"},
			&cli.StringFlag{Name: "retention", Usage: "how `LONG` the store keeps events: 90d"},
			&cli.StringSliceFlag{Name: "disable", Usage: "leave out the findings of a `RULE`, or several with commas between"},
			jsonFlag(),
		}, logFlags()...),
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := arguments(c, 1, -1)
			if err != nil {
				return err
			}
			opts, err := lintOptions(ctx, std, c)
			if err != nil {
				return err
			}
			found := []located{}
			for _, path := range args {
				of, err := checkFile(std, path, opts, c.StringSlice("disable"))
				if err != nil {
					return err
				}
				found = append(found, of...)
			}
			return tellFindings(std, found, len(args), c.Bool("json"))
		},
	}
}

// lintOptions returns what the flags say, and the names of the sample.
func lintOptions(ctx context.Context, std streams, c *cli.Command) (opts lint.Options, err error) {
	for _, rule := range c.StringSlice("disable") {
		if !slices.Contains(lint.Rules, rule) {
			return opts, misused(c, fmt.Errorf("-disable: no rule %q, want one of %s", rule, strings.Join(lint.Rules, ", ")))
		}
	}
	if opts.Retention, err = retentionOf(c); err != nil {
		return opts, err
	}
	events, catalog := c.String("events"), c.String("catalog")
	switch {
	case events != "" && catalog != "":
		return opts, misused(c, errors.New("-events and -catalog: one of them says which names there are"))
	case catalog != "":
		opts.Sample, err = readCatalog(catalog, std.in)
	case events != "":
		opts.Sample = lint.NewSample()
		_, err = eachMessage(ctx, std, c, func(m profile.Message) error {
			opts.Sample.Add(m)
			return nil
		})
	}
	return opts, err
}

// eachMessage calls do with each message of the log that the flags name, and returns how
// many there are: none is an error.
func eachMessage(ctx context.Context, std streams, c *cli.Command, do func(profile.Message) error) (n int, err error) {
	path := c.String("events")
	in, err := eventlog.Open(path, std.in)
	if err != nil {
		return 0, unopened(path, err)
	}
	defer in.Close()
	progress := newBar(std, "reading "+path)
	defer progress.clear()
	err = eachLine(in, path, c.String("format"), func(_ *eventlog.Log, records []eventlog.Record, err error) error {
		var bad *profile.LineError
		switch {
		case c.Bool("skip-bad") && errors.As(err, &bad):
			progress.clear()
			fmt.Fprintf(std.err, "skipped %s\n", printable(bad.Error()))
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		for _, r := range records {
			if r.Deleted != "" {
				continue
			}
			n++
			if err := do(r.Message); err != nil {
				return err
			}
		}
		part, ok := in.Done()
		progress.at(part, ok, fmt.Sprintf("%d messages", n))
		return nil
	})
	if err == nil && n == 0 {
		err = fmt.Errorf("%s: there is no message in it", path)
	}
	return n, err
}

// located is a finding and where it is.
type located struct {
	File   string `json:"file"`
	Line   int    `json:"line"`   // from 1
	Column int    `json:"column"` // in bytes, from 1
	lint.Finding
}

// checkFile returns the findings in a file.
func checkFile(std streams, path string, opts lint.Options, disabled []string) ([]located, error) {
	d, err := readDefinitions(path, std.in)
	if err != nil {
		return nil, err
	}
	findings, err := lint.Check(d.file, opts)
	if err != nil {
		return nil, d.at(err)
	}
	var found []located
	for _, f := range findings {
		if slices.Contains(disabled, f.Rule) {
			continue
		}
		at := located{File: path, Line: 1, Column: 1, Finding: f}
		var place *audience.FileError
		if errors.As(audience.Locate(d.text, f.At()), &place) {
			at.Line, at.Column = place.Line, place.Column
		}
		found = append(found, at)
	}
	return found, nil
}

// tellFindings writes what was found, in the form of compilers.
func tellFindings(std streams, found []located, files int, asJSON bool) error {
	if asJSON {
		if err := writeJSON(std.out, map[string]any{"findings": found}); err != nil {
			return err
		}
	} else {
		for _, f := range found {
			if _, err := fmt.Fprintf(std.out, "%s:%d:%d: %s\n", f.File, f.Line, f.Column, printable(f.String())); err != nil {
				return err
			}
		}
		fmt.Fprintf(std.err, "%s, %s\n", plural(files, "file"), plural(len(found), "finding"))
	}
	if len(found) > 0 {
		return errFound
	}
	return nil
}
