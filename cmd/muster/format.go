package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/cmd/muster/internal/eventlog"
)

func fmtCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:        "fmt",
		Usage:       "write definitions files in their one form",
		ArgsUsage:   "FILE...",
		Description: "The form is that of audience.FormatFile: what says the default is left out.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "w", Usage: "write the files, instead of to the standard output"},
			&cli.BoolFlag{Name: "check", Usage: "name the files that are in another form, and exit with status 1 if there are any"},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := arguments(c, 1, -1)
			if err != nil {
				return err
			}
			if c.Bool("w") && c.Bool("check") {
				return misused(c, errors.New("-w and -check exclude each other"))
			}
			var files []formatted
			for _, path := range args { // all are read before one is written
				if path == eventlog.Stdin && c.Bool("w") {
					return misused(c, errors.New("-w does not write to the standard input"))
				}
				f, err := formatDefinitions(std, path)
				if err != nil {
					return err
				}
				files = append(files, f)
			}
			return writeFormatted(std, files, c.Bool("w"), c.Bool("check"))
		},
	}
}

// formatted is a definitions file in its form.
type formatted struct {
	path   string
	text   []byte
	differ bool // from what is in the file
}

func formatDefinitions(std streams, path string) (formatted, error) {
	d, err := parseDefinitions(path, std.in)
	if err != nil {
		return formatted{}, err
	}
	text, err := audience.FormatFile(d.file)
	if err != nil {
		return formatted{}, fmt.Errorf("%s: %w", path, err)
	}
	return formatted{path, text, !bytes.Equal(text, d.text)}, nil
}

func writeFormatted(std streams, files []formatted, write, check bool) error {
	found := false
	for _, f := range files {
		var err error
		switch {
		case check && f.differ:
			found = true
			_, err = fmt.Fprintln(std.out, f.path)
		case write && f.differ:
			err = os.WriteFile(f.path, f.text, 0o644)
		case !check && !write:
			_, err = std.out.Write(f.text)
		}
		if err != nil {
			return err
		}
	}
	if found {
		return errFound
	}
	return nil
}
