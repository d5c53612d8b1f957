package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v3"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/audience/audiencetest"
)

func testCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:      "test",
		Usage:     "run unit tests of definitions",
		ArgsUsage: "[FILE.json...] SCRIPT...",
		Description: "A FILE that ends in .json has definitions, which every script has from its first day on.\n" +
			"All other FILEs are scripts: package audience/audiencetest says what they may have.\n" +
			"Each expectation that is not met is written with its place, the difference and the reason.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "v", Usage: "name the scripts that pass, and their expectations"},
			&cli.BoolFlag{Name: "update", Usage: "rewrite what the scripts expect as it is found: look at the difference before you believe it"},
			&cli.BoolFlag{Name: "coverage", Usage: "want each condition to be both true and false in some script"},
			&cli.StringFlag{Name: "junit", Usage: "write the results to a `FILE`, as JUnit XML"},
			jsonFlag(),
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := arguments(c, 1, -1)
			if err != nil {
				return err
			}
			s := &session{
				verbose: c.Bool("v"), update: c.Bool("update"), coverage: c.Bool("coverage"), json: c.Bool("json"),
				junit: c.String("junit"), out: std.out,
			}
			if err := s.load(args); err != nil {
				return err
			}
			if len(s.scripts) == 0 {
				return misused(c, errors.New("want at least one script"))
			}
			return s.run(ctx)
		},
	}
}

// session is one run of the command test.
type session struct {
	verbose, update, coverage, json bool
	junit                           string // a path; empty: none
	out                             io.Writer

	definitions []audience.File
	scripts     []loaded
	covered     *audiencetest.Coverage // nil unless it is asked for
	suites      []suite                // for -junit
	report      testReport             // for -json
}

// loaded is a script with its text.
type loaded struct {
	path, text string
	script     *audiencetest.Script
}

// testReport is what -json writes.
type testReport struct {
	Scripts      []scriptReport `json:"scripts"`
	Untested     []string       `json:"untested,omitempty"` // with -coverage
	Expectations int            `json:"expectations"`
	Failures     int            `json:"failures"` // what is untested is one
}

type scriptReport struct {
	File         string          `json:"file"`
	Updated      bool            `json:"updated,omitempty"`
	Expectations int             `json:"expectations"`
	Failures     []failureReport `json:"failures"`
}

type failureReport struct {
	Line    int    `json:"line"`
	Command string `json:"command,omitempty"`
	Message string `json:"message"`
}

// load reads all files before the first script is run.
func (s *session) load(paths []string) error {
	var errs []error
	for _, path := range paths {
		if filepath.Ext(path) == ".json" {
			d, err := parseDefinitions(path, nil)
			errs = append(errs, err)
			s.definitions = append(s.definitions, d.file)
			continue
		}
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

// run runs all scripts and tells what came of them.
func (s *session) run(ctx context.Context) error {
	if s.coverage {
		s.covered = audiencetest.NewCoverage()
	}
	for _, l := range s.scripts {
		if err := s.play(ctx, l); err != nil {
			return err
		}
	}
	if s.coverage {
		if err := s.tellCoverage(); err != nil {
			return err
		}
	}
	if s.junit != "" {
		if err := writeJUnit(s.junit, s.suites); err != nil {
			return err
		}
	}
	if s.json {
		if err := writeJSON(s.out, s.report); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(s.out, "%s, %s, %s\n", plural(len(s.scripts), "script"),
			plural(s.report.Expectations, "expectation"), plural(s.report.Failures, "failure"))
	}
	if s.report.Failures > 0 {
		return errFound
	}
	return nil
}

// play runs a script and, if what it expects is to be rewritten, runs it again.
func (s *session) play(ctx context.Context, l loaded) error {
	script, updated := l.script, false
	if s.update {
		text := script.Run(ctx, audiencetest.Options{Definitions: s.definitions}).Updated()
		if err := ctx.Err(); err != nil {
			return err // half a run says nothing
		}
		if updated = text != l.text; updated {
			if err := os.WriteFile(l.path, []byte(text), 0o644); err != nil {
				return err
			}
		}
		var err error
		if script, err = audiencetest.Parse(l.path, text); err != nil {
			return err
		}
	}
	r := script.Run(ctx, audiencetest.Options{Definitions: s.definitions, Coverage: s.covered})
	if err := ctx.Err(); err != nil {
		return err
	}
	s.tell(l.path, r, updated)
	return nil
}

// tell writes what came of a script, and notes it.
func (s *session) tell(path string, r *audiencetest.Result, updated bool) {
	s.suites = append(s.suites, suiteOf(path, r))
	of := scriptReport{File: path, Updated: updated, Expectations: len(r.Checks), Failures: []failureReport{}}
	for _, f := range r.Failures {
		of.Failures = append(of.Failures, failureReport{f.Line, f.Command, f.Message})
	}
	s.report.Scripts = append(s.report.Scripts, of)
	s.report.Expectations += len(r.Checks)
	s.report.Failures += len(r.Failures)
	if s.json {
		return
	}
	if updated {
		fmt.Fprintf(s.out, "updated %s\n", path)
	}
	if s.verbose {
		status := "ok  "
		if len(r.Failures) > 0 {
			status = "FAIL"
		}
		fmt.Fprintf(s.out, "%s %s\n", status, path)
		for _, c := range r.Checks {
			fmt.Fprintf(s.out, "       %4d: %s\n", c.Line, c.Command)
		}
	}
	for _, f := range r.Failures {
		fmt.Fprintf(s.out, "%s\n\n", f)
	}
}

// tellCoverage writes what the scripts leave untested; each is a failure.
func (s *session) tellCoverage() error {
	findings, err := s.covered.Findings()
	if err != nil {
		return fmt.Errorf("coverage: %w", err)
	}
	s.suites = append(s.suites, suiteOfCoverage(findings))
	s.report.Failures += len(findings)
	for _, f := range findings {
		s.report.Untested = append(s.report.Untested, f.String())
		if !s.json {
			fmt.Fprintf(s.out, "untested: %s\n", f)
		}
	}
	if !s.json {
		covered, all := s.covered.Leaves()
		fmt.Fprintf(s.out, "%d of %s both true and false\n", covered, plural(all, "condition"))
	}
	return nil
}
