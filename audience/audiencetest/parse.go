package audiencetest

import (
	"strings"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// parse reads the command of a block.
func (b *block) parse() (step, error) {
	s := step{line: b.line, last: b.line + len(b.lines) - 1}
	if isIndented(b.lines[0]) {
		return s, &SyntaxError{Line: b.line, Message: "want a command: a line that is not indented"}
	}
	if strings.HasPrefix(b.lines[0], "expect ") {
		c, err := b.expectation()
		s.command = c
		return s, err
	}
	tokens, err := tokenize(b.lines, b.line)
	if err != nil {
		return s, err
	}
	c := newCursor(tokens, b.line)
	if s.command, err = c.command(); err != nil {
		return s, err
	}
	if _, moves := s.command.(*moveTo); !moves && c.keyword("fails") {
		s.mustFail = true
		if s.fails, err = c.word("a part of the error, in quotes"); err != nil {
			return s, err
		}
	}
	return s, c.end()
}

const wantCommand = "a command (at, track, page, screen, identify, group, leave, alias, delete, send, play, create, edit, recompute, on, expect)"

func (c *cursor) command() (command, error) {
	switch c.peek() {
	case "at":
		c.next()
		to, err := c.moment()
		return &moveTo{to}, err
	case "track", "page", "screen", "identify", "group", "alias":
		return c.say()
	case "leave":
		return c.leave()
	case "send":
		c.next()
		text, err := c.object("a message as a JSON object")
		return &send{text}, err
	case "play":
		c.next()
		file, err := c.word("the name of a file of messages")
		return &replay{file}, err
	case "delete":
		return c.remove()
	case "create", "edit":
		return c.define()
	case "recompute":
		c.next()
		keys, err := c.keys()
		return &recompute{keys}, err
	case "on":
		return c.react()
	}
	return nil, c.want(wantCommand)
}

const wantUser = "the id of a user"

// say reads a message.
func (c *cursor) say() (command, error) {
	m := &say{}
	var err error
	read := func(into *string, what string) {
		if err == nil {
			*into, err = c.word(what)
		}
	}
	switch c.next() {
	case "track":
		m.of = profile.Track
		read(&m.user, wantUser)
		read(&m.name, "the name of an event, in quotes if it is of several words")
	case "page":
		m.of = profile.Page
	case "screen":
		m.of = profile.Screen
	case "identify":
		m.of = profile.Identify
		read(&m.user, wantUser)
	case "group":
		m.of = profile.Group
		read(&m.user, wantUser)
		read(&m.account, "the id of an account")
	case "alias":
		m.of = profile.Alias
		read(&m.from, "the id that is merged")
		read(&m.user, "the id that stays")
		return m, err
	}
	if m.of == profile.Page || m.of == profile.Screen {
		read(&m.user, wantUser)
		if word, ok := unquote(c.peek()); err == nil && ok && !c.isOption() {
			m.name = word
			c.next()
		}
	}
	if err == nil {
		m.fields, err = c.fields()
	}
	if err == nil {
		err = c.options(m)
	}
	return m, err
}

// isOption reports whether what comes next is no name.
func (c *cursor) isOption() bool {
	_, _, field := splitField(c.peek())
	switch c.peek() {
	case "at", "id", "for", "context", "fails":
		return true
	}
	return field
}

// options reads what follows the properties of a message, in any order.
func (c *cursor) options(m *say) (err error) {
	for err == nil && len(c.tokens) > 0 {
		switch c.peek() {
		case "at":
			c.next()
			m.at, err = c.moment()
		case "id":
			c.next()
			m.id, err = c.id("the id of the message")
		case "for":
			if m.of == profile.Group || m.of == profile.Identify {
				return c.want("no account")
			}
			c.next()
			m.account, err = c.id("the id of an account")
		case "context":
			c.next()
			m.context, err = c.jsonFields("the context as a JSON object")
		case "fails":
			return nil
		default:
			return c.want("key=value, one JSON object, or at, id, for, context")
		}
	}
	return err
}

// id reads a name that is not empty.
func (c *cursor) id(what string) (string, error) {
	if c.peek() == `""` {
		return "", c.want(what)
	}
	return c.word(what)
}

func (c *cursor) leave() (command, error) {
	c.next()
	user, err := c.word(wantUser)
	if err != nil {
		return nil, err
	}
	account, err := c.word("the id of an account")
	return &leave{user, account}, err
}

func (c *cursor) remove() (command, error) {
	c.next()
	k := kind(c.peek())
	switch k {
	case ofUser, ofAccount, ofAudience, ofTrait:
		c.next()
	default:
		return nil, c.want("user, account, audience or trait")
	}
	name, err := c.word("the name of the " + string(k))
	return &remove{k, name}, err
}

func (c *cursor) define() (command, error) {
	d := &define{edit: c.next() == "edit"}
	switch {
	case c.keyword("audience"):
		d.kind = ofAudience
	case c.keyword("trait"):
		d.kind = ofTrait
	case d.edit:
		return nil, c.want("audience or trait")
	case c.keyword("file"):
		d.kind = ofFile
		var err error
		d.file, err = c.id("the name of a file of definitions")
		return d, err
	default:
		d.kind = ofFile
	}
	what := "the definition as a JSON object"
	if d.kind == ofFile {
		what = "audience, trait, file or a JSON object"
	}
	text, err := c.object(what)
	d.json = text
	return d, err
}

func (c *cursor) react() (command, error) {
	c.next()
	r := &react{}
	switch {
	case c.keyword("entered"):
		r.kind = audience.Entered
	case c.keyword("exited"):
		r.kind = audience.Exited
	default:
		return nil, c.want("entered or exited")
	}
	var err error
	if r.key, err = c.word("the key of an audience"); err != nil {
		return nil, err
	}
	switch does := c.peek(); does {
	case "track", "error", "panic":
		r.does = c.next()
	default:
		return nil, c.want("track, error or panic")
	}
	what := "what it says, in quotes"
	if r.does == "track" {
		what = "the name of an event"
	}
	if r.text, err = c.word(what); err != nil || r.does != "track" {
		return r, err
	}
	r.fields, err = c.fields()
	return r, err
}
