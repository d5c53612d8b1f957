package audience

import (
	"errors"
	"fmt"
)

// What callers branch on, besides the errors of package profile
// (profile.ErrInvalid, ErrTime, ErrRetired, ErrNotFound, ErrClosed, ...).
var (
	ErrKey    = errors.New("bad key")                             // not [a-z][a-z0-9_]*, or too long
	ErrExists = errors.New("key is in use")                       // a live audience has the key
	ErrCycle  = errors.New("audiences refer to each other")       // the error spells the cycle out
	ErrInUse  = errors.New("another audience refers to it")       // on delete
	ErrWindow = errors.New("window is longer than the retention") // of the store
)

// DefinitionError says what is wrong with a definition, and where.
type DefinitionError struct {
	Audience string // its key
	Path     string // of the node or field: "where.all[1].event.where"; empty: the definition as a whole
	Err      error
}

// Error returns, say,
//
//	audience "big": where.all[1].event.where: 1:12: undeclared reference to 'now'
func (e *DefinitionError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("audience %q: %v", e.Audience, e.Err)
	}
	return fmt.Sprintf("audience %q: %s: %v", e.Audience, e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *DefinitionError) Unwrap() error { return e.Err }

// CallbackError reports a callback that returned an error or panicked. It goes
// to Options.OnError; the transition counts as delivered.
type CallbackError struct {
	Transition Transition
	Panic      any    // what it panicked with, or nil
	Stack      []byte // of the panic
	Err        error  // what it returned
}

func (e *CallbackError) Error() string {
	if e.Panic != nil {
		return fmt.Sprintf("callback on %s: panic: %v", e.Transition, e.Panic)
	}
	return fmt.Sprintf("callback on %s: %v", e.Transition, e.Err)
}

// Unwrap returns the error that the callback returned, or panicked with.
func (e *CallbackError) Unwrap() error {
	if err, ok := e.Panic.(error); ok {
		return err
	}
	return e.Err
}

// BatchError says at which message of a batch Apply stopped.
type BatchError struct {
	Index int
	Err   error
}

func (e *BatchError) Error() string { return fmt.Sprintf("message %d: %v", e.Index, e.Err) }

// Unwrap returns the cause.
func (e *BatchError) Unwrap() error { return e.Err }
