// Command muster works with definitions of audiences, and with logs of messages, from
// the command line: it replays, tests, checks, explains and exports what a program of
// your own would have an engine of package audience do.
//
//	muster replay  -definitions FILE -events FILE     entries and exits of a log, as lines of JSON
//	muster test    [FILE.json...] SCRIPT...           runs unit tests of definitions
//	muster check   [-events FILE] FILE...             finds likely mistakes in definitions
//	muster explain -definitions FILE -events FILE KEY ID
//	muster preview -definitions FILE -events FILE KEY
//	muster backtest -definitions FILE -events FILE -from TIME KEY
//	muster due     -definitions FILE -events FILE     what time alone will change
//	muster catalog -events FILE                       what a log is made of
//	muster plan    OLD NEW                            what Engine.Sync would do
//	muster export  -definitions FILE -events FILE KEY a CSV file
//	muster dump    -data FOLDER -o FILE               all that a store holds, as one file
//	muster load    -data FOLDER FILE                  a store of such a file
//	muster fmt     [-w | -check] FILE...              the one form of a definitions file
//	muster schema                                     its JSON schema, for editors
//	muster serve   -definitions FILE [-data FOLDER]   the service, over HTTP
//	muster completion SHELL                           a script for bash, zsh, fish or pwsh
//
// muster help COMMAND tells the rest. A FILE may be compressed with gzip; "-" is the
// standard input. Flags may stand anywhere, with one dash or two.
//
// Results go to the standard output, as JSON with -json; all else to the standard error,
// among it a progress bar for what takes longer than a second, on a terminal.
//
// # Exit statuses
//
//	0    done, and all is well
//	1    done, and something is not as it should be: an expectation is not met (test),
//	     something was found (check, fmt -check), or there is something to do (plan -check)
//	2    not done: a flag or a file cannot be used, or something failed
//	130  interrupted; but serve then has ended as it should, with 0
//
// # Completion
//
// In bash it needs the package bash-completion:
//
//	source <(muster completion bash)
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// The exit statuses.
const (
	statusDone        = 0
	statusFound       = 1
	statusFailed      = 2
	statusInterrupted = 130 // 128 and the number of SIGINT, as shells have it
)

// errFound says that what was asked for is done and has been told, and that something is
// not as it should be.
var errFound = errors.New("something is not as it should be")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt does not wait for anything
	os.Exit(run(ctx, os.Args[1:], streams{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, now: time.Now,
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
	}))
}

// streams is what the program has of the world around it.
type streams struct {
	in       io.Reader
	out, err io.Writer
	now      func() time.Time // for progress; the audiences go by the log's time
	terminal bool             // err is one
}

// run is the whole program. It returns the exit status.
func run(ctx context.Context, args []string, std streams) int {
	err := newCommand(std).Run(ctx, append([]string{"muster"}, args...))
	switch {
	case err == nil:
		return statusDone
	case errors.Is(err, errFound):
		return statusFound
	}
	fmt.Fprintln(std.err, "muster:", err)
	if ctx.Err() != nil {
		return statusInterrupted
	}
	return statusFailed
}
