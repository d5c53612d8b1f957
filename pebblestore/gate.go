package pebblestore

import (
	"io"
	"os"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// gate is the file system that Pebble has. It does two things for a store that fails:
// once it has, no file is changed any more; and errors of the log never come to Pebble,
// which would panic, on a goroutine of its own or with locks that it does not hold. They
// are a fault of the store, and Pebble goes on as if it had written. Nothing of that is
// ever acknowledged, as who commits, and who syncs, asks for the fault afterwards.
type gate struct {
	vfs.FS
	fault *fault
}

func isLog(name string) bool { return strings.HasSuffix(name, ".log") }

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

// do makes a change, unless the store has failed.
func (g *gate) do(op func() error) error {
	if err := g.closed(); err != nil {
		return err
	}
	return g.note(op())
}

// doLog is do for what may not fail.
func (g *gate) doLog(op func() error) {
	if err := g.do(op); err != nil && g.fault.err() == nil {
		g.fault.fail(err)
	}
}

// file opens a file to be written.
func (g *gate) file(name string, open func() (vfs.File, error)) (vfs.File, error) {
	var f vfs.File
	err := g.do(func() (err error) {
		f, err = open()
		return err
	})
	switch {
	case err == nil:
		return &gatedFile{File: f, gate: g, log: isLog(name)}, nil
	case isLog(name):
		if g.fault.err() == nil {
			g.fault.fail(err)
		}
		return &gatedFile{File: nowhere{}, gate: g, log: true}, nil
	}
	return nil, err
}

// Create implements vfs.FS.
func (g *gate) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return g.file(name, func() (vfs.File, error) { return g.FS.Create(name, c) })
}

// OpenReadWrite implements vfs.FS.
func (g *gate) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return g.file(name, func() (vfs.File, error) { return g.FS.OpenReadWrite(name, c, opts...) })
}

// ReuseForWrite implements vfs.FS.
func (g *gate) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return g.file(name, func() (vfs.File, error) { return g.FS.ReuseForWrite(old, name, c) })
}

// OpenDir implements vfs.FS. To sync the directory is a part of making a log.
func (g *gate) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, g.note(err)
	}
	return &gatedFile{File: f, gate: g, log: true}, nil
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

// Unwrap implements vfs.FS.
func (g *gate) Unwrap() vfs.FS { return g.FS }

type gatedFile struct {
	vfs.File
	gate *gate
	log  bool // errors are faults, and nothing else
}

func (f *gatedFile) do(op func() error) error {
	if f.log {
		f.gate.doLog(op)
		return nil
	}
	return f.gate.do(op)
}

// Write implements vfs.File.
func (f *gatedFile) Write(b []byte) (n int, err error) {
	err = f.do(func() error {
		if n, err = f.File.Write(b); err == nil && n < len(b) {
			err = io.ErrShortWrite
		}
		return err
	})
	if err == nil {
		n = len(b)
	}
	return n, err
}

// WriteAt implements vfs.File.
func (f *gatedFile) WriteAt(b []byte, at int64) (n int, err error) {
	err = f.do(func() error {
		n, err = f.File.WriteAt(b, at)
		return err
	})
	return n, err
}

// Preallocate implements vfs.File.
func (f *gatedFile) Preallocate(offset, length int64) error {
	return f.do(func() error { return f.File.Preallocate(offset, length) })
}

// Sync implements vfs.File.
func (f *gatedFile) Sync() error { return f.do(f.File.Sync) }

// SyncData implements vfs.File.
func (f *gatedFile) SyncData() error { return f.do(f.File.SyncData) }

// SyncTo implements vfs.File.
func (f *gatedFile) SyncTo(length int64) (full bool, err error) {
	err = f.do(func() error {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

// Stat implements vfs.File.
func (f *gatedFile) Stat() (vfs.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil && f.log {
		f.gate.doLog(func() error { return err })
		return nowhereInfo{}, nil
	}
	return info, f.gate.note(err)
}

// Close implements vfs.File.
func (f *gatedFile) Close() error {
	err := f.gate.note(f.File.Close())
	if err != nil && f.log {
		if f.gate.fault.err() == nil {
			f.gate.fault.fail(err)
		}
		return nil
	}
	return err
}

// nowhere is the log of a store that has failed.
type nowhere struct{}

func (nowhere) Close() error                           { return nil }
func (nowhere) Read([]byte) (int, error)               { return 0, io.EOF }
func (nowhere) ReadAt([]byte, int64) (int, error)      { return 0, io.EOF }
func (nowhere) Write(b []byte) (int, error)            { return len(b), nil }
func (nowhere) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }
func (nowhere) Preallocate(int64, int64) error         { return nil }
func (nowhere) Stat() (vfs.FileInfo, error)            { return nowhereInfo{}, nil }
func (nowhere) Sync() error                            { return nil }
func (nowhere) SyncTo(int64) (bool, error)             { return true, nil }
func (nowhere) SyncData() error                        { return nil }
func (nowhere) Prefetch(int64, int64) error            { return nil }
func (nowhere) Fd() uintptr                            { return vfs.InvalidFd }

type nowhereInfo struct{}

func (nowhereInfo) Name() string           { return "" }
func (nowhereInfo) Size() int64            { return 0 }
func (nowhereInfo) Mode() os.FileMode      { return 0 }
func (nowhereInfo) ModTime() time.Time     { return time.Time{} }
func (nowhereInfo) IsDir() bool            { return false }
func (nowhereInfo) Sys() any               { return nil }
func (nowhereInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
