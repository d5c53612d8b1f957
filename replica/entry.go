package replica

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// Entry is one thing that is told: of Transition, TraitChange and IDChange one is set. The
// ID of that is the entry's number in its partition: from 1, and without gaps.
type Entry struct {
	Partition int
	Record    uint64 // that caused it
	audience.Notice
}

// entryJSON is the form of an entry in a chunk.
type entryJSON struct {
	Number   uint64         `json:"number"`
	Record   uint64         `json:"record"`
	Audience string         `json:"audience,omitempty"`
	Trait    string         `json:"trait,omitempty"`
	Subject  string         `json:"subject,omitempty"`
	Profile  string         `json:"profile"`
	Type     string         `json:"type"` // entered, exited, changed, ids
	Old      *profile.Value `json:"old,omitempty"`
	New      *profile.Value `json:"new,omitempty"`
	At       time.Time      `json:"at"`
	Cause    string         `json:"cause,omitempty"`
}

const (
	typeChanged = "changed" // a computed trait
	typeIDs     = "ids"     // a profile has other ids
)

// MarshalJSON writes one line, whose "type" is "entered" or "exited", "changed" for a
// computed trait, or "ids":
//
//	{"number":7,"record":12,"audience":"buyers","profile":"ann","type":"entered","at":"2026-01-31T12:00:00Z","cause":"event"}
func (e Entry) MarshalJSON() ([]byte, error) {
	j := entryJSON{Number: e.ID, Record: e.Record}
	var ref profile.Ref
	switch {
	case e.Transition != nil:
		tr := e.Transition
		ref, j.Audience, j.Type, j.At, j.Cause = tr.Ref(), tr.Audience, tr.Type.String(), tr.At, tr.Cause.String()
	case e.TraitChange != nil:
		c := e.TraitChange
		ref, j.Trait, j.Type, j.At, j.Cause = c.Profile, c.Trait, typeChanged, c.At, c.Cause.String()
		j.Old, j.New = &c.Old, &c.New
	case e.IDChange != nil:
		ref, j.Type, j.At = e.IDChange.Profile, typeIDs, e.IDChange.At
	default:
		return nil, fmt.Errorf("%w: an entry without content", profile.ErrInvalid)
	}
	j.Profile, j.At = ref.ID, j.At.UTC()
	if ref.Subject == profile.Account {
		j.Subject = ref.Subject.String()
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON has written, but for the partition, which a chunk
// says.
func (e *Entry) UnmarshalJSON(text []byte) error {
	var j entryJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	ref := profile.UserRef(j.Profile)
	if j.Subject == profile.Account.String() {
		ref = profile.AccountRef(j.Profile)
	}
	*e = Entry{Partition: e.Partition, Record: j.Record, Notice: audience.Notice{ID: j.Number}}
	if j.Type == typeIDs {
		e.IDChange = &audience.IDChange{ID: j.Number, Profile: ref, At: j.At}
		return nil
	}
	cause, err := causeOf(j.Cause)
	if err != nil {
		return err
	}
	switch j.Type {
	case typeChanged:
		e.TraitChange = &audience.TraitChange{ID: j.Number, Trait: j.Trait, Profile: ref, Old: orNull(j.Old), New: orNull(j.New), At: j.At, Cause: cause}
	case audience.Entered.String(), audience.Exited.String():
		tr := &audience.Transition{ID: j.Number, Audience: j.Audience, Subject: ref.Subject, Profile: ref.ID, At: j.At, Cause: cause}
		if j.Type == audience.Exited.String() {
			tr.Type = audience.Exited
		}
		e.Transition = tr
	default:
		return fmt.Errorf("%w: an entry of type %q", profile.ErrInvalid, j.Type)
	}
	return nil
}

// orNull returns a value, which is absent where it is null.
func orNull(v *profile.Value) profile.Value {
	if v == nil {
		return profile.Value{}
	}
	return *v
}

// causeOf returns the cause of a name.
func causeOf(name string) (audience.Cause, error) {
	for c := audience.CauseEvent; c <= audience.CauseDependency; c++ {
		if c.String() == name {
			return c, nil
		}
	}
	return 0, fmt.Errorf("%w: a cause %q", profile.ErrInvalid, name)
}
