// Command crash shows what a crash loses. It starts a child that feeds an engine on a
// durable store, kills it with SIGKILL many times, looks at the store after each kill, and
// prints three counters: acknowledged calls that are lost, half steps, and callbacks that
// never came.
//
//	go run ./examples/crash -kills 20
//
// It ends with status 1 unless all are 0.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/muster-go/muster/pebblestore/internal/crashloop"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}

func run() error {
	kills := flag.Int("kills", 20, "how often the child is killed")
	dir := flag.String("dir", "", "the directory of the store; by default one that is removed at the end")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the moments of the kills")
	child := flag.String("child", "", "for the program's own use: the position that the child goes on from")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *child != "" {
		from, err := crashloop.ParsePosition(*child)
		if err != nil {
			return err
		}
		return crashloop.Feed(ctx, *dir, from, os.Stdout)
	}
	if *dir == "" {
		temp, err := os.MkdirTemp("", "muster-crash-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		*dir = temp
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	loop := crashloop.Loop{
		Dir: *dir, Kills: *kills, Seed: *seed,
		Child: func(from crashloop.Position) *exec.Cmd {
			cmd := exec.CommandContext(ctx, self, "-dir", *dir, "-child", from.String())
			cmd.Stderr = os.Stderr
			return cmd
		},
		Log: func(format string, args ...any) { fmt.Printf(format+"\n", args...) },
	}
	counts, err := loop.Run(ctx)
	fmt.Printf("%d kills, %d acknowledged calls, %d notices told (%d of them again, under the same id)\n",
		counts.Kills, counts.Acknowledged, counts.Told, counts.Doubled)
	fmt.Printf("acknowledged lost: %d\nhalf steps:        %d\ncallbacks lost:    %d\n", counts.Lost, counts.Half+counts.Other, counts.CallbacksLost)
	if err == nil && !counts.Clean() {
		err = fmt.Errorf("the store did not keep its word (seed %d)", *seed)
	}
	return err
}
