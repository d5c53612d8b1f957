// Command takeover kills a worker in the middle of its work, and counts what was told:
//
//	go run ./examples/takeover -db postgres://user@localhost/database
//
// The database is to be empty of tables whose names begin with muster_.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/muster-go/muster/replica"
	"github.com/muster-go/muster/replica/internal/takeover"
	"github.com/muster-go/muster/replica/postgres"
)

func main() {
	db := flag.String("db", "postgres:///postgres", "`URL` of a database")
	name := flag.String("worker", "", "be the worker of this `NAME`")
	flag.Parse()
	if err := run(context.Background(), *db, *name); err != nil {
		fmt.Fprintln(os.Stderr, "takeover:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, db, name string) error {
	pool, err := pgxpool.New(ctx, db)
	if err != nil {
		return err
	}
	defer pool.Close()
	log, err := postgres.Open(ctx, pool, 1, postgres.Options{})
	if err != nil {
		return err
	}
	if name != "" {
		return replica.Run(ctx, log, name, replica.Options{Blobs: log, SnapshotEvery: 50})
	}
	return takeover.Show(ctx, os.Stdout, log, func(name string) *exec.Cmd {
		return exec.CommandContext(ctx, os.Args[0], "-db", db, "-worker", name)
	})
}
