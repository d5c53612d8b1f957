package audience

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
)

// MaxSeen is the number of events that an explanation lists for a condition.
const MaxSeen = 10

// Explanation says why a profile is a member of an audience, or is not: the
// definition's tree with what holds, until when, and what was seen for it.
type Explanation struct {
	Audience string
	Profile  profile.Ref
	At       time.Time // the instant of which it tells, UTC
	Member   bool
	Paused   bool // the audience is: Member stands still
	// Until is the instant at which Member changes if nothing new arrives and other
	// profiles stay as they are; zero: it does not.
	Until time.Time
	Tree  Explained
}

// Explained is one node of a condition. Its JSON form leaves out what does not apply to the
// node; read again it lacks Matched.Seq and the subject of Of, which are for programs.
type Explained struct {
	Path      string    `json:"path"`      // in the definition: "where.all[1].event"
	Condition string    `json:"condition"` // for people: `performed "Order Completed" at least 2 times within 30d`
	Holds     bool      `json:"holds"`
	Until     time.Time `json:"until,omitzero"` // when Holds changes if nothing new arrives; zero: it does not

	Count  int    `json:"count,omitempty"`  // of an event condition: how many events count now
	Events []Seen `json:"events,omitempty"` // the newest of them, newest first, MaxSeen at most
	// Of a condition on distinct values: how many there are, and those of the newest events,
	// newest first, MaxSeen at most; days and weeks by their first day.
	Distinct int             `json:"distinct,omitempty"`
	Values   []profile.Value `json:"values,omitempty"`
	Partial  bool            `json:"partial,omitempty"` // what is said of events is of the first MaxExamined of an account alone
	Near     Near            `json:"near,omitzero"`     // of an event condition that too few count for: those that nearly do
	Traits   []SeenTrait     `json:"traits,omitempty"`  // those that the condition names
	Funnel   []Matched       `json:"funnel,omitempty"`  // of a funnel: an event for each step that is to follow, as far as it goes
	Stop     Stop            `json:"stop,omitzero"`     // of one that does not hold: what is missing behind these
	Since    time.Time       `json:"since,omitzero"`    // of a condition on how long the profile is in an audience: since when it is, if it is
	Users    int             `json:"users,omitempty"`   // of a condition on the users of an account: how many there are
	Meet     int             `json:"meet,omitempty"`    // and how many of them meet it

	// Of is whom the node is explained for if it is another than its parent: of a
	// condition on the users of an account one user, who decides it if there is
	// one; of a user's membership through its accounts, one of these.
	Of profile.Ref `json:"of"`

	Children []Explained `json:"children,omitempty"`
}

// Seen is an event that counts.
type Seen struct {
	Time      time.Time `json:"time"`
	Name      string    `json:"name,omitempty"` // where the condition takes events of several names
	MessageID string    `json:"message_id,omitempty"`
	User      string    `json:"user,omitempty"` // whose it is; of an account's events
}

// Matched is the event chosen for one step of a funnel that is to follow.
type Matched struct {
	Step string    `json:"step"` // its name
	Time time.Time `json:"time"` // of the event, in UTC
	Seq  uint64    `json:"seq"`  // of the event; its JSON form leaves it out
}

// String returns a tree for people to read, a line for each node and its
// evidence.
func (x Explanation) String() string {
	var b strings.Builder
	is := "is in"
	if !x.Member {
		is = "is not in"
	}
	paused := ""
	if x.Paused {
		paused = ", which is paused,"
	}
	fmt.Fprintf(&b, "%s %s %s%s at %s%s\n", nameOf(x.Profile), is, x.Audience, paused, x.At.UTC().Format(time.RFC3339Nano), untilText(x.Until))
	x.Tree.write(&b, "")
	return printable(b.String())
}

func (n *Explained) write(b *strings.Builder, indent string) {
	mark := "✗"
	if n.Holds {
		mark = "✓"
	}
	of := ""
	if n.Of.ID != "" {
		of = nameOf(n.Of) + ": "
	}
	fmt.Fprintf(b, "%s%s %s%s%s\n", indent, mark, of, n.Condition, untilText(n.Until))
	indent += "  "
	for i, e := range n.Events {
		if i == 0 {
			fmt.Fprintf(b, "%s  %s: ", indent, plural(n.Count, "event"))
		} else {
			b.WriteString(", ")
		}
		b.WriteString(e.Time.UTC().Format(time.RFC3339Nano))
		if e.Name != "" {
			fmt.Fprintf(b, " %q", e.Name)
		}
		if e.User != "" {
			b.WriteString(" " + e.User)
		}
	}
	if more := n.Count - len(n.Events); more > 0 && len(n.Events) > 0 {
		fmt.Fprintf(b, " and %d before", more)
	}
	if n.Partial && len(n.Events) > 0 {
		fmt.Fprintf(b, " of the first %d", MaxExamined)
	}
	if len(n.Events) > 0 {
		b.WriteByte('\n')
	}
	if n.Distinct > 0 {
		fmt.Fprintf(b, "%s  %d distinct: ", indent, n.Distinct)
		for i, v := range n.Values {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(v.String())
		}
		if more := n.Distinct - len(n.Values); more > 0 {
			fmt.Fprintf(b, " and %d before", more)
		}
		b.WriteByte('\n')
	}
	n.Near.write(b, indent+"  ")
	for i := range n.Traits {
		n.Traits[i].write(b, indent+"  ")
	}
	for _, m := range n.Funnel {
		fmt.Fprintf(b, "%s  %s: %s\n", indent, m.Step, m.Time.UTC().Format(time.RFC3339Nano))
	}
	n.Stop.write(b, indent+"  ")
	if !n.Since.IsZero() {
		fmt.Fprintf(b, "%s  since %s\n", indent, n.Since.UTC().Format(time.RFC3339Nano))
	}
	if n.Users > 0 {
		fmt.Fprintf(b, "%s  %d of %s\n", indent, n.Meet, plural(n.Users, "user"))
	}
	for i := range n.Children {
		n.Children[i].write(b, indent)
	}
}

func untilText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", until " + t.UTC().Format(time.RFC3339Nano)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// MarshalJSON writes one object: audience, profile, at, member, until and the
// tree.
func (x Explanation) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Audience string    `json:"audience"`
		Subject  string    `json:"subject,omitempty"`
		Profile  string    `json:"profile"`
		At       time.Time `json:"at"`
		Member   bool      `json:"member"`
		Paused   bool      `json:"paused,omitempty"`
		Until    time.Time `json:"until,omitzero"`
		Tree     Explained `json:"tree"`
	}{x.Audience, subjectInJSON(x.Profile.Subject), x.Profile.ID, x.At, x.Member, x.Paused, x.Until, x.Tree})
}
