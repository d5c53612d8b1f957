package main

import (
	"context"
	"fmt"
	"os"

	"github.com/muster-go/muster/audience/audiencetest"
)

// run runs all scripts and tells what came of them.
func (s *session) run(ctx context.Context) error {
	if s.options.coverage {
		s.coverage = audiencetest.NewCoverage()
	}
	for _, l := range s.scripts {
		if err := s.play(ctx, l); err != nil {
			return err
		}
	}
	if s.coverage != nil {
		if err := s.tellCoverage(); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.out, "%s, %s, %s\n",
		plural(len(s.scripts), "script"), plural(s.checks, "expectation"), plural(s.failures, "failure"))
	return nil
}

// play runs a script and, if what it expects is to be rewritten, runs it again.
func (s *session) play(ctx context.Context, l loaded) error {
	script := l.script
	if s.options.update {
		text := script.Run(ctx, audiencetest.Options{Definitions: s.definitions}).Updated()
		if err := ctx.Err(); err != nil {
			return err // half a run says nothing
		}
		if text != l.text {
			if err := os.WriteFile(l.path, []byte(text), 0o644); err != nil {
				return err
			}
			fmt.Fprintf(s.out, "updated %s\n", l.path)
		}
		var err error
		if script, err = audiencetest.Parse(l.path, text); err != nil {
			return err
		}
	}
	r := script.Run(ctx, audiencetest.Options{Definitions: s.definitions, Coverage: s.coverage})
	if err := ctx.Err(); err != nil {
		return err
	}
	s.tell(l.path, r)
	return nil
}

// tell prints what came of a script, and counts.
func (s *session) tell(path string, r *audiencetest.Result) {
	s.checks += len(r.Checks)
	s.failures += len(r.Failures)
	if s.options.verbose {
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

// tellCoverage prints what the scripts leave untested; each is a failure.
func (s *session) tellCoverage() error {
	findings, err := s.coverage.Findings()
	if err != nil {
		return fmt.Errorf("coverage: %w", err)
	}
	for _, f := range findings {
		fmt.Fprintf(s.out, "untested: %s\n", f)
	}
	s.failures += len(findings)
	covered, all := s.coverage.Leaves()
	fmt.Fprintf(s.out, "%d of %s both true and false\n", covered, plural(all, "condition"))
	return nil
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
