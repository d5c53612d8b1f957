package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/muster-go/muster/replica"
	"github.com/muster-go/muster/replica/logtest"
)

// workerEnv has the test binary be a worker: it holds a workerConfig in JSON.
const workerEnv = "MUSTER_TEST_WORKER"

type workerConfig struct {
	URL        string
	Name       string
	Partitions int
	Lease      time.Duration
	Deaf       bool
	Unfenced   bool
}

// workerMain is the whole program of a worker.
func workerMain() {
	var c workerConfig
	err := json.Unmarshal([]byte(os.Getenv(workerEnv)), &c)
	if err == nil {
		err = work(c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func work(c workerConfig) error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	pool, err := pgxpool.New(ctx, c.URL)
	if err != nil {
		return err
	}
	defer pool.Close()
	l, err := Open(ctx, pool, c.Partitions, Options{Lease: c.Lease})
	for ; err != nil && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) { // the server may be away
		l, err = Open(ctx, pool, c.Partitions, Options{Lease: c.Lease})
	}
	if err != nil {
		return err
	}
	var log replica.Log = l
	if c.Unfenced {
		log = unfenced{l}
	}
	if c.Deaf {
		log = logtest.Deaf{Log: log}
	}
	return replica.Run(ctx, log, c.Name, replica.Options{
		Blobs: l, SnapshotEvery: 200, ChunkEntries: 50, ChunkRecords: 50, TickEvery: 200 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
}

// unfenced is the log without its fence: chunks are taken whoever they are of.
type unfenced struct{ *Log }

func (u unfenced) Join(ctx context.Context, name string, run func(context.Context, replica.Partition)) error {
	return u.Log.Join(ctx, name, func(ctx context.Context, p replica.Partition) {
		run(ctx, unfencedPartition{p, u.Log})
	})
}

type unfencedPartition struct {
	replica.Partition
	l *Log
}

func (p unfencedPartition) Append(ctx context.Context, c *replica.Chunk) error {
	head, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = p.l.pool.Exec(ctx, `
		WITH head AS (
			UPDATE muster_output SET place = place + 1, record = $2, number = $3, head = $4 WHERE partition = $1 RETURNING place
		)
		INSERT INTO muster_chunks (partition, place, head, entries) SELECT $1, head.place, $4, $5 FROM head`,
		p.Number(), c.To, c.Last(), string(head), append([][]byte{}, c.Entries...))
	return err
}
