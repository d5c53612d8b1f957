package celfilter

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
)

// ErrCost is wrapped by the error of an expression that exceeds a limit: of
// length, nesting, number of nodes or estimated cost.
var ErrCost = errors.New("celfilter: expression too costly")

// Error says why an expression does not compile.
type Error struct {
	Source       string
	Line, Column int    // of the first issue, from 1
	Message      string // of the first issue

	text  string // all issues
	cause error
}

// Error returns every issue, each with its line and column and CEL's message.
func (e *Error) Error() string { return e.text }

// Unwrap returns ErrCost if a limit was exceeded.
func (e *Error) Unwrap() error { return e.cause }

// limitMessages begin cel-go's own messages on its limits; it has no typed
// errors for them.
var limitMessages = []string{
	"expression code point size exceeds",
	"expression recursion limit exceeded",
	"max recursion depth exceeded",
	"expression count exceeds",
	"expression node count exceeds",
}

func issuesError(src string, issues *cel.Issues) *Error {
	err := &Error{Source: src}
	for _, issue := range issues.Errors() {
		if issue.Location.Line() < 1 || issue.Location.Column() < 0 { // of the whole
			issue.Location = common.NewLocation(1, 0)
		}
		for _, limit := range limitMessages {
			if strings.Contains(issue.Message, limit) {
				err.cause = ErrCost
			}
		}
	}
	first := issues.Errors()[0]
	err.Line, err.Column, err.Message = first.Location.Line(), first.Location.Column()+1, first.Message
	err.text = display(issues.Errors())
	return err
}

// errorAt is an error of this package's own at a place in the expression.
func errorAt(ast *cel.Ast, id int64, cause error, format string, args ...any) *Error {
	native := ast.NativeRep()
	at := native.SourceInfo().GetStartLocation(id)
	issues := common.NewErrors(ast.Source())
	issues.ReportErrorAtID(id, at, format, args...)
	return &Error{
		Source:  ast.Source().Content(),
		Line:    max(at.Line(), 1),
		Column:  max(at.Column()+1, 1),
		Message: fmt.Sprintf(format, args...),
		text:    display(issues.GetErrors()),
		cause:   cause,
	}
}

// display writes issues as "1:12: undeclared reference to 'x'", in one line.
func display(issues []*common.Error) string {
	texts := make([]string, len(issues))
	for i, issue := range issues {
		texts[i] = fmt.Sprintf("%d:%d: %s", max(issue.Location.Line(), 1), max(issue.Location.Column()+1, 1), issue.Message)
	}
	return strings.Join(texts, "; ")
}
