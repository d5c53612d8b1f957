package profile

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxID is the longest id, name or key, in bytes.
const MaxID = 1024

// Subject says what an id names: a user or an account.
type Subject uint8

// The two subjects. Their ids are separate: user "7" is not account "7".
const (
	User Subject = iota
	Account
)

// String returns "user" or "account".
func (s Subject) String() string {
	if s == Account {
		return "account"
	}
	return "user"
}

// Ref names one profile: a user's or an account's.
type Ref struct {
	Subject Subject
	ID      string
}

// Compare is the order of profiles: accounts follow users, and each come by their ids.
func (r Ref) Compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.Subject, o.Subject), strings.Compare(r.ID, o.ID))
}

// UserRef and AccountRef are shorthand for a Ref.
func UserRef(id string) Ref    { return Ref{User, id} }
func AccountRef(id string) Ref { return Ref{Account, id} }

// Event is one thing that a user did: a track, page or screen call.
type Event struct {
	Profile    string    // the user's id; any id that was merged into the profile serves
	Name       string    // what was done: "Order Completed"
	Time       time.Time // when it was done, by the sender's clock
	MessageID  string    // the same id for the same profile is the same event; empty: never a duplicate
	Account    string    // the account it was sent for (context.groupId), if any
	Properties Object
	Props      Props // instead of Properties: they are packed when the engine takes the event
	Context    Object
	Seq        uint64 // order of arrival, given by the store; ignored on input
}

// Props are properties as Go has them: Props{"total": 60, "tags": []string{"a"}}. A
// value is any that encoding/json can write.
type Props map[string]any

// Packed returns the event with its Props as Properties. An error says what has no
// JSON form, and where: "properties: tags: [0]: ...".
func (e Event) Packed() (Event, error) {
	if e.Props == nil {
		return e, nil
	}
	if e.Properties.Len() > 0 {
		return e, fmt.Errorf("%w: an event has Properties or Props, not both", ErrInvalid)
	}
	var err error
	if e.Properties, err = NewObject(e.Props); err != nil {
		return e, fmt.Errorf("properties: %w", err)
	}
	e.Props = nil
	return e, nil
}

// Validate returns an error for an event that no store takes.
func (e *Event) Validate() error {
	if err := CheckID("profile id", e.Profile); err != nil {
		return err
	}
	if err := CheckID("event name", e.Name); err != nil {
		return err
	}
	if err := checkOptional("message id", e.MessageID); err != nil {
		return err
	}
	if err := checkOptional("group id", e.Account); err != nil {
		return err
	}
	if e.Props != nil {
		return fmt.Errorf("%w: Props are not packed", ErrInvalid)
	}
	return CheckTime(e.Time)
}

// CheckID returns an error wrapping ErrInvalid or ErrTooLarge unless id is
// non-empty valid UTF-8 of at most MaxID bytes. what names it in the error.
func CheckID(what, id string) error {
	if id == "" {
		return fmt.Errorf("%w: %s is empty", ErrInvalid, what)
	}
	return checkOptional(what, id)
}

func checkOptional(what, id string) error {
	if len(id) > MaxID {
		return fmt.Errorf("%w: %s of %d bytes, at most %d", ErrTooLarge, what, len(id), MaxID)
	}
	if !utf8.ValidString(id) {
		return fmt.Errorf("%w: %s is not valid UTF-8", ErrInvalid, what)
	}
	return nil
}

// TraitWrite is one setting of one trait. A null value removes the trait.
//
// The write that counts at instant t is the greatest by Compare among those
// with Time <= t: the newest event time wins, and of one time the last to arrive.
type TraitWrite struct {
	Name      string
	Value     Value
	Time      time.Time
	MessageID string
	Seq       uint64 // order of arrival, given by the store
}

// Compare orders writes of one trait: by time, then the order of arrival, then, if
// that is not known, value.
func (w TraitWrite) Compare(x TraitWrite) int {
	return cmp.Or(w.Time.Compare(x.Time), cmp.Compare(w.Seq, x.Seq), w.Value.Compare(x.Value))
}

// ExternalID is an id of a profile in some system: type "email", value
// "a@x.io". A profile may have several of a type.
type ExternalID struct {
	Type, Value string
}

// ComputedValue is the value of one computed trait of one profile.
type ComputedValue struct {
	Key   string
	Ref   Ref
	Value Value     // never null: where a trait has no value there is none
	Since time.Time // the instant of the change
}

// Membership is one profile's being in one audience.
type Membership struct {
	Audience string
	Ref      Ref
	Since    time.Time // the instant of the transition
}
