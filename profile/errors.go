package profile

import (
	"errors"
	"fmt"
)

// What callers branch on. Errors returned by this package wrap one of these
// with the particulars.
var (
	ErrInvalid   = errors.New("invalid input")            // malformed, empty or not representable
	ErrTooLarge  = errors.New("input too large")          // beyond a stated limit
	ErrTime      = errors.New("time out of range")        // zero or outside [MinTime, MaxTime)
	ErrNotFound  = errors.New("not found")                // no such profile, account or audience
	ErrClosed    = errors.New("closed")                   // used after Close
	ErrRetired   = errors.New("key was used before")      // audience keys are never used twice
	ErrRetention = errors.New("older than the retention") // the event is outside what the store keeps
	ErrLimit     = errors.New("beyond a limit")           // of what one profile has: a *LimitError
	ErrNotEmpty  = errors.New("the store is not empty")   // Import wants an empty one
	ErrTaken     = errors.New("the store is in use")      // by another engine
	ErrNotNamed  = fmt.Errorf("%w: the transaction was not begun for it", ErrInvalid)
)
