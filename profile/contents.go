package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Contents is all that a store keeps of one profile.
type Contents struct {
	Ref      Ref
	Known    bool            // see Reader.Known
	IDs      []ExternalID    // by type, then value
	Accounts []string        // that a user is attached to, ascending
	Senders  []string        // accounts that a user sent events for, ascending
	Merged   []string        // ids that were merged into the user, ascending
	Messages []KeptMessage   // by name, then time, then arrival
	Traits   []TraitWrite    // in the order of Reader.Traits
	Members  []Membership    // by audience
	Values   []ComputedValue // by key
	// Wake is without the counts of users: whether there are any depends on what was in
	// memory, and not on the data alone. Who has none counts anew.
	Wake Wake
}

// KeptMessage is a message as a store keeps it: an event; or the message id of another call,
// whose event has no name and the instant at which it arrived; or a trait call of a user, which is that
// with what it set, for the sake of merges.
type KeptMessage struct {
	Event  Event     // its profile is that of the contents
	Call   bool      // it is a trait call
	Traits Object    // that it set
	Time   time.Time // of them
}

// Deleted is what is remembered of a deleted profile, by one of the ids that it had: which
// messages stay duplicates, and until when.
type Deleted struct {
	Profile  Hash
	Until    time.Time
	Messages []Hash // ascending
}

// At is where a store is.
type At struct {
	Seq    uint64    // the last arrival number
	Now    time.Time // the latest instant of a transaction; zero: there was none
	Notice uint64    // the id of the last notice
}

// Row is a part of what a store holds: an *At, *KeyRecord, *SetCursor, *SetPosition,
// *SetRecord, *Notice, *Deleted or *Contents.
type Row interface{ row() }

func (*At) row()          {}
func (*KeyRecord) row()   {}
func (*SetCursor) row()   {}
func (*SetPosition) row() {}
func (*SetRecord) row()   {}
func (*Notice) row()      {}
func (*Deleted) row()     {}
func (*Contents) row()    {}

// compareMessages is the order of Contents.Messages.
func compareMessages(a, b KeptMessage) int {
	return cmp.Or(strings.Compare(a.Event.Name, b.Event.Name), a.Event.Time.Compare(b.Event.Time), cmp.Compare(a.Event.Seq, b.Event.Seq))
}

// CompareDeleted is the order of rows of what is deleted.
func CompareDeleted(a, b Deleted) int {
	return cmp.Or(a.Profile.Compare(b.Profile), a.Until.Compare(b.Until), slices.CompareFunc(a.Messages, b.Messages, Hash.Compare))
}

// CheckRow returns an error for a row that no store has, whatever else it has: it wraps
// ErrInvalid, ErrTooLarge or ErrTime.
func CheckRow(r Row) error {
	switch r := r.(type) {
	case *At:
		if r.Now.IsZero() {
			return nil
		}
		return CheckTime(r.Now)
	case *KeyRecord:
		return CheckID("key", r.Key)
	case *SetCursor:
		return validate(r)
	case *SetPosition:
		return validate(r)
	case *SetRecord:
		if err := validate(r); err != nil || len(r.Record.Value) > 0 {
			return err
		}
		return fmt.Errorf("%w: a record without a value", ErrInvalid)
	case *Notice:
		if r.ID == 0 {
			return fmt.Errorf("%w: notice 0", ErrInvalid)
		}
		return nil
	case *Deleted:
		if !inOrder(r.Messages, Hash.Compare, true) {
			return fmt.Errorf("%w: hashes are not in their order", ErrInvalid)
		}
		return nil
	case *Contents:
		if err := r.validate(); err != nil {
			return fmt.Errorf("%s %q: %w", r.Ref.Subject, r.Ref.ID, err)
		}
		return nil
	}
	return fmt.Errorf("%w: a row of type %T", ErrInvalid, r)
}

// inOrder reports whether a list is in its order; with repeats, equal items may follow
// each other.
func inOrder[T any](list []T, compare func(a, b T) int, repeats bool) bool {
	for i := 1; i < len(list); i++ {
		if c := compare(list[i-1], list[i]); c > 0 || c == 0 && !repeats {
			return false
		}
	}
	return true
}

func (c *Contents) validate() error {
	if err := checkRef(c.Ref); err != nil {
		return err
	}
	for _, id := range c.IDs {
		if err := firstError(CheckID("external id type", id.Type), CheckID("external id", id.Value)); err != nil {
			return err
		}
	}
	for _, list := range [...][]string{c.Accounts, c.Senders, c.Merged} {
		for _, id := range list {
			if err := CheckID("id", id); err != nil {
				return err
			}
		}
		if !inOrder(list, strings.Compare, false) {
			return fmt.Errorf("%w: ids are not in their order", ErrInvalid)
		}
	}
	if c.Ref.Subject == Account && len(c.Accounts)+len(c.Senders)+len(c.Merged) > 0 {
		return fmt.Errorf("%w: an account with accounts or merged ids", ErrInvalid)
	}
	if !inOrder(c.IDs, compareIDs, false) || !inOrder(c.Messages, compareMessages, false) {
		return fmt.Errorf("%w: messages or external ids are not in their order", ErrInvalid)
	}
	for i := range c.Messages {
		if err := c.Messages[i].validate(c.Ref.Subject); err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
	}
	return c.validateMade()
}

// validateMade checks what follows from the messages.
func (c *Contents) validateMade() error {
	for i := range c.Traits {
		w := &c.Traits[i]
		if err := firstError(checkOptional("message id", w.MessageID), CheckTime(w.Time)); err != nil {
			return err
		}
		if i > 0 && cmp.Or(strings.Compare(c.Traits[i-1].Name, w.Name), c.Traits[i-1].Compare(*w)) > 0 {
			return fmt.Errorf("%w: traits are not in their order", ErrInvalid)
		}
	}
	for i := range c.Members {
		m := &c.Members[i]
		if err := firstError(CheckID("audience", m.Audience), CheckTime(m.Since)); err != nil {
			return err
		}
		if i > 0 && c.Members[i-1].Audience >= m.Audience {
			return fmt.Errorf("%w: audiences are not in their order", ErrInvalid)
		}
	}
	for i := range c.Values {
		v := &c.Values[i]
		if err := firstError(CheckID("key", v.Key), CheckTime(v.Since)); err != nil {
			return err
		}
		if v.Value.IsNull() || i > 0 && c.Values[i-1].Key >= v.Key {
			return fmt.Errorf("%w: values are not in their order, or null", ErrInvalid)
		}
	}
	if c.Wake.At.IsZero() {
		return nil
	}
	return CheckTime(c.Wake.At)
}

func (m *KeptMessage) validate(of Subject) error {
	e := &m.Event
	if err := firstError(checkOptional("event name", e.Name), checkOptional("message id", e.MessageID), checkOptional("group id", e.Account), CheckTime(e.Time)); err != nil {
		return err
	}
	switch {
	case e.Seq == 0:
		return fmt.Errorf("%w: a message that has not arrived", ErrInvalid)
	case m.Call:
		if e.Name != "" || of != User {
			return fmt.Errorf("%w: a trait call that is an event, or an account's", ErrInvalid)
		}
		return CheckTime(m.Time)
	case of == Account && e.Name != "":
		return fmt.Errorf("%w: an event of an account", ErrInvalid)
	case e.Name == "" && e.MessageID == "":
		return fmt.Errorf("%w: neither an event nor a message id", ErrInvalid)
	}
	return nil
}
