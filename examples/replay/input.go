package main

import (
	"bufio"
	"compress/gzip"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// The log and the definitions of a small shop. A path that begins with builtin:
// names one of the two.
//
//go:embed shop.json shop.ndjson
var shop embed.FS

const builtin = "builtin:"

// options are the flags.
type options struct {
	definitions string
	events      string
	until       time.Time // zero: the time of the last message
	traits      bool      // print their changes
	skipBad     bool
	help        bool // was asked for, and given
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	flags.StringVar(&o.definitions, "definitions", builtin+"shop.json", "`file` of computed traits and audiences; - is stdin")
	flags.StringVar(&o.events, "events", builtin+"shop.ndjson", "`file` of messages, one a line; - is stdin")
	flags.BoolVar(&o.traits, "traits", false, "print changes of computed traits, too")
	flags.BoolVar(&o.skipBad, "skip-bad", false, "pass over lines that cannot be taken, and name them")
	flags.Func("until", "go on to this `time` (RFC 3339, or a date) when the messages end before it", func(text string) (err error) {
		o.until, err = parseTime(text)
		return err
	})
	flags.SetOutput(io.Discard) // main prints the error
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(stderr)
		flags.Usage()
		return options{help: true}, nil
	case err != nil:
		return options{}, err
	case flags.NArg() > 0:
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.definitions == "-" && o.events == "-":
		return options{}, errors.New("-definitions and -events cannot both be stdin")
	}
	return o, nil
}

// parseTime reads a time as the engine reads those of messages.
func parseTime(text string) (time.Time, error) {
	v, err := profile.NewValue(text)
	if err != nil {
		return time.Time{}, err
	}
	t, ok := profile.ParseTime(v)
	if !ok {
		return time.Time{}, errors.New("not a time such as 2026-01-31 or 2026-01-31T12:00:00Z")
	}
	return t, nil
}

func readDefinitions(path string, stdin io.Reader) (audience.File, error) {
	in, err := open(path, stdin)
	if err != nil {
		return audience.File{}, err
	}
	defer in.Close()
	text, err := io.ReadAll(in)
	if err != nil {
		return audience.File{}, err
	}
	f, err := audience.ParseFile(text)
	if err == nil {
		err = audience.Locate(text, f.Check())
	}
	return f, err
}

// open opens what a path names, decompressed.
func open(path string, stdin io.Reader) (io.ReadCloser, error) {
	file, err := openRaw(path, stdin)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReader(file)
	// Two bytes tell gzip. If there are none, reading says why.
	if magic, _ := in.Peek(2); string(magic) != "\x1f\x8b" {
		return readCloser{in, file}, nil
	}
	unzipped, err := gzip.NewReader(in)
	if err != nil {
		_ = file.Close() // it was only read
		return nil, err
	}
	return readCloser{unzipped, file}, nil
}

func openRaw(path string, stdin io.Reader) (io.ReadCloser, error) {
	if name, ok := strings.CutPrefix(path, builtin); ok {
		return shop.Open(name)
	}
	if path == "-" {
		return io.NopCloser(stdin), nil
	}
	return os.Open(path)
}

// readCloser reads what is inside a file, and closes the file.
type readCloser struct {
	io.Reader
	io.Closer
}
