package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/muster-go/muster/internal/near"
)

// newCommand returns the program's commands.
func newCommand(std streams) *cli.Command {
	root := &cli.Command{
		Name:                  "muster",
		Usage:                 "work with definitions of audiences, and logs of messages",
		EnableShellCompletion: true,
		Suggest:               true,
		Reader:                std.in,
		Writer:                std.out,
		ErrWriter:             std.err,
		ExitErrHandler:        func(context.Context, *cli.Command, error) {}, // run does that
		ConfigureShellCompletionCommand: func(c *cli.Command) {
			c.Hidden = false
			c.Usage = "write a script that completes commands in a shell"
			c.ArgsUsage = "bash|zsh|fish|pwsh"
		},
		ShellComplete: func(_ context.Context, c *cli.Command) {
			for _, of := range c.VisibleCommands() {
				fmt.Fprintf(std.out, "%s:%s\n", of.Name, of.Usage)
			}
		},
		Action: noCommand,
		Commands: []*cli.Command{
			replayCommand(std),
			testCommand(std),
			checkCommand(std),
			catalogCommand(std),
			explainCommand(std),
			previewCommand(std),
			backtestCommand(std),
			dueCommand(std),
			planCommand(std),
			exportCommand(std),
			dumpCommand(std),
			loadCommand(std),
			fmtCommand(std),
			schemaCommand(std),
			serveCommand(std),
		},
	}
	for _, c := range append(root.Commands, root) {
		c.OnUsageError = usageError
	}
	return root
}

// noCommand is called where no command is named, or none that there is.
func noCommand(_ context.Context, c *cli.Command) error {
	if !c.Args().Present() {
		return cli.ShowRootCommandHelp(c)
	}
	name := c.Args().First()
	err := fmt.Errorf("no command %q; muster help lists them", name)
	names := func(yield func(string) bool) {
		for _, c := range c.Commands {
			if !yield(c.Name) {
				return
			}
		}
	}
	if meant, ok := near.Name(name, names); ok {
		err = fmt.Errorf("no command %q, did you mean %q?", name, meant)
	}
	return err
}

// usageError is what the library calls with the error of a flag: where there is no such command
// its flags are unknown, too.
func usageError(ctx context.Context, c *cli.Command, err error, _ bool) error {
	if c == c.Root() && c.Args().Present() {
		return noCommand(ctx, c)
	}
	return misused(c, err)
}

// misused says where to read how a command is used.
func misused(c *cli.Command, err error) error {
	if c == c.Root() {
		return fmt.Errorf("%w; muster help tells how it is used", err)
	}
	return fmt.Errorf("%w; muster help %s tells how it is used", err, c.Name)
}

// arguments returns the arguments of a command, of which there are at least some and at
// most so many; most < 0 is any number.
func arguments(c *cli.Command, least, most int) ([]string, error) {
	args := c.Args().Slice()
	var err error
	switch {
	case len(args) < least:
		err = errors.New("want " + c.ArgsUsage)
	case most >= 0 && len(args) > most:
		err = fmt.Errorf("unexpected argument %q", args[most])
	}
	if err != nil {
		return nil, misused(c, err)
	}
	return args, nil
}

// jsonFlag is that of commands whose results can be had as JSON.
func jsonFlag() *cli.BoolFlag { return &cli.BoolFlag{Name: "json", Usage: "write JSON"} }
