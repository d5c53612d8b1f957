package pebblestore

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// fault is the first error after which a store cannot go on. Pebble says such things to
// its logger and then expects the process to end; here every call fails instead, and no
// file is changed any more, so that what was there stays.
type fault struct {
	first atomic.Pointer[error]
	last  atomic.Pointer[error] // error of a file operation, for the reason
	log   *slog.Logger
}

func (f *fault) fail(err error) {
	if full := f.last.Load(); full != nil && isFull(*full) {
		err = fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	err = fmt.Errorf("%w: %w", ErrFailed, err)
	if f.first.CompareAndSwap(nil, &err) {
		f.log.Error("store failed", "err", err)
	}
}

// err returns the error of every call once there was a fault.
func (f *fault) err() error {
	if err := f.first.Load(); err != nil {
		return *err
	}
	return nil
}

// of returns the error of a call that failed: that of the fault, if that is the reason.
// Damage is a fault.
func (f *fault) of(err error) error {
	if err == nil {
		return nil
	}
	if first := f.err(); first != nil {
		return first
	}
	if pebble.IsCorruptionError(err) && !errors.Is(err, ErrDamaged) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, ErrDiskFull) }

// Infof implements pebble.Logger: what goes well is not logged.
func (f *fault) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (f *fault) Errorf(format string, args ...any) {
	f.log.Error("pebble", "err", fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger. It returns, which Pebble does not expect; what it does
// then stays in memory.
func (f *fault) Fatalf(format string, args ...any) {
	f.fail(fmt.Errorf("pebble: "+format, args...))
}

// gate is a file system on which a store that has failed changes nothing any more.
type gate struct {
	vfs.FS
	fault *fault
}

func (g *gate) closed() error {
	if g.fault.err() != nil {
		return os.ErrPermission
	}
	return nil
}

func (g *gate) note(err error) error {
	if err != nil {
		g.fault.last.Store(&err)
	}
	return err
}

// Create implements vfs.FS.
func (g *gate) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := g.closed(); err != nil {
		return nil, err
	}
	return g.file(g.FS.Create(name, c))
}

// OpenReadWrite implements vfs.FS.
func (g *gate) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	if err := g.closed(); err != nil {
		return nil, err
	}
	return g.file(g.FS.OpenReadWrite(name, c, opts...))
}

// ReuseForWrite implements vfs.FS.
func (g *gate) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := g.closed(); err != nil {
		return nil, err
	}
	return g.file(g.FS.ReuseForWrite(old, name, c))
}

// Link implements vfs.FS.
func (g *gate) Link(old, name string) error {
	return g.do(func() error { return g.FS.Link(old, name) })
}

// Remove implements vfs.FS.
func (g *gate) Remove(name string) error { return g.do(func() error { return g.FS.Remove(name) }) }

// RemoveAll implements vfs.FS.
func (g *gate) RemoveAll(name string) error {
	return g.do(func() error { return g.FS.RemoveAll(name) })
}

// Rename implements vfs.FS.
func (g *gate) Rename(old, name string) error {
	return g.do(func() error { return g.FS.Rename(old, name) })
}

func (g *gate) do(op func() error) error {
	if err := g.closed(); err != nil {
		return err
	}
	return g.note(op())
}

// Unwrap implements vfs.FS.
func (g *gate) Unwrap() vfs.FS { return g.FS }

func (g *gate) file(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, g.note(err)
	}
	return &gatedFile{File: f, gate: g}, nil
}

type gatedFile struct {
	vfs.File
	gate *gate
}

// Write implements vfs.File.
func (f *gatedFile) Write(b []byte) (n int, err error) {
	if err := f.gate.closed(); err != nil {
		return 0, err
	}
	n, err = f.File.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return n, f.gate.note(err)
}

// Sync implements vfs.File.
func (f *gatedFile) Sync() error { return f.gate.do(f.File.Sync) }

// SyncData implements vfs.File.
func (f *gatedFile) SyncData() error { return f.gate.do(f.File.SyncData) }

// SyncTo implements vfs.File.
func (f *gatedFile) SyncTo(length int64) (full bool, err error) {
	err = f.gate.do(func() error {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}
