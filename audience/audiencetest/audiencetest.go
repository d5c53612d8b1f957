package audiencetest

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/muster-go/muster/audience"
)

// TB is what this package needs of a testing.TB, so that a test can run without
// package testing. Errorf notes a failure and goes on.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
}

// Run runs the script in a file, with definitions that the script does not make
// itself, and fails the test for each expectation that is not met.
func Run(t TB, path string, definitions ...audience.File) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	RunText(t, path, string(text), definitions...)
}

// RunText is Run for the text of a script. The name is for messages; files that
// the script names are looked for in its folder.
func RunText(t TB, name, text string, definitions ...audience.File) {
	t.Helper()
	run(t, name, text, Options{Definitions: definitions})
}

// Cover runs all scripts whose paths match a pattern of filepath.Glob, as Run
// does, and also fails the test for what they leave untested of the definitions:
// see Coverage.
func Cover(t TB, pattern string, definitions ...audience.File) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Errorf("%s: want the paths of scripts, found %d (%v)", pattern, len(paths), err)
		return
	}
	slices.Sort(paths)
	coverage := NewCoverage()
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		run(t, path, string(text), Options{Definitions: definitions, Coverage: coverage})
	}
	findings, err := coverage.Findings()
	if err != nil {
		t.Errorf("coverage: %v", err)
	}
	for _, f := range findings {
		t.Errorf("%s", f)
	}
}

func run(t TB, name, text string, opts Options) {
	t.Helper()
	s, err := Parse(name, text)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	for _, f := range s.Run(context.Background(), opts).Failures {
		t.Errorf("%s", f)
	}
}
