package audience

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/muster-go/muster/internal/strictjson"
)

// FileError says where in a definitions file something is wrong.
type FileError struct {
	Line   int   // from 1
	Column int   // in bytes, from 1
	Err    error // what: a *DefinitionError, if it is in a definition
}

// Error returns, say,
//
//	12:20: audience "big": where.event.window: unknown field "withn", did you mean "within"?
func (e *FileError) Error() string { return fmt.Sprintf("%d:%d: %v", e.Line, e.Column, e.Err) }

// Unwrap returns what is wrong.
func (e *FileError) Unwrap() error { return e.Err }

// Locate returns an error of a definition that was read from the text of a file, as
// Create, Check and Edit return it, as a *FileError that says where in the file it
// is. It returns any other error as it is.
func Locate(text []byte, err error) error {
	var of *DefinitionError
	var at *FileError
	if !errors.As(err, &of) || errors.As(err, &at) {
		return err
	}
	f, parseErr := ParseFile(text)
	if parseErr != nil {
		return err
	}
	path := ""
	for i, c := range f.Traits {
		if of.Trait != "" && c.Key == of.Trait {
			path = "traits[" + strconv.Itoa(i) + "]"
		}
	}
	for i, d := range f.Audiences {
		if of.Trait == "" && d.Key == of.Audience {
			path = "audiences[" + strconv.Itoa(i) + "]"
		}
	}
	if path == "" {
		return err
	}
	if of.Path != "" {
		path += "." + of.Path
	}
	line, column := strictjson.PositionOf(text, path)
	return &FileError{Line: line, Column: column, Err: err}
}

// fileError returns an error of decoding a file as that of the definition in which
// it is.
func fileError(text []byte, err error) error {
	line, column := strictjson.Position(text, err)
	at := &FileError{Line: line, Column: column, Err: err}
	var of *strictjson.Error
	if !errors.As(err, &of) {
		return at
	}
	for _, list := range [...]string{"audiences", "traits"} {
		if !strings.HasPrefix(of.Path, list+"[") {
			continue
		}
		head, rest, _ := strings.Cut(of.Path, ".")
		key := strictjson.Text(text, head+".key")
		if key == "" {
			return at
		}
		in := &DefinitionError{Path: rest, Err: &strictjson.Error{Kind: of.Kind, Err: of.Err}}
		if in.Audience = key; list == "traits" {
			in.Audience, in.Trait = "", key
		}
		at.Err = in
	}
	return at
}
