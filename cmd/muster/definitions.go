package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/cmd/muster/internal/eventlog"
)

// definitionsFile is a file of definitions that was read.
type definitionsFile struct {
	path string
	text []byte
	file audience.File
}

// readDefinitions reads a file of definitions and compiles them. The error names the
// file and the place.
func readDefinitions(path string, stdin io.Reader) (definitionsFile, error) {
	d, err := parseDefinitions(path, stdin)
	if err == nil {
		err = d.at(d.file.Check())
	}
	return d, err
}

// parseDefinitions reads a file of definitions without compiling them.
func parseDefinitions(path string, stdin io.Reader) (d definitionsFile, err error) {
	d.path = path
	in, err := eventlog.Open(path, stdin)
	if err != nil {
		return d, unopened(path, err)
	}
	defer in.Close()
	if d.text, err = io.ReadAll(in); err != nil {
		return d, fmt.Errorf("%s: %w", path, err)
	}
	d.file, err = audience.ParseFile(d.text)
	return d, d.at(err)
}

// at returns an error of a definition of the file with the file and the place in it.
func (d *definitionsFile) at(err error) error {
	var at *audience.FileError
	switch {
	case err == nil:
		return nil
	case errors.As(audience.Locate(d.text, err), &at):
		var of *audience.DefinitionError
		if errors.As(at.Err, &of) {
			return fmt.Errorf("%s:%d:%d: %w", d.path, at.Line, at.Column, of)
		}
		return fmt.Errorf("%s:%d:%d: %w", d.path, at.Line, at.Column, at.Err)
	}
	return fmt.Errorf("%s: %w", d.path, err)
}

// unopened returns the error of opening a file, which names it already unless it is none
// of the file system.
func unopened(path string, err error) error {
	var named *fs.PathError
	if errors.As(err, &named) {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}
