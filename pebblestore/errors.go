package pebblestore

import "errors"

// What callers branch on. Errors of this package wrap one of these, or one of package
// profile's, with the particulars.
var (
	// ErrInUse: another process, or another Store of this one, has the directory.
	ErrInUse = errors.New("the store is open elsewhere")
	// ErrDiskFull: there is not enough room. Nothing was changed. Commits succeed again as
	// soon as there is; if ErrFailed comes with it, once the store was opened anew.
	ErrDiskFull = errors.New("the disk is full")
	// ErrFailed: a file could not be written, or read, and what the store has in memory may
	// not be what it has on the disk. Every call fails from then on. What Durable returned
	// of is there when the store is opened again.
	ErrFailed = errors.New("the store has failed")
	// ErrDamaged: files are not as they were written.
	ErrDamaged = errors.New("the store is damaged")
	// ErrFormat: the directory has another thing than a store, or one of a newer version.
	ErrFormat = errors.New("unknown format")
)
