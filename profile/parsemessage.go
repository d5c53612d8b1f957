package profile

import (
	"bytes"
	"fmt"
	"time"
)

// MaxLine is the longest JSON text of a message, in bytes.
const MaxLine = 1 << 20

// ParseMessage reads one message from JSON. It takes what senders write:
//
//   - the type in any letter case; unknown fields are ignored;
//   - user_id, anonymous_id, previous_id, group_id, message_id and
//     original_timestamp, sent_at, received_at for the fields in camel case,
//     which count if both are there;
//   - an id that is a whole number, for its decimal text, with all its digits; null
//     and "" for no id;
//   - the time in any form of ParseTime, from timestamp; else from originalTimestamp,
//     corrected by how far the sender's clock was off (receivedAt - (sentAt -
//     originalTimestamp), if these are there: see
//     https://segment.com/docs/connections/spec/common/#timestamps); else from sentAt,
//     else from receivedAt. A field that says zero is as if it were not there;
//   - context.traits for the traits of an identify call without any, which is where
//     RudderStack's library for browsers puts them;
//   - null and [] (which is how PHP writes one) for an empty object.
//
// The top-level name and category of a page or screen call are put among its
// properties, where they replace properties of the same names: Segment's own
// libraries write them in both places.
//
// Errors wrap ErrInvalid, ErrTooLarge or ErrTime.
func ParseMessage(text []byte) (Message, error) {
	p := parser{out: make([]byte, 0, min(len(text), MaxLine))}
	return p.message(text)
}

// field is a top-level field of a message that the engine has a use for.
type field uint8

const (
	fieldType field = iota
	fieldUserID
	fieldAnonymousID
	fieldPreviousID
	fieldGroupID
	fieldMessageID
	fieldEvent
	fieldName
	fieldCategory
	fieldProperties
	fieldTraits
	fieldContext
	fieldTimestamp // the times in the order of preference
	fieldOriginalTimestamp
	fieldSentAt
	fieldReceivedAt
	fieldCount
)

var fieldNames = [fieldCount]string{
	"type", "userId", "anonymousId", "previousId", "groupId", "messageId", "event", "name", "category",
	"properties", "traits", "context", "timestamp", "originalTimestamp", "sentAt", "receivedAt",
}

// fieldOf returns the field of a key, and whether the key is its second
// spelling; fieldCount if the key is unknown.
func fieldOf(key []byte) (f field, second bool) {
	switch string(key) {
	case "user_id":
		return fieldUserID, true
	case "anonymous_id":
		return fieldAnonymousID, true
	case "previous_id":
		return fieldPreviousID, true
	case "group_id":
		return fieldGroupID, true
	case "message_id":
		return fieldMessageID, true
	case "original_timestamp":
		return fieldOriginalTimestamp, true
	case "sent_at":
		return fieldSentAt, true
	case "received_at":
		return fieldReceivedAt, true
	}
	for f, name := range fieldNames {
		if string(key) == name {
			return field(f), false
		}
	}
	return fieldCount, false
}

// fields are the values of a message's fields, null where there is none.
type fields [fieldCount]struct {
	value Value  // inside the parser's buffer
	text  []byte // its JSON
}

// message parses a whole text. The message keeps nothing of the parser's.
func (p *parser) message(text []byte) (Message, error) {
	if len(text) > MaxLine {
		return Message{}, fmt.Errorf("%w: message of %d bytes, at most %d", ErrTooLarge, len(text), MaxLine)
	}
	if err := p.reset(text); err != nil {
		return Message{}, err
	}
	if p.space(); p.pos == len(text) || text[p.pos] != '{' {
		return Message{}, p.fail("a message is a JSON object")
	}
	var fs fields
	for n := 0; ; n++ {
		key, more, err := p.member(n)
		if err != nil {
			return Message{}, err
		}
		if !more {
			break
		}
		f, second := fieldOf(key)
		p.space()
		before, start := len(p.out), p.pos
		v, err := p.topValue()
		if err != nil {
			return Message{}, err
		}
		empty := v.kind == Null || v.kind == String && len(v.data) == 0
		if f == fieldCount || empty || second && fs[f].text != nil {
			p.out = p.out[:before]
			continue
		}
		fs[f].value, fs[f].text = v, text[start:p.pos]
	}
	if err := p.end(); err != nil {
		return Message{}, err
	}
	return fs.message()
}

