package pebblestore

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/profile"
)

// Options are how a store is opened. The zero value is a store that keeps all, and syncs
// before Durable returns.
type Options struct {
	// SyncInterval is how often commits are put on the disk. With 0 every call of Durable
	// has it done at once, together with all others that wait: a group commit. With
	// another, Durable waits for the next time, and who does not call it loses at most
	// what was committed within an interval.
	SyncInterval time.Duration

	// Retention is the age beyond which events are dropped: on arrival, and by the
	// sweeper. 0 keeps all.
	Retention time.Duration
	// SweepInterval is how often the sweeper runs, where there is a retention, or anything
	// of deleted profiles: by default every hour; negative: only when Sweep is called.
	SweepInterval time.Duration
	// DuplicateMemory is how long the messages of a deleted profile stay duplicates: by
	// default for the retention or, where all is kept, 30 days. With a negative one they
	// are forgotten at once.
	DuplicateMemory time.Duration
	// Limits bound what one profile has; those that are 0 are the defaults of
	// profile.Limits.
	Limits profile.Limits

	// CacheBytes is the memory for what was read, in bytes: by default 256 MiB. Half of it
	// is for profiles and half for blocks of files; what is being written takes as much as
	// a quarter of it besides, 64 MiB at most.
	CacheBytes int64
	// MinFree is how many bytes of the disk are left alone: with less, commits fail with
	// ErrDiskFull, until there is more again. By default 256 MiB; negative: the disk is not
	// looked at.
	MinFree int64

	// Copied says that the directory is a copy of another store's, which goes on living:
	// it gets an id of its own. That of a Checkpoint gets one in any case.
	Copied bool

	// Logger is told of what Pebble does that is no success; nil: nobody.
	Logger *slog.Logger
	// FS is where the files are; nil: the machine's file system.
	FS vfs.FS
}

const (
	defaultCache = 256 << 20
	mostMemTable = 64 << 20
	leastCache   = 1 << 20
)

func (o Options) withDefaults() Options {
	o.Retention = max(o.Retention, 0)
	o.DuplicateMemory = max(cmp.Or(o.DuplicateMemory, o.Retention, 30*profile.Day), 0)
	o.SweepInterval = cmp.Or(o.SweepInterval, time.Hour)
	o.Limits = o.Limits.WithDefaults()
	o.CacheBytes = max(cmp.Or(o.CacheBytes, defaultCache), leastCache)
	o.MinFree = cmp.Or(o.MinFree, 256<<20)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	return o
}
