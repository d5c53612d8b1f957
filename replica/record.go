package replica

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Record is one entry of a partition's input.
type Record struct {
	Number uint64    // from 1 and without gaps, in the order of the partition
	Time   time.Time // at which the log took it: the engine's clock
	Body   []byte    // a message of the Segment spec in JSON, or what Command.Body returns
}

// Op is what a Command does.
type Op string

// The commands. Those on definitions are what the methods of audience.Engine of these
// names do.
const (
	Tick           Op = "tick"            // nothing but that time goes on
	Sync           Op = "sync"            // File, Delete
	Create         Op = "create"          // File
	EditAudience   Op = "edit_audience"   // Audience
	EditTrait      Op = "edit_trait"      // Trait
	DeleteAudience Op = "delete_audience" // Key
	DeleteTrait    Op = "delete_trait"    // Key
	Pause          Op = "pause"           // Key
	Resume         Op = "resume"          // Key
	Recompute      Op = "recompute"       // Keys
	DeleteUser     Op = "delete_user"     // Profile
	DeleteAccount  Op = "delete_account"  // Account
	Leave          Op = "leave"           // Profile, Account
	// PassOver says that an earlier record is not to be applied, as it kills the engine. It
	// holds unless the record was applied, and told of, before an owner came to know of it.
	PassOver Op = "pass_over" // Record, Why
)

// Command is what a record says that is no message: what is done beside the data, at its
// place in the order.
type Command struct {
	Op       Op                   `json:"op"`
	File     *audience.File       `json:"file,omitempty"`
	Delete   bool                 `json:"delete,omitempty"`
	Audience *audience.Definition `json:"audience,omitempty"`
	Trait    *trait.Computed      `json:"trait,omitempty"`
	Key      string               `json:"key,omitempty"`
	Keys     []string             `json:"keys,omitempty"`
	Profile  string               `json:"profile,omitempty"`
	Account  string               `json:"account,omitempty"`
	Record   uint64               `json:"record,omitempty"`
	Why      string               `json:"why,omitempty"`
}

// commandMark is the first byte of the body of a command. No JSON begins with it, so no
// sender of messages can send one.
const commandMark = '!'

// Body returns the body of a record. The error wraps profile.ErrInvalid: the command lacks
// what its operation needs.
func (c Command) Body() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write a command: %w", err)
	}
	return append([]byte{commandMark}, text...), nil
}

// check returns an error if the command lacks what its operation needs.
func (c *Command) check() error {
	var has bool
	switch c.Op {
	case Tick:
		has = true
	case Sync, Create:
		has = c.File != nil
	case EditAudience:
		has = c.Audience != nil
	case EditTrait:
		has = c.Trait != nil
	case DeleteAudience, DeleteTrait, Pause, Resume:
		has = c.Key != ""
	case Recompute:
		has = len(c.Keys) > 0
	case DeleteUser:
		has = c.Profile != ""
	case DeleteAccount:
		has = c.Account != ""
	case Leave:
		has = c.Profile != "" && c.Account != ""
	case PassOver:
		has = c.Record > 0
	default:
		return fmt.Errorf("%w: there is no command %q", profile.ErrInvalid, c.Op)
	}
	if !has {
		return fmt.Errorf("%w: the command %s does not say of what", profile.ErrInvalid, c.Op)
	}
	return nil
}

// isCommand reports whether a body is that of a command.
func isCommand(body []byte) bool { return len(body) > 0 && body[0] == commandMark }

// parseCommand reads the body of a command.
func parseCommand(body []byte) (c Command, err error) {
	in := json.NewDecoder(bytes.NewReader(body[1:]))
	in.DisallowUnknownFields()
	if err := in.Decode(&c); err != nil {
		return c, fmt.Errorf("%w: a command: %w", profile.ErrInvalid, err)
	}
	return c, c.check()
}

// MessageBody returns text as the body of a record, if it is a message that
// profile.ParseMessage reads.
func MessageBody(text []byte) ([]byte, error) {
	if _, err := profile.ParseMessage(text); err != nil {
		return nil, err
	}
	return text, nil
}

// refusals are the errors with which the engine refuses a command, and that say nothing
// of the store or of a context.
var refusals = []error{
	profile.ErrInvalid, profile.ErrTooLarge, profile.ErrTime, profile.ErrNotFound, profile.ErrRetired, profile.ErrRetention,
	profile.ErrLimit, audience.ErrRefused, audience.ErrKey, audience.ErrExists, audience.ErrCycle, audience.ErrInUse,
	audience.ErrLocked, audience.ErrWindow, audience.ErrComputed, audience.ErrBatch, audience.ErrPaused, audience.ErrBroken,
}

// refuses reports whether an error is of the record, whoever applies it, and not a failure.
func refuses(err error) bool {
	for _, why := range refusals {
		if errors.Is(err, why) {
			return true
		}
	}
	return false
}
