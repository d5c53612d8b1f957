package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "duckdb:", err)
		os.Exit(1)
	}
}

// maxEvents is how many events fit where the project is measured.
const maxEvents = 10_000_000

func command(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("duckdb", flag.ContinueOnError)
	var s sizes
	flags.IntVar(&s.events, "events", 3_000_000, "so many events, at most 10 million")
	flags.IntVar(&s.users, "users", 0, "of so many users; 0: a tenth of the events")
	flags.IntVar(&s.runs, "runs", 5, "medians of so many runs")
	cpu := flags.String("cpuprofile", "", "write a CPU profile to `FILE`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.users == 0 {
		s.users = max(1, s.events/10)
	}
	if s.events < 1 || s.events > maxEvents || s.users < 1 || s.runs < 1 || flags.NArg() > 0 {
		return fmt.Errorf("no arguments, and numbers from 1, of events to %d", maxEvents)
	}
	if *cpu != "" {
		f, err := os.Create(*cpu)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	rows, err := run(ctx, s)
	if err != nil {
		return err
	}
	return table(out, rows)
}
