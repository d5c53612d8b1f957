package logtest

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/muster-go/muster/replica"
)

// Worker says how a worker of a test runs.
type Worker struct {
	Name     string
	Deaf     bool // it does not hear that it has lost a partition
	Unfenced bool // its chunks are taken whoever they are of
	Large    bool // chunks are as large, and snapshots as rare, as they are by default
}

// Run runs it on a log until ctx ends. append is for one that is unfenced: it appends a chunk
// to the output of a partition whatever was appended before.
func (w *Worker) Run(ctx context.Context, log replica.Log, blobs replica.Blobs, append func(ctx context.Context, partition int, c *replica.Chunk) error) error {
	if w.Unfenced {
		log = unfenced{log, append}
	}
	if w.Deaf {
		log = Deaf{Log: log}
	}
	opts := replica.Options{Blobs: blobs, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	if !w.Large {
		opts.SnapshotEvery, opts.ChunkEntries, opts.ChunkRecords, opts.TickEvery = 200, 50, 50, 200*time.Millisecond
	}
	return replica.Run(ctx, log, w.Name, opts)
}

// unfenced is a log without its fence.
type unfenced struct {
	replica.Log
	append func(ctx context.Context, partition int, c *replica.Chunk) error
}

func (u unfenced) Join(ctx context.Context, name string, run func(context.Context, replica.Partition)) error {
	return u.Log.Join(ctx, name, func(ctx context.Context, p replica.Partition) { run(ctx, unfencedPartition{p, u}) })
}

type unfencedPartition struct {
	replica.Partition
	log unfenced
}

func (p unfencedPartition) Append(ctx context.Context, c *replica.Chunk) error {
	return p.log.append(ctx, p.Number(), c)
}

// Said keeps what processes say.
type Said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (s *Said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// String returns all that was said so far.
func (s *Said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
