package replica

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/muster-go/muster/profile"
)

// Options of a worker. What decides what an engine answers, Store and NoID, must be the
// same for all workers of a log, and at all times.
type Options struct {
	// Store makes an empty store for an engine; one in memory if it is nil. It is closed with
	// the engine.
	Store func(ctx context.Context, partition int) (profile.Store, error)
	// CacheBytes and NoID are those of audience.Options.
	CacheBytes int64
	NoID       func(id string) bool

	// Blobs keep snapshots, so that an owner need not go through all of the log. Nil: it does.
	Blobs Blobs
	// SnapshotEvery is after how many records one is taken; 100,000 by default.
	SnapshotEvery int

	// ChunkEntries and ChunkBytes bound a chunk: 2,000 entries and 512 KiB by default. One
	// entry is told in any case, whatever its size.
	ChunkEntries int
	ChunkBytes   int
	// ChunkRecords is how many records are done before a chunk says so that tells nothing;
	// 1,000 by default.
	ChunkRecords int

	// TickEvery is how late what time alone changes is told at most, where no records come: a
	// second by default. Now says what time it is; time.Now if it is nil, and for tests. It
	// should be the log's clock, within TickEvery.
	TickEvery time.Duration
	Now       func() time.Time

	// OnAlarm is told that a partition stands still, and why; see Alarm. It must not block.
	OnAlarm func(*Alarm)
	// Logger gets what an owner does, and what fails; slog.Default if it is nil.
	Logger *slog.Logger
}

// withDefaults returns the options with what was not said.
func (o Options) withDefaults() Options {
	if o.Store == nil {
		o.Store = func(context.Context, int) (profile.Store, error) { return profile.NewMemStore(), nil }
	}
	o.SnapshotEvery = cmp.Or(o.SnapshotEvery, 100_000)
	o.ChunkEntries = cmp.Or(o.ChunkEntries, 2_000)
	o.ChunkBytes = cmp.Or(o.ChunkBytes, 512<<10)
	o.ChunkRecords = cmp.Or(o.ChunkRecords, 1_000)
	o.TickEvery = cmp.Or(o.TickEvery, time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}
