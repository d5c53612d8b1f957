package audience

import (
	"encoding/json"
	"fmt"
	"time"
)

// Type is what a transition does to a membership.
type Type uint8

// The two types.
const (
	Entered Type = iota
	Exited
)

// String returns "entered" or "exited".
func (t Type) String() string {
	if t == Exited {
		return "exited"
	}
	return "entered"
}

// Cause is why a membership changed.
type Cause uint8

// The causes.
const (
	CauseEvent      Cause = iota // an event arrived
	CauseTrait                   // traits arrived
	CauseTime                    // time alone
	CauseBackfill                // the audience was created
	CauseMerge                   // two profiles became one
	CauseDelete                  // the profile, or the audience, was deleted
	CauseEdit                    // its own definition was edited
	CauseDependency              // a definition that it reads was edited
)

var causeNames = [...]string{"event", "trait", "time", "backfill", "merge", "delete", "edit", "dependency"}

// String returns the cause's name: "event", "trait", "time", "backfill",
// "merge", "delete", "edit" or "dependency".
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return "unknown"
}

// Transition is one profile's entering or exiting one audience.
type Transition struct {
	Audience string
	Profile  string // the id of the user
	Type     Type
	At       time.Time // UTC; see the package comment for which instant it is
	Cause    Cause
}

// String returns, say, "u1 entered big_spenders at 2026-01-02T15:04:05Z (event)".
func (t Transition) String() string {
	return fmt.Sprintf("%s %s %s at %s (%s)", t.Profile, t.Type, t.Audience,
		t.At.UTC().Format(time.RFC3339Nano), t.Cause)
}

// MarshalJSON writes the line form of SPEC: audience, profile, type, at, cause.
func (t Transition) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Audience string `json:"audience"`
		Profile  string `json:"profile"`
		Type     string `json:"type"`
		At       string `json:"at"`
		Cause    string `json:"cause"`
	}{t.Audience, t.Profile, t.Type.String(), t.At.UTC().Format(atFormat), t.Cause.String()})
}

// atFormat is RFC 3339 with all nine digits of nanoseconds, so that lines sort
// as the instants do.
const atFormat = "2006-01-02T15:04:05.000000000Z07:00"
