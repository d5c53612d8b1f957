// Command audtest runs scripts that test definitions of audiences, without a line
// of Go:
//
//	go run ./examples/audtest FILE...
//
// A FILE that ends in .json has definitions, in the form of audience.ParseFile:
// every script has them from its first day on. All other FILEs are scripts: see
// package audiencetest. Try it on the definitions of a small shop:
//
//	go run ./examples/audtest examples/audtest/shop/*
//
// Each expectation that is not met is printed with its place, the difference and
// the reason. The command muster does the same by its test, and more: it rewrites what
// scripts expect, says what they leave untested, and reports to build servers.
//
// The exit status is 0 if all is as expected, 1 if something is not, and 2 if a
// file cannot be used.
package main

import (
	"context"
	"errors"
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

// run is the whole program. It returns the exit status.
func run(ctx context.Context, paths []string, stdout, stderr io.Writer) int {
	scripts, definitions, err := load(paths)
	if err == nil && len(scripts) == 0 {
		err = errors.New("want at least one script")
	}
	checks, failures := 0, 0
	for _, s := range scripts {
		if err != nil {
			break
		}
		r := s.Run(ctx, audiencetest.Options{Definitions: definitions})
		if err = ctx.Err(); err != nil {
			break // half a run says nothing
		}
		for _, f := range r.Failures {
			fmt.Fprintf(stdout, "%s\n\n", f)
		}
		checks, failures = checks+len(r.Checks), failures+len(r.Failures)
	}
	if err != nil {
		fmt.Fprintln(stderr, "audtest:", err)
		return unusable
	}
	fmt.Fprintf(stdout, "scripts: %d, expectations: %d, failures: %d\n", len(scripts), checks, failures)
	if failures > 0 {
		return failed
	}
	return passed
}

// load reads all files before the first script is run.
func load(paths []string) (scripts []*audiencetest.Script, definitions []audience.File, err error) {
	var errs []error
	for _, path := range paths {
		if filepath.Ext(path) == ".json" {
			f, err := audiencetest.ReadDefinitions(path)
			definitions, errs = append(definitions, f), append(errs, err)
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s, err := audiencetest.Parse(path, string(text))
		scripts, errs = append(scripts, s), append(errs, err)
	}
	return scripts, definitions, errors.Join(errs...)
}
