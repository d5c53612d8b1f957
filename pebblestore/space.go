package pebblestore

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// space looks at the room on the disk before commits: a log that cannot be written could
// not be gone on with, so what it may need is left free.
type space struct {
	written atomic.Int64 // bytes since it was looked at
	full    atomic.Bool
	mu      sync.Mutex
	none    bool // the file system cannot tell
}

// lookEvery is how many bytes are committed between two looks.
const lookEvery = 4 << 20

// room returns an error that wraps ErrDiskFull unless there is room to commit n bytes.
func (s *Store) room(n int) error {
	if s.opts.MinFree < 0 {
		return nil
	}
	if s.space.written.Add(int64(n)) < lookEvery && !s.space.full.Load() {
		return nil
	}
	s.space.mu.Lock()
	defer s.space.mu.Unlock()
	if s.space.none {
		return nil
	}
	s.space.written.Store(0)
	usage, err := s.fs.GetDiskUsage(s.dir)
	switch {
	case errors.Is(err, vfs.ErrUnsupported):
		s.space.none = true
		return nil
	case err != nil:
		return fmt.Errorf("look at the room on the disk: %w", err)
	}
	full := usage.AvailBytes < uint64(s.opts.MinFree)+uint64(n)
	s.space.full.Store(full)
	if full {
		return fmt.Errorf("%w: %d bytes are free, %d are left alone", ErrDiskFull, usage.AvailBytes, s.opts.MinFree)
	}
	return nil
}

// commitMetrics are what commits took.
type commitMetrics struct {
	n     atomic.Uint64
	bytes atomic.Uint64
	total atomic.Int64 // nanoseconds
	most  atomic.Int64
}

func (m *commitMetrics) add(bytes int, took time.Duration) {
	m.n.Add(1)
	m.bytes.Add(uint64(bytes))
	m.total.Add(int64(took))
	for {
		most := m.most.Load()
		if int64(took) <= most || m.most.CompareAndSwap(most, int64(took)) {
			return
		}
	}
}
