package audiencetest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/muster-go/muster/audience"
)

// Options of a run; the zero value is fine.
type Options struct {
	// Definitions are made at the start of the script's first day, before its
	// first command: one file after the other.
	Definitions []audience.File
	// Coverage, if set, collects what the script does to the definitions.
	Coverage *Coverage
}

// Result is what came of running a script.
type Result struct {
	Failures []Failure // in the order of the script
	Checks   []Check   // that were looked at: all, unless a command failed

	script  *Script
	updates map[int]command // by step
}

// Check is one expectation, or a command that is to fail.
type Check struct {
	Line    int    // from 1
	Command string // its first line, in canonical form
}

// Failure is one expectation that is not met, or a command that failed where it
// should not have.
type Failure struct {
	File    string
	Line    int    // of the command, from 1
	Command string // its first line, in canonical form; empty: the script as a whole
	Message string // of one line or several: what was expected and what is, and why
}

// String returns the place and the message.
func (f Failure) String() string { return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Message) }

// Run runs a script on an engine of its own. It goes on after an expectation
// that is not met, and stops at a command that fails. A done context is such a
// failure.
func (s *Script) Run(ctx context.Context, opts Options) *Result {
	r := &Result{script: s, updates: map[int]command{}}
	var watchers []watcher
	if opts.Coverage != nil {
		watchers = append(watchers, opts.Coverage)
	}
	p, err := newPlayer(ctx, s.name, s.start, watchers...)
	if err == nil {
		defer p.engine.Close()
		err = p.define(ctx, opts.Definitions)
	}
	if err != nil {
		r.fail(1, "", err)
		return r
	}
	r.run(ctx, p)
	return r
}

// define makes definitions that the script does not make itself.
func (p *player) define(ctx context.Context, files []audience.File) error {
	for _, f := range files {
		if err := p.do(ctx, creation(f)); err != nil {
			return err
		}
	}
	return nil
}

// run plays the steps of the script.
func (r *Result) run(ctx context.Context, p *player) {
	last := 1
	for i := range r.script.steps {
		st := &r.script.steps[i]
		last = st.last
		err := st.verdict(p.play(ctx, st.command))
		var m *mismatch
		switch {
		case errors.As(err, &m):
			if m.instead != nil {
				r.updates[i] = m.instead
			}
			r.fail(st.line, st.String(), err)
		case err != nil:
			r.fail(st.line, st.String(), err)
			return
		}
		if isExpectation(st.command) || st.mustFail {
			r.Checks = append(r.Checks, Check{st.line, firstLine(st.String())})
		}
	}
	for _, err := range p.reported {
		r.fail(last, "", fmt.Errorf("%s\n  and no expect error follows", inDays(err.Error(), p.start)))
	}
}

// verdict returns what is wrong with how a command ended.
func (s *step) verdict(err error) error {
	switch {
	case !s.mustFail:
		return err
	case err == nil:
		return fmt.Errorf("%s\n  but it does not fail", s)
	case !strings.Contains(err.Error(), s.fails):
		return fmt.Errorf("%s\n  but it fails with: %w", s, err)
	}
	return nil
}

func (r *Result) fail(line int, command string, err error) {
	r.Failures = append(r.Failures, Failure{r.script.name, line, firstLine(command), err.Error()})
}

func firstLine(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}

// isExpectation reports whether a command expects something.
func isExpectation(c command) bool { return strings.HasPrefix(c.String(), "expect ") }

// Updated returns the text of the script with what is expected as it was found:
// members, transitions, changes, values, ids and explanations that differed.
// Everything else of the text stays as it is, and so do `expect ... in` and
// commands that failed: those say what the author wants.
func (r *Result) Updated() string {
	if len(r.updates) == 0 {
		return r.script.text
	}
	carriage := ""
	if strings.Contains(r.script.text, "\r\n") {
		carriage = "\r"
	}
	lines := strings.Split(r.script.text, "\n")
	var updated []string
	at := 0
	for i := range r.script.steps {
		st := &r.script.steps[i]
		c, ok := r.updates[i]
		if !ok {
			continue
		}
		updated = append(updated, lines[at:st.line-1]...)
		for line := range strings.SplitSeq(c.String(), "\n") {
			updated = append(updated, line+carriage)
		}
		at = st.last
	}
	return strings.Join(append(updated, lines[at:]...), "\n")
}