func (fs *fields) message() (m Message, err error) {
	if m.Type, err = fs.messageType(); err != nil {
		return Message{}, err
	}
	for _, id := range [...]struct {
		field field
		to    *string
	}{
		{fieldUserID, &m.UserID},
		{fieldAnonymousID, &m.AnonymousID},
		{fieldPreviousID, &m.PreviousID},
		{fieldGroupID, &m.GroupID},
		{fieldMessageID, &m.MessageID},
	} {
		if *id.to, err = fs.id(id.field); err != nil {
			return Message{}, err
		}
	}
	if m.Time, err = fs.time(); err != nil {
		return Message{}, err
	}
	if m.Context, err = fs.object(fieldContext); err != nil {
		return Message{}, err
	}
	switch m.Type {
	case Track, Page, Screen:
		err = fs.event(&m)
	case Identify, Group:
		m.Traits, err = fs.object(fieldTraits)
	}
	if err != nil {
		return Message{}, err
	}
	if m.Type == Identify && m.Traits.Len() == 0 {
		v, _ := m.Context.Get("traits")
		m.Traits, _ = v.Object()
	}
	if m.Context, err = wholeIDs(m.Context, fs[fieldContext].text); err != nil {
		return Message{}, err
	}
	if m.Type != Alias {
		m.PreviousID = ""
	}
	if m.Type != Group {
		if m.GroupID = textOf(m.Context, "groupId"); m.GroupID == "" {
			m.GroupID = textOf(m.Context, "group_id")
		}
	}
	if err := m.Validate(); err != nil {
		return Message{}, err
	}
	return m, nil
}

func (fs *fields) messageType() (MessageType, error) {
	v := fs[fieldType].value
	if v.kind == Null {
		return 0, fmt.Errorf("%w: no type", ErrInvalid)
	}
	if v.kind == String {
		for t, name := range messageTypes {
			if len(v.data) == len(name) && bytes.EqualFold(v.data, []byte(name)) {
				return MessageType(t), nil
			}
		}
	}
	return 0, fmt.Errorf("%w: unknown type %s", ErrInvalid, quote(fs[fieldType].text))
}

// id returns the text of an id: a string, or a number as it is written.
func (fs *fields) id(f field) (string, error) {
	v := fs[f].value
	switch v.kind {
	case Null:
		return "", nil
	case String:
		return string(v.data), nil
	case Int:
		return v.String(), nil
	case Float:
		if text := idOfNumber(fs[f].text); text != "" {
			return text, nil
		}
	}
	return "", fmt.Errorf("%w: %s %s is neither text nor a whole number", ErrInvalid, fieldNames[f], quote(fs[f].text))
}

// time returns the time of the message: see ParseMessage.
func (fs *fields) time() (t time.Time, err error) {
	if t, err = fs.timeOf(fieldTimestamp); err != nil || !t.IsZero() {
		return t, err
	}
	if t, err = fs.timeOf(fieldOriginalTimestamp); err != nil {
		return t, err
	}
	sent, err := fs.timeOf(fieldSentAt)
	if err != nil {
		return sent, err
	}
	received, err := fs.timeOf(fieldReceivedAt)
	switch {
	case err != nil:
		return received, err
	case !t.IsZero() && !sent.IsZero() && !received.IsZero():
		return received.Add(t.Sub(sent)), nil
	case !t.IsZero():
		return t, nil
	case !sent.IsZero():
		return sent, nil
	case !received.IsZero():
		return received, nil
	}
	return t, fmt.Errorf("%w: no timestamp", ErrTime)
}

// timeOf reads a field that tells a time: the zero time if it is not there or says
// zero.
func (fs *fields) timeOf(f field) (time.Time, error) {
	v := fs[f].value
	if v.kind == Null {
		return time.Time{}, nil
	}
	t, ok := readTime(v)
	if !ok {
		return time.Time{}, fmt.Errorf("%w: %s %s is not a time", ErrTime, fieldNames[f], quote(fs[f].text))
	}
	if !t.IsZero() {
		if err := CheckTime(t); err != nil {
			return time.Time{}, fmt.Errorf("%s: %w", fieldNames[f], err)
		}
	}
	return t, nil
}

// object returns a copy of a field that holds an object.
func (fs *fields) object(f field) (Object, error) {
	v := fs[f].value
	switch {
	case v.kind == Map:
		return Object{body: bytes.Clone(v.data)}, nil
	case v.kind == Null && fs[f].text == nil, v.kind == List && len(v.data) == 0:
		return Object{}, nil
	}
	return Object{}, fmt.Errorf("%w: %s %s is not an object", ErrInvalid, fieldNames[f], quote(fs[f].text))
}

func (fs *fields) event(m *Message) (err error) {
	if m.Properties, err = fs.object(fieldProperties); err != nil {
		return err
	}
	switch m.Type {
	case Page:
		m.Name = PageViewed
	case Screen:
		m.Name = ScreenViewed
	default:
		name, ok := fs[fieldEvent].value.Text()
		if !ok && fs[fieldEvent].text != nil {
			return fmt.Errorf("%w: event %s is not text", ErrInvalid, quote(fs[fieldEvent].text))
		}
		m.Name = name
		return nil
	}
	for _, f := range [...]field{fieldName, fieldCategory} {
		if v := fs[f].value; v.kind != Null {
			m.Properties = m.Properties.with(fieldNames[f], v)
		}
	}
	return nil
}

// quote shortens JSON text for an error.
func quote(text []byte) string {
	const most = 64
	if len(text) <= most {
		return string(text)
	}
	return string(bytes.ToValidUTF8(text[:most], nil)) + "…"
}
