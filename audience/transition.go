package audience

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/muster-go/muster/profile"
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
	// ID is from 1 and without gaps, over all that is told, changes of computed traits
	// and of ids too, in the order in which the store has it; whoever tells it, and
	// however often. It goes on after reopening, and in an export of the store: see
	// "Replicas" in the package comment.
	ID       uint64
	Audience string
	Subject  profile.Subject // whether the profile is a user or an account
	Profile  string          // its id
	Type     Type
	At       time.Time // UTC; see the package comment for which instant it is
	Cause    Cause

	// Evidence is the audience's condition with what was seen for it at that
	// instant, with Options.Evidence; nil where the profile or the audience is no
	// more. Its Until are not set: ask Engine.Explain.
	Evidence *Explained
}

// String returns, say, "u1 entered big_spenders at 2026-01-02T15:04:05Z (event)";
// of an account "account acme entered ...".
func (t Transition) String() string {
	return printable(fmt.Sprintf("%s %s %s at %s (%s)", nameOf(t.Ref()), t.Type, t.Audience,
		t.At.UTC().Format(time.RFC3339Nano), t.Cause))
}

func nameOf(ref profile.Ref) string {
	if ref.Subject == profile.Account {
		return "account " + ref.ID
	}
	return ref.ID
}

// printable returns text for people: what is no letter, mark, sign or space, as the
// escapes that a terminal acts on, is written as Go writes it in quotes. Ids are
// anybody's.
func printable(text string) string {
	clean := func(r rune) bool { return r == '\n' || unicode.IsPrint(r) }
	if strings.IndexFunc(text, func(r rune) bool { return !clean(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if clean(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// subjectInJSON returns the text of a subject; users are what is not said.
func subjectInJSON(s profile.Subject) string {
	if s == profile.User {
		return ""
	}
	return s.String()
}

// Ref returns the profile.
func (t Transition) Ref() profile.Ref { return profile.Ref{Subject: t.Subject, ID: t.Profile} }

// MarshalJSON writes the line form of SPEC: audience, profile, type, at, cause.
// That of an account has "subject": "account" as well.
func (t Transition) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Audience string `json:"audience"`
		Subject  string `json:"subject,omitempty"`
		Profile  string `json:"profile"`
		Type     string `json:"type"`
		At       string `json:"at"`
		Cause    string `json:"cause"`
	}{t.Audience, subjectInJSON(t.Subject), t.Profile, t.Type.String(), t.At.UTC().Format(atFormat), t.Cause.String()})
}

// atFormat is RFC 3339 with all nine digits of nanoseconds, so that lines sort
// as the instants do.
const atFormat = "2006-01-02T15:04:05.000000000Z07:00"
