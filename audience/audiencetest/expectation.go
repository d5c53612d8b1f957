package audiencetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// expectIn expects a profile to be in audiences, or not.
type expectIn struct {
	ref  profile.Ref
	not  bool
	keys []string
}

func (c *expectIn) String() string {
	in := "in"
	if c.not {
		in = "not in"
	}
	return fmt.Sprintf("expect %s %s %s", refText(c.ref), in, namesText(c.keys))
}

// expectMembers expects an audience to have just these members.
type expectMembers struct {
	key  string
	refs []profile.Ref
}

func (c *expectMembers) String() string {
	return fmt.Sprintf("expect members of %s: %s", quote(c.key), refsText(c.refs))
}

// expectPreview expects an audience to have just these members if it were made
// now.
type expectPreview struct {
	json string // the definition
	refs []profile.Ref
}

func (c *expectPreview) String() string {
	return fmt.Sprintf("expect preview of %s: %s", c.json, refsText(c.refs))
}

// expectTransitions expects all transitions since they were last expected.
type expectTransitions struct {
	of    []string // of these audiences; none: of all
	lines []transition
}

// transition is one that is expected. What is not said may be anything.
type transition struct {
	ref   profile.Ref
	kind  audience.Type
	key   string
	at    *moment
	cause string
}

func (c *expectTransitions) String() string { return blockText("transitions", c.of, c.lines) }

func (t transition) String() string {
	return fmt.Sprintf("%s %s %s", refText(t.ref), t.kind, quote(t.key)) + occasion(t.at, t.cause)
}

// expectChanges expects all changes of computed traits since they were last
// expected.
type expectChanges struct {
	of    []string
	lines []change
}

// change is one that is expected.
type change struct {
	ref      profile.Ref
	key      string
	old, new profile.Value
	at       *moment
	cause    string
}

func (c *expectChanges) String() string { return blockText("changes", c.of, c.lines) }

func (t change) String() string {
	return fmt.Sprintf("%s %s %s -> %s", refText(t.ref), quote(t.key), valueText(t.old), valueText(t.new)) + occasion(t.at, t.cause)
}

// expectTrait expects the value of a trait, null if there is to be none.
type expectTrait struct {
	ref   profile.Ref
	key   string
	value profile.Value
}

func (c *expectTrait) String() string {
	return fmt.Sprintf("expect trait %s %s = %s", refText(c.ref), quote(c.key), valueText(c.value))
}

// expectIDs expects the external ids of a user: type → values.
type expectIDs struct {
	user string
	ids  profile.Object
}

func (c *expectIDs) String() string { return fmt.Sprintf("expect ids %s %s", quote(c.user), c.ids) }

// expectExplanation expects the explanation of a membership.
type expectExplanation struct {
	ref   profile.Ref
	key   string
	lines []string
}

func (c *expectExplanation) String() string {
	return fmt.Sprintf("expect explanation of %s in %s", refText(c.ref), quote(c.key)) + indented(c.lines)
}

// expectError expects the callbacks to have reported an error with a text in it.
type expectError struct{ text string }

func (c *expectError) String() string { return "expect error " + quoted(c.text) }

func blockText[L fmt.Stringer](what string, of []string, lines []L) string {
	head := "expect " + what
	if len(lines) == 0 {
		head = "expect no " + what
	}
	if len(of) > 0 {
		head += " of " + namesText(of)
	}
	var texts []string
	for _, l := range lines {
		texts = append(texts, l.String())
	}
	return head + indented(texts)
}

// indented returns lines that follow a command's first.
func indented(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("\n  " + l)
	}
	return b.String()
}

// occasion is the end of a transition's line.
func occasion(at *moment, cause string) string {
	text := ""
	if at != nil {
		text = " at " + at.String()
	}
	if cause != "" {
		text += " (" + cause + ")"
	}
	return text
}

func namesText(names []string) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = quote(name)
	}
	return strings.Join(texts, ", ")
}

// refText writes a profile: ann, or account acme.
func refText(ref profile.Ref) string {
	if ref.Subject == profile.Account {
		return "account " + quote(ref.ID)
	}
	return quote(ref.ID)
}

func refsText(refs []profile.Ref) string {
	if len(refs) == 0 {
		return "nobody"
	}
	texts := make([]string, len(refs))
	for i, ref := range refs {
		texts[i] = refText(ref)
	}
	return strings.Join(texts, ", ")
}

// told returns a transition as a line that expects it.
func told(t audience.Transition, start time.Time) transition {
	at := dayOf(t.At, start)
	return transition{ref: t.Ref(), kind: t.Type, key: t.Audience, at: &at, cause: t.Cause.String()}
}

// toldChange returns a change as a line that expects it.
func toldChange(c audience.TraitChange, start time.Time) change {
	at := dayOf(c.At, start)
	return change{ref: c.Profile, key: c.Trait, old: c.Old, new: c.New, at: &at, cause: c.Cause.String()}
}

// meets reports whether what was told is what is expected.
func (t transition) meets(was transition, start, now time.Time) bool {
	return t.ref == was.ref && t.kind == was.kind && t.key == was.key && meets(t.at, t.cause, was.at, was.cause, start, now)
}

func (t change) meets(was change, start, now time.Time) bool {
	return t.ref == was.ref && t.key == was.key && t.old.Equal(was.old) && t.new.Equal(was.new) &&
		meets(t.at, t.cause, was.at, was.cause, start, now)
}

func meets(at *moment, cause string, wasAt *moment, wasCause string, start, now time.Time) bool {
	return (at == nil || at.in(start, now).Equal(wasAt.in(start, now))) && (cause == "" || cause == wasCause)
}
