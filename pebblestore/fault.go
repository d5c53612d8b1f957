package pebblestore

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
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
