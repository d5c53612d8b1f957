package pebblestore

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/muster-go/muster/profile"
)

// syncs puts commits on the disk, many at a time. One goroutine syncs for all that wait;
// those that come meanwhile are the next group.
type syncs struct {
	committed atomic.Uint64 // the mark of the last commit
	applied   atomic.Uint64 // the greatest number of a commit that is in the log

	mu      sync.Mutex
	synced  uint64        // all up to this mark are on the disk
	running bool          // somebody syncs
	done    chan struct{} // closed when the sync that runs, or runs next, is over
	waits   latency
}

// latency counts what it takes to put commits on the disk.
type latency struct {
	n     uint64
	total time.Duration
	most  time.Duration
}

// Durable implements profile.Store: see Options.SyncInterval.
func (s *Store) Durable(ctx context.Context, upTo profile.Mark) error {
	if err := s.use(ctx); err != nil {
		return err
	}
	defer s.leave()
	mark := min(uint64(upTo), s.syncs.committed.Load())
	for {
		s.syncs.mu.Lock()
		switch {
		case s.syncs.synced >= mark:
			s.syncs.mu.Unlock()
			return nil
		case s.fault.err() != nil:
			s.syncs.mu.Unlock()
			return s.fault.err()
		case !s.syncs.running && s.opts.SyncInterval == 0:
			s.syncs.running = true
			s.syncs.mu.Unlock()
			if err := s.sync(); err != nil {
				return err
			}
			continue
		}
		done := s.syncs.done
		s.syncs.mu.Unlock()
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.life.Done(): // Close syncs what there is
			return s.syncToClose(mark)
		}
	}
}

// syncToClose is the end of waiting when the store is closed meanwhile.
func (s *Store) syncToClose(mark uint64) error {
	s.syncs.mu.Lock()
	for s.syncs.running {
		done := s.syncs.done
		s.syncs.mu.Unlock()
		<-done
		s.syncs.mu.Lock()
	}
	if s.syncs.synced >= mark {
		s.syncs.mu.Unlock()
		return nil
	}
	s.syncs.running = true
	s.syncs.mu.Unlock()
	return s.sync()
}

// sync puts all commits so far on the disk. The caller has set running.
func (s *Store) sync() error {
	mark, applied := s.syncs.committed.Load(), s.syncs.applied.Load()
	start := time.Now()
	err := s.fault.err()
	if err == nil {
		err = s.db.LogData(nil, pebble.Sync)
	}
	if err == nil {
		err = s.fault.err()
	}
	if err != nil && s.fault.err() == nil {
		s.fault.fail(fmt.Errorf("sync: %w", err)) // what of it is on the disk nobody knows
	}
	if err == nil {
		if err = s.mark.write(applied); err != nil {
			s.fault.fail(fmt.Errorf("write the last synced position: %w", err))
		}
	}
	s.syncs.mu.Lock()
	defer s.syncs.mu.Unlock()
	if err == nil {
		took := time.Since(start)
		s.syncs.synced = max(s.syncs.synced, mark)
		s.syncs.waits.n++
		s.syncs.waits.total += took
		s.syncs.waits.most = max(s.syncs.waits.most, took)
	}
	s.syncs.running = false
	close(s.syncs.done)
	s.syncs.done = make(chan struct{})
	return s.fault.of(err)
}

// syncOften syncs at the interval, until the store is closed.
func (s *Store) syncOften() {
	ticker := time.NewTicker(s.opts.SyncInterval)
	defer ticker.Stop()
	for {
		select {
		case <-s.life.Done():
			return
		case <-ticker.C:
		}
		s.syncs.mu.Lock()
		idle := s.syncs.running || s.syncs.synced >= s.syncs.committed.Load()
		s.syncs.running = s.syncs.running || !idle
		s.syncs.mu.Unlock()
		if !idle {
			if err := s.sync(); err != nil {
				return // every call says so from now on
			}
		}
	}
}

// markFile is a small file with the number of the last commit that is known to be on the
// disk. A store that has fewer has lost the end of its log, which the log itself cannot
// tell. The number is written to two places in turn, so that one is whole at any time.
type markFile struct {
	file vfs.File
	next int64
	last uint64
}

const (
	markName = "SYNCED"
	markSize = 12 // number, checksum
)

func appendMark(b []byte, n uint64) []byte {
	b = binary.LittleEndian.AppendUint64(b, n)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b[len(b)-8:]))
}

func readMark(b []byte) (n uint64, ok bool) {
	if len(b) < markSize {
		return 0, false
	}
	return binary.LittleEndian.Uint64(b), crc32.ChecksumIEEE(b[:8]) == binary.LittleEndian.Uint32(b[8:])
}

// openMark opens the file, and returns what it says; exists is false if there is none.
func openMark(fs vfs.FS, dir string) (m markFile, exists bool, err error) {
	name := fs.PathJoin(dir, markName)
	if _, err := fs.Stat(name); err != nil {
		return m, false, nil // it is made: see createMark
	}
	if m.file, err = fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified); err != nil {
		return m, true, err
	}
	b := make([]byte, 2*markSize)
	if n, err := m.file.ReadAt(b, 0); n < len(b) {
		return m, true, fmt.Errorf("%w: %s has %d bytes: %w", ErrDamaged, markName, n, err)
	}
	one, okOne := readMark(b)
	two, okTwo := readMark(b[markSize:])
	switch {
	case okOne && (!okTwo || one >= two):
		m.last, m.next = one, markSize
	case okTwo:
		m.last = two
	default:
		return m, true, fmt.Errorf("%w: %s is not as it was written", ErrDamaged, markName)
	}
	return m, true, nil
}

// createMark makes the file of a store in which nothing was committed yet, or, of a copy,
// with the number of its last commit.
func createMark(fs vfs.FS, dir string, n uint64) error {
	f, err := fs.Create(fs.PathJoin(dir, markName), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err := f.Write(appendMark(appendMark(nil, n), n)); err != nil {
		_ = f.Close() // the first error says more
		return err
	}
	if err := f.Sync(); err != nil {
		_ = f.Close() // likewise
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncDir(fs, dir)
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		_ = d.Close() // the first error says more
		return err
	}
	return d.Close()
}

// write notes a number. It is not synced itself: what is lost of it makes the next opening
// less strict, and nothing wrong.
func (m *markFile) write(n uint64) error {
	if n <= m.last {
		return nil
	}
	var b [markSize]byte
	if _, err := m.file.WriteAt(appendMark(b[:0], n), m.next); err != nil {
		return err
	}
	m.last, m.next = n, markSize-m.next
	return nil
}
