package destination

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/muster-go/muster/profile"
)

// Destination is where memberships are sent to. A Connection calls Deliver for
// one batch at a time, and again with the same batch until it is accepted or
// refused.
//
// A Destination that is an io.Closer is closed with its connection.
type Destination interface {
	// Type names the kind of receiver: "webhook". A hub has at most one
	// connection of a type.
	Type() string
	// Modes returns what the destination can be sent; see Config.Mode.
	Modes() Mode
	// Deliver hands over a batch, which it must not change. It returns nil if
	// the receiver has all of it. An error that wraps ErrRefused says that the
	// receiver will never take it; after any other the batch comes again, as it
	// is: not before a RetryAfterError in it says so. ctx ends with the
	// attempt's timeout. Deliver may change the engine, but not call methods of
	// the hub or the connection that deliver or close.
	Deliver(ctx context.Context, b *Batch) error
}

// Mode is a form in which memberships are sent, or a set of them.
type Mode uint8

// The modes. Identify and Track can be combined: a change is two messages then.
// Of accounts both send group calls.
const (
	Identify Mode = 1 << iota // boolean property: a trait with the audience's key, true or false
	Track                     // boolean property: the events Audience Entered and Audience Exited
	Lists                     // user list: who is to be added and removed
)

// Batch is a number of changes, in the order in which they are to be applied. Of a
// profile in an audience there is one at most; it can be several messages, with
// different ids of the profile. Its JSON form is {"batch": [MESSAGE...]}, as
// Segment's own HTTP API takes it, or {"lists": [LIST...]}.
type Batch struct {
	ID       string            // of what is in it: the same whenever it is sent again
	Messages []profile.Message // in the modes Identify and Track
	Lists    []List            // in the mode Lists
}

// List is what changes in the list of one audience. Its JSON form has the type
// "list", and "of" is "users" or "accounts":
//
//	{"type": "list", "audience": "key", "of": "users", "add": [MEMBER...], "remove": [MEMBER...]}
//	MEMBER: {"id": "ann", "messageId": "...", "timestamp": "...", "externalIds": [{"type": "email", "id": "ann@x.io"}]}
//
// A visitor has "anonymous": true; no id is in Add and in Remove.
type List struct {
	Audience string
	Of       profile.Subject
	Add      []Member
	Remove   []Member
}

// Member is one entry of a List.
type Member struct {
	ID          string // of the user or account; see Identity
	Anonymous   bool   // ID is a visitor's
	MessageID   string // of the change: the same whenever it is sent again
	At          time.Time
	ExternalIDs []profile.ExternalID // see Config.ExternalIDs
}

// What callers branch on, besides profile.ErrInvalid, ErrNotFound and ErrClosed.
var (
	ErrRefused   = errors.New("refused for good")                        // by the receiver: sending it again is of no use
	ErrConnected = errors.New("a destination of this type is connected") // to the hub already
	ErrMode      = errors.New("the destination does not support the mode")
	ErrRunning   = errors.New("the hub runs already")
)

// RetryAfterError is an error of Destination.Deliver with which a receiver says how
// long it wants to be left alone.
type RetryAfterError struct {
	Wait time.Duration
	Err  error
}

func (e *RetryAfterError) Error() string { return fmt.Sprintf("%v (retry after %v)", e.Err, e.Wait) }

// Unwrap returns the cause.
func (e *RetryAfterError) Unwrap() error { return e.Err }

// StatusError is an error of Destination.Deliver: an HTTP server answered with a status
// other than 2xx.
type StatusError struct {
	Code int
	Body string // how it begins
}

// Error returns, say, `503 Service Unavailable: "down for maintenance"`.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%d %s", e.Code, http.StatusText(e.Code))
	if e.Body == "" {
		return text
	}
	return fmt.Sprintf("%s: %q", text, e.Body)
}

// Is reports whether target is ErrRefused and the status says so: 400, 413 or 422. All
// others can be mended at the receiver.
func (e *StatusError) Is(target error) bool {
	switch e.Code {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return target == ErrRefused
	}
	return false
}

// DeliveryError reports an attempt that failed. It goes to Options.OnError.
type DeliveryError struct {
	Type    string    // of the destination
	Batch   *Batch    // nil if it could not be put together
	Attempt int       // 1 for the first
	Next    time.Time // when the next attempt is due; zero if there is none
	Err     error
}

// Error returns, say, "webhook: attempt 3: 503 Service Unavailable".
func (e *DeliveryError) Error() string {
	return fmt.Sprintf("%s: attempt %d: %v", e.Type, e.Attempt, e.Err)
}

// Unwrap returns the cause. It wraps ErrRefused if the batch is given up.
func (e *DeliveryError) Unwrap() error { return e.Err }

// UnsentError says that changes were left when a type was disconnected.
type UnsentError struct {
	Type    string // of the destination
	Changes int
	Err     error // why, if there was an attempt to send them
}

func (e *UnsentError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %d changes were not sent", e.Type, e.Changes)
	}
	return fmt.Sprintf("%s: %d changes were not sent: %v", e.Type, e.Changes, e.Err)
}

// Unwrap returns the cause.
func (e *UnsentError) Unwrap() error { return e.Err }
