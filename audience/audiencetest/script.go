package audiencetest

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/muster-go/muster/profile"
)

// defaultStart is day 1 of a script that does not say when it starts.
var defaultStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Script is a script that was read. It is immutable.
type Script struct {
	name  string
	text  string
	start time.Time
	steps []step
}

// step is one command, in its place.
type step struct {
	line, last int // the first line of the command and the last, from 1
	command    command
	mustFail   bool
	fails      string // a part of the error that it must fail with
}

// String writes the step as scripts do.
func (s *step) String() string {
	if s.mustFail {
		return s.command.String() + " fails " + quoted(s.fails)
	}
	return s.command.String()
}

// SyntaxError is a line of a script that cannot be read. It reads
// "cart.txt:7: want the id of a user after `track`, but the line ends".
type SyntaxError struct {
	File    string
	Line    int
	Message string
}

// Error returns the place and what was expected there.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message) }

// maxErrors is how many lines that cannot be read are told of.
const maxErrors = 20

// Parse reads a script. Its name is for messages, and says by its folder where
// the files are that the script names. The error joins a *SyntaxError for each
// command that cannot be read, 20 at most.
func Parse(name, text string) (*Script, error) {
	s := &Script{name: name, text: text, start: defaultStart}
	if !utf8.ValidString(text) {
		line := 1 + strings.Count(text[:invalidAt(text)], "\n")
		return nil, &SyntaxError{File: name, Line: line, Message: "want text in UTF-8"}
	}
	var errs []error
	for b := range blocks(text) {
		if len(errs) == maxErrors {
			break
		}
		if err := s.add(&b); err != nil {
			var bad *SyntaxError
			if errors.As(err, &bad) {
				bad.File = name
			}
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

// add reads the command of a block.
func (s *Script) add(b *block) error {
	if date, ok, err := b.start(); ok || err != nil {
		if err == nil && len(s.steps) > 0 {
			err = &SyntaxError{Line: b.line, Message: "want start before all other commands"}
		}
		s.start = date
		return err
	}
	st, err := b.parse()
	if err != nil {
		return err
	}
	s.steps = append(s.steps, st)
	return nil
}

// String returns the script in canonical form: a command after the other,
// without comments. Parse reads it back to the same script.
func (s *Script) String() string {
	var b strings.Builder
	if !s.start.Equal(defaultStart) {
		fmt.Fprintf(&b, "start %s\n", s.start.Format(time.DateOnly))
	}
	for i := range s.steps {
		fmt.Fprintln(&b, s.steps[i].String())
	}
	return b.String()
}

func invalidAt(text string) int {
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			return i
		}
	}
	return len(text)
}

// block is the lines of one command. Those that are comments are empty.
type block struct {
	line  int // of the first, from 1
	lines []string
}

// blocks yields the commands of a script: a line that is not indented, and what
// is indented below it or inside of its brackets.
func blocks(text string) func(yield func(block) bool) {
	return func(yield func(block) bool) {
		lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
		for i, line := range lines {
			if isComment(line) {
				lines[i] = ""
			}
		}
		for i := 0; i < len(lines); {
			if strings.TrimSpace(lines[i]) == "" {
				i++
				continue
			}
			n := blockLength(lines[i:])
			if !yield(block{line: i + 1, lines: lines[i : i+n]}) {
				return
			}
			i += n
		}
	}
}

func isComment(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "#") }

func isIndented(line string) bool {
	return strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
}

// preview begins the one expectation that has a definition in it.
const preview = "expect preview "

// blockLength returns of how many lines the first block is. What is expected may
// have brackets of any kind in it.
func blockLength(lines []string) int {
	var s nesting
	raw := strings.HasPrefix(lines[0], "expect ") && !strings.HasPrefix(lines[0], preview)
	n := 0
	for i, line := range lines {
		blank := strings.TrimSpace(line) == ""
		if i > 0 && s.depth <= 0 && !blank && !isIndented(line) {
			break
		}
		if !blank {
			n = i + 1
		}
		if !raw {
			for _, r := range line {
				s.take(r)
			}
			s.quoted, s.escaped = false, false // no text in quotes is of two lines
		}
	}
	return n
}

// start reads the command that says when a script starts; ok says that it is one.
func (b *block) start() (date time.Time, ok bool, err error) {
	tokens, err := tokenize(b.lines, b.line)
	if err != nil || tokens[0].text != "start" {
		return defaultStart, false, nil // another command, which tells its errors itself
	}
	c := newCursor(tokens, b.line)
	c.next()
	date, err = time.Parse(time.DateOnly, c.peek())
	if err == nil {
		err = profile.CheckTime(date)
	}
	if err != nil {
		return defaultStart, true, c.want("a date, as in start 2026-03-01,")
	}
	c.next()
	return date, true, c.end()
}
