// Command audtest runs scripts that test definitions of audiences, without a line
// of Go:
//
//	go run ./examples/audtest [-v] [-update] [-coverage] FILE...
//
// A FILE that ends in .json has definitions, in the form of audience.ParseFile:
// every script has them from its first day on. All other FILEs are scripts: see
// package audiencetest. Try it on the definitions of a small shop:
//
//	go run ./examples/audtest -v -coverage examples/audtest/shop/*
//
// Each expectation that is not met is printed with its place, the difference and
// the reason. -v names what is run. -coverage also wants of the scripts that they
// make each condition of the definitions both true and false. -update rewrites
// what the scripts expect as it is found: look at the difference before you
// believe it. The command muster does the same, and writes the results for a build
// server: see cmd/muster.
//
// The exit status is 0 if all is as expected, 1 if something is not, and 2 if a
// file cannot be used.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/audience/audiencetest"
)

// The exit statuses.
const (
	passed = iota
	failed
	unusable
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt does not wait for anything
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the flags, and the files by what they are.
type options struct {
	verbose, update, coverage bool
	definitions, scripts      []string
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("audtest", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&o.verbose, "v", false, "name the scripts that pass, and their expectations")
	flags.BoolVar(&o.update, "update", false, "rewrite what the scripts expect as it is found")
	flags.BoolVar(&o.coverage, "coverage", false, "want each condition to be both true and false in some script")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for _, path := range flags.Args() {
		if filepath.Ext(path) == ".json" {
			o.definitions = append(o.definitions, path)
		} else {
			o.scripts = append(o.scripts, path)
		}
	}
	if len(o.scripts) == 0 {
		err := errors.New("want at least one script")
		fmt.Fprintln(stderr, "audtest:", err)
		flags.Usage()
		return o, err
	}
	return o, nil
}

// run is the whole program. It returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return passed
	}
	if err != nil {
		return unusable
	}
	s := &session{options: opts, out: stdout}
	if err := s.load(); err != nil {
		fmt.Fprintln(stderr, "audtest:", err)
		return unusable
	}
	if err := s.run(ctx); err != nil {
		fmt.Fprintln(stderr, "audtest:", err)
		return unusable
	}
	if s.failures > 0 {
		return failed
	}
	return passed
}

// load reads all files before the first script is run.
func (s *session) load() error {
	var errs []error
	for _, path := range s.options.definitions {
		f, err := audiencetest.ReadDefinitions(path)
		errs = append(errs, err)
		s.definitions = append(s.definitions, f)
	}
	for _, path := range s.options.scripts {
		text, err := os.ReadFile(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		script, err := audiencetest.Parse(path, string(text))
		errs = append(errs, err)
		s.scripts = append(s.scripts, loaded{path, string(text), script})
	}
	return errors.Join(errs...)
}

// loaded is a script with its text.
type loaded struct {
	path, text string
	script     *audiencetest.Script
}

// session is one run of the program.
type session struct {
	options     options
	out         io.Writer
	definitions []audience.File
	scripts     []loaded
	coverage    *audiencetest.Coverage // nil unless it is asked for
	checks      int
	failures    int
}
