package funnel

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/muster-go/muster/internal/selector"
	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
)

// Limits on one funnel.
const (
	MaxSteps = 64
	MaxName  = 128 // bytes of a step's name
)

// Error says what is wrong with a funnel, and where.
type Error struct {
	Path string // in the JSON form: "steps[1].where"
	Err  error
}

// Error returns the path and what is wrong: "steps[1].where: 1:5: ...".
func (e *Error) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns what is wrong, without the path.
func (e *Error) Unwrap() error { return e.Err }

func invalid(path, format string, args ...any) error {
	return &Error{path, fmt.Errorf("%w: %s", profile.ErrInvalid, fmt.Sprintf(format, args...))}
}

// identifier is what CEL takes behind a dot; see also unspeakable.
var identifier = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

var unspeakable = []string{"in", "true", "false", "null"}

// Validate returns an *Error, wrapping profile.ErrInvalid or ErrTooLarge, for a
// funnel that cannot be. It checks all but the filters, which the engine compiles.
func (f Funnel) Validate() error {
	if err := f.Window.Validate(); err != nil {
		return &Error{"window", err}
	}
	switch n := len(f.Steps); {
	case n == 0:
		return invalid("steps", "no steps")
	case n > MaxSteps:
		return &Error{"steps", fmt.Errorf("%w: %d steps, at most %d", profile.ErrTooLarge, n, MaxSteps)}
	case n == MaxSteps && slices.ContainsFunc(f.Steps, func(s Step) bool { return s.Next }):
		return &Error{"steps", fmt.Errorf("%w: %d steps, at most %d where one is to be the next", profile.ErrTooLarge, n, MaxSteps-1)}
	case f.Steps[0].Next:
		return invalid("steps[0].next", "the first step has none before that it could be the next after")
	case f.Steps[0].Not:
		return invalid("steps[0].not", "the first step has to happen: there is none before that it could not follow")
	case f.Steps[0].Within != 0:
		return invalid("steps[0].within", "the first step has none before that it could follow")
	}
	for i := range f.Steps {
		if err := f.validateStep(i); err != nil {
			return err
		}
	}
	return nil
}

func (f Funnel) validateStep(i int) error {
	s := &f.Steps[i]
	path := stepPath(i)
	switch {
	case len(s.Name) > MaxName || !identifier.MatchString(s.Name) || slices.Contains(unspeakable, s.Name):
		return invalid(path+".name", "%.140q, want an identifier of letters, digits and _ of at most %d bytes", s.Name, MaxName)
	case slices.ContainsFunc(f.Steps[:i], func(t Step) bool { return t.Name == s.Name }):
		return invalid(path+".name", "%q names an earlier step", s.Name)
	}
	if err := selector.Validate("event", s.Event, s.Names, s.Prefix, s.Any); err != nil {
		at := err.(*strictjson.Error)
		return &Error{path + "." + at.Path, at.Err}
	}
	switch {
	case s.Within < 0 || s.Within > profile.MaxWindow:
		return invalid(path+".within", "%s, want more than 0 and at most %s", profile.FormatDuration(s.Within), profile.FormatDuration(profile.MaxWindow))
	case s.UntilNext && !s.Not:
		return invalid(path+".until_next", "only for a step that is not to follow")
	case s.UntilNext && s.Within != 0:
		return invalid(path+".until_next", "within says already until when")
	case s.UntilNext && s.Pending:
		return invalid(path+".pending", "until the next step comes there is nothing to hold")
	case s.UntilNext && !slices.ContainsFunc(f.Steps[i:], func(t Step) bool { return !t.Not }):
		return invalid(path+".until_next", "no step that is to follow comes after it")
	case s.Next && s.Not:
		return invalid(path+".next", "only for a step that is to follow")
	case s.Not && s.Within == 0 && !s.UntilNext:
		return invalid(path+".within", "a step that is not to follow needs one, or until_next")
	case s.Pending && !s.Not:
		return invalid(path+".pending", "only for a step that is not to follow")
	case s.settles() && endsBefore(f.Window, s.Within):
		return invalid(path+".within", "never true: it is settled after %s, when the step before has left the window, %s",
			profile.FormatDuration(s.Within), f.Window)
	}
	return nil
}

// settles reports whether the step is one that holds only once its duration has
// passed.
func (s *Step) settles() bool { return s.Not && !s.Pending && !s.UntilNext }

func stepPath(i int) string { return fmt.Sprintf("steps[%d]", i) }

// endsBefore reports whether no event counts in a window for as long as d.
func endsBefore(w profile.Window, d time.Duration) bool {
	longest, ok := w.Longest()
	return ok && d >= longest
}
