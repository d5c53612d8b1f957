package audiencetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
)

// command is one thing that a script does or expects. String writes it as
// scripts do; play does it.
type command interface {
	fmt.Stringer
	play(context.Context, *player) error
}

// moveTo moves the clock.
type moveTo struct{ to moment }

func (c *moveTo) String() string { return "at " + c.to.String() }

// say sends a message of the Segment spec.
type say struct {
	of      profile.MessageType
	user    string
	name    string // of an event or a page
	account string // of a group call, or the one that the message is sent for
	from    string // of an alias
	fields  profile.Object
	at      moment
	id      string
	context profile.Object
}

func (c *say) String() string {
	var b strings.Builder
	b.WriteString(c.of.String())
	switch c.of {
	case profile.Alias:
		fmt.Fprintf(&b, " %s %s", quote(c.from), quote(c.user))
	case profile.Group:
		fmt.Fprintf(&b, " %s %s", quote(c.user), quote(c.account))
	default:
		b.WriteString(" " + quote(c.user))
	}
	if c.name != "" || c.of == profile.Track {
		b.WriteString(" " + quote(c.name))
	}
	if c.fields.Len() > 0 {
		b.WriteString(" " + fieldsText(c.fields))
	}
	if c.at != (moment{}) {
		b.WriteString(" at " + c.at.String())
	}
	if c.id != "" {
		b.WriteString(" id " + quote(c.id))
	}
	if c.account != "" && c.of != profile.Group {
		b.WriteString(" for " + quote(c.account))
	}
	if c.context.Len() > 0 {
		b.WriteString(" context " + c.context.String())
	}
	return b.String()
}

// message returns the message, of a script that starts on a day and has come to
// now.
func (c *say) message(start, now time.Time) (profile.Message, error) {
	m := profile.Message{
		Type:       c.of,
		UserID:     c.user,
		PreviousID: c.from,
		GroupID:    c.account,
		MessageID:  c.id,
		Time:       c.at.in(start, now),
		Context:    c.context,
	}
	switch c.of {
	case profile.Identify, profile.Group:
		m.Traits = c.fields
	case profile.Track:
		m.Name, m.Properties = c.name, c.fields
	case profile.Page, profile.Screen:
		m.Name, m.Properties = profile.PageViewed, c.fields
		if c.of == profile.Screen {
			m.Name = profile.ScreenViewed
		}
		if c.name != "" {
			named := c.fields.Map()
			named["name"] = c.name
			o, err := profile.NewObject(named)
			if err != nil {
				return m, err
			}
			m.Properties = o
		}
	}
	return m, nil
}

// send sends one message in the JSON of the Segment spec.
type send struct{ json string }

func (c *send) String() string { return "send " + c.json }

// replay sends the messages of a file, each when the clock has come to its time.
type replay struct{ file string }

func (c *replay) String() string { return "play " + quote(c.file) }

// leave detaches a user from an account.
type leave struct{ user, account string }

func (c *leave) String() string { return fmt.Sprintf("leave %s %s", quote(c.user), quote(c.account)) }

// recompute computes batch audiences.
type recompute struct{ keys []string }

func (c *recompute) String() string { return "recompute " + namesText(c.keys) }

// kind is what a definition defines, or what is deleted.
type kind string

const (
	ofUser     kind = "user"
	ofAccount  kind = "account"
	ofAudience kind = "audience"
	ofTrait    kind = "trait"
	ofFile     kind = "file" // all that a file defines
)

// remove deletes a profile or a definition.
type remove struct {
	kind kind
	name string
}

func (c *remove) String() string { return fmt.Sprintf("delete %s %s", c.kind, quote(c.name)) }

// define creates or edits definitions.
type define struct {
	edit bool
	kind kind
	json string
	file string // or the name of a file, of kind ofFile
}

func (c *define) String() string {
	switch {
	case c.edit:
		return fmt.Sprintf("edit %s %s", c.kind, c.json)
	case c.file != "":
		return "create file " + quote(c.file)
	case c.kind == ofFile:
		return "create " + c.json
	}
	return fmt.Sprintf("create %s %s", c.kind, c.json)
}
