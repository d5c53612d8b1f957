package postgres

import (
	"context"
	"encoding/json"
	"fmt"
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
	logtest.Worker
	URL        string
	Partitions int
	Lease      time.Duration
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
	return c.Run(ctx, l, l, l.appendUnfenced)
}

// appendUnfenced appends a chunk whoever it is of.
func (l *Log) appendUnfenced(ctx context.Context, n int, c *replica.Chunk) error {
	head, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = l.pool.Exec(ctx, `
		WITH head AS (
			UPDATE muster_output SET place = place + 1, record = $2, number = $3, head = $4 WHERE partition = $1 RETURNING place
		)
		INSERT INTO muster_chunks (partition, place, head, entries) SELECT $1, head.place, $4, $5 FROM head`,
		n, c.To, c.Last(), string(head), append([][]byte{}, c.Entries...))
	return err
}
