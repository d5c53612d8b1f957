// Command replay runs a log of messages through a set of audiences and computed
// traits, and prints every entry and exit as a line of JSON, in the order of
// time:
//
//	go run ./examples/replay -definitions FILE -events FILE [-until TIME] [-traits] [-skip-bad]
//
// Definitions are in the JSON form of audience.ParseFile, events one
// Segment-spec message a line. A file may be compressed with gzip, and "-" is
// the standard input. Without flags it runs the log of a small shop that it
// carries with it, shop.ndjson with shop.json. The command muster replays what other
// products export as well: see cmd/muster.
//
// Transitions go to the standard output, with -traits among the changes of
// computed traits: what changes at once is a trait first, then the audiences
// that read it. The standard error gets a line of progress a second and, at the
// end, a summary. A line that cannot be taken, because it is no message or because
// the engine refuses it, ends the replay, after what the lines before it changed,
// unless -skip-bad has it named, counted and passed over. If no line could be taken
// the replay fails.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/muster-go/muster/profile"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt does not wait for anything
	std := streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, now: time.Now}
	if err := run(ctx, os.Args[1:], std); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

// streams is what the program has of the world around it.
type streams struct {
	in       io.Reader
	out, err io.Writer
	now      func() time.Time // for the speed; the audiences go by the log's time
}

// run is the whole program.
func run(ctx context.Context, args []string, std streams) (err error) {
	opts, err := parseOptions(args, std.err)
	if err != nil || opts.help {
		return err
	}
	definitions, err := readDefinitions(opts.definitions, std.in)
	if err != nil {
		return fmt.Errorf("%s: %w", opts.definitions, err)
	}
	events, err := open(opts.events, std.in)
	if err != nil {
		return fmt.Errorf("%s: %w", opts.events, err)
	}
	defer events.Close()

	// A line that cannot be written ends the replay: there is no use in going on.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := newReplay(ctx, std, opts.traits, cancel)
	if err != nil {
		return err
	}
	defer func() {
		if flushed := r.out.Flush(); err == nil {
			err = flushed
		}
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
	}()
	if err := r.engine.CreateFile(ctx, definitions); err != nil {
		return fmt.Errorf("%s: %w", opts.definitions, err)
	}
	if err := r.play(ctx, profile.NewDecoder(events, opts.events), opts.skipBad); err != nil {
		return err
	}
	if err := r.advance(ctx, opts.until); err != nil {
		return err
	}
	return r.summarize(ctx)
}
