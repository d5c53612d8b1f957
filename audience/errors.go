package audience

import (
	"errors"
	"fmt"
)

// What callers branch on, besides the errors of package profile
// (profile.ErrInvalid, ErrTime, ErrRetired, ErrNotFound, ErrClosed, ...).
var (
	ErrKey      = errors.New("bad key")                              // not [a-z][a-z0-9_]*, or too long
	ErrExists   = errors.New("key is in use")                        // by a live audience or computed trait, or a custom trait
	ErrCycle    = errors.New("definitions refer to each other")      // the error spells the cycle out
	ErrInUse    = errors.New("another definition refers to it")      // on delete
	ErrLocked   = errors.New("a definition is being made or edited") // wait until that is done
	ErrWindow   = errors.New("window is longer than the retention")  // of the store
	ErrComputed = errors.New("the engine computes this trait")       // a message sets it
)

// DefinitionError says what is wrong with a definition, and where.
type DefinitionError struct {
	Audience string // the key of an audience
	Trait    string // or of a computed trait
	Path     string // of the node or field: "where.all[1].event.where"; empty: the definition as a whole
	Err      error
}

// Error returns, say,
//
//	audience "big": where.all[1].event.where: 1:12: undeclared reference to 'now'
func (e *DefinitionError) Error() string {
	of := fmt.Sprintf("audience %q", e.Audience)
	if e.Trait != "" {
		of = fmt.Sprintf("trait %q", e.Trait)
	}
	if e.Path == "" {
		return fmt.Sprintf("%s: %v", of, e.Err)
	}
	return fmt.Sprintf("%s: %s: %v", of, e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *DefinitionError) Unwrap() error { return e.Err }

// CallbackError reports a callback that returned an error, panicked, or ended its goroutine. It
// goes to Options.OnError. For a callback of Subscribe and the like what it was called with
// counts as told; to a durable subscriber it is told again.
type CallbackError struct {
	Subscriber string // the name of a durable one; empty: it is none
	Notice     Notice // what it was called with
	Panic      any    // what it panicked with, or nil
	Stack      []byte // of the panic
	Err        error  // what it returned
}

// Error returns, say,
//
//	callback on ann entered big at 2026-01-01T00:00:00Z (event): mail server is down
//	subscriber "crm": callback on ann entered big at 2026-01-01T00:00:00Z (event): panic: oh
func (e *CallbackError) Error() string {
	text := fmt.Sprintf("callback on %s: ", e.Notice)
	if e.Subscriber != "" {
		text = fmt.Sprintf("subscriber %q: %s", e.Subscriber, text)
	}
	if e.Panic != nil {
		return fmt.Sprintf("%spanic: %v", text, e.Panic)
	}
	return fmt.Sprintf("%s%v", text, e.Err)
}

// Unwrap returns the error that the callback returned, or panicked with.
func (e *CallbackError) Unwrap() error {
	if err, ok := e.Panic.(error); ok {
		return err
	}
	return e.Err
}
