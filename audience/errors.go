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

// CallbackError reports a callback that returned an error or panicked. It goes
// to Options.OnError; the transition counts as delivered.
type CallbackError struct {
	Transition Transition
	Change     *TraitChange // if it was called with one
	IDs        *IDChange    // if it was called with one
	Panic      any          // what it panicked with, or nil
	Stack      []byte       // of the panic
	Err        error        // what it returned
}

func (e *CallbackError) Error() string {
	on := e.Transition.String()
	switch {
	case e.Change != nil:
		on = e.Change.String()
	case e.IDs != nil:
		on = e.IDs.String()
	}
	if e.Panic != nil {
		return fmt.Sprintf("callback on %s: panic: %v", on, e.Panic)
	}
	return fmt.Sprintf("callback on %s: %v", on, e.Err)
}

// Unwrap returns the error that the callback returned, or panicked with.
func (e *CallbackError) Unwrap() error {
	if err, ok := e.Panic.(error); ok {
		return err
	}
	return e.Err
}
