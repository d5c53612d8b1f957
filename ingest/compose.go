package ingest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
)

// composer writes messages as profile.ParseMessage is to read them: with what the batch,
// the source and the server say beside the sender. It keeps its buffers.
type composer struct {
	envelope
	source     []byte // the name, as JSON; nil: none
	receivedAt []byte // as JSON
	correct    bool   // see Options.CorrectTimestamps
	out        []byte
	fields     []field // of the message at hand
	inner      []field // of an object in it
}

func newComposer(e envelope, source Source, received time.Time, correct bool) (*composer, error) {
	c := &composer{envelope: e, correct: correct}
	var err error
	if source.Name != "" {
		if c.source, err = json.Marshal(strings.ToValidUTF8(source.Name, "\ufffd")); err != nil {
			return nil, err
		}
	}
	c.receivedAt, err = json.Marshal(received.UTC().Format(time.RFC3339Nano))
	return c, err
}

// message returns the text of a message whose own members are given. It holds until the
// next one.
func (c *composer) message(fields []field) []byte {
	var context, integrations []byte
	sent, original := false, false
	for _, f := range fields {
		switch string(f.key) {
		case "context":
			context = f.value
		case "integrations":
			integrations = f.value
		case "sentAt", "sent_at":
			sent = sent || !isEmpty(f.value)
		case "originalTimestamp", "original_timestamp":
			original = true
		}
	}
	c.out = append(c.out[:0], '{')
	if !sent && c.sentAt != nil {
		c.member("sentAt", c.sentAt)
		sent = true
	}
	for _, f := range fields {
		switch string(f.key) {
		case "context":
		case "integrations":
			if !c.isWhole(f.value) {
				c.member("integrations", f.value) // nothing to merge: the reader says if it is no JSON
			}
		case "timestamp":
			if c.correct && sent && !original {
				c.member("originalTimestamp", f.value)
				continue
			}
			c.member("timestamp", f.value)
		default:
			c.out = appendMember(c.out, f.key, f.value)
		}
	}
	// Of a repeated member the last counts.
	if c.typ != "" {
		c.member("type", []byte(`"`+c.typ+`"`))
	}
	c.member("receivedAt", c.receivedAt)
	c.member("context", nil)
	c.out = c.appendContext(context, integrations)
	return append(c.out, '}')
}

func (c *composer) member(key string, value []byte) { c.out = appendMember(c.out, key, value) }

// isWhole reports whether text is an object whose members can be told.
func (c *composer) isWhole(text []byte) (ok bool) {
	c.inner, ok = appendFields(c.inner[:0], text)
	return ok
}

// appendContext appends the context of a message.
func (c *composer) appendContext(context, integrations []byte) []byte {
	if context != nil && !c.isWhole(context) {
		if !isEmpty(context) {
			return append(c.out, context...) // the reader says what is wrong
		}
		context = nil
	}
	out := c.out
	if c.context == nil && context != nil && len(c.inner) > 0 {
		out = append(out, context...)
	} else {
		out = appendMerged(out, c.context, context, maxNesting)
	}
	out = out[:len(out)-1] // the brace at its end
	if integrations != nil && !c.isWhole(integrations) {
		integrations = nil
	}
	if integrations != nil || c.integrations != nil {
		if merged := appendMerged(nil, c.integrations, integrations, maxNesting); c.saysMore(merged) {
			out = appendMember(out, "integrations", merged)
		}
	}
	if c.source != nil {
		out = appendMember(out, "source", c.source)
	}
	return append(out, '}')
}

// isEmpty reports whether text is how senders write that there is nothing.
func isEmpty(text []byte) bool {
	if string(text) == "null" || string(text) == `""` {
		return true
	}
	items, ok := elementsOf(text)
	return ok && len(items) == 0
}

// saysMore reports whether integrations say more than that all are wanted.
func (c *composer) saysMore(integrations []byte) bool {
	if !c.isWhole(integrations) {
		return false
	}
	for _, f := range c.inner {
		if string(f.key) != "All" || string(f.value) != "true" {
			return true
		}
	}
	return false
}

// maxNesting is how deep objects are merged. Deeper ones are refused by whoever reads them.
const maxNesting = profile.MaxDepth

// appendMerged appends an object of the members of two, of which one stands under the
// other: a key that both have has the value that is over it, merged in turn if both are
// objects. Either may be nil, which has no members.
func appendMerged(out, under, over []byte, levels int) []byte {
	top, ok := fieldsOf(over)
	if !ok && over != nil {
		return append(out, over...) // the reader says what is wrong
	}
	base, _ := fieldsOf(under) // it was read whole
	below := make(map[string][]byte, len(base))
	for _, f := range base {
		below[string(f.key)] = f.value
	}
	out = append(out, '{')
	for _, f := range top {
		value, both := below[string(f.key)]
		delete(below, string(f.key))
		if !both || levels == 0 || !isObject(value) || !isObject(f.value) {
			out = appendMember(out, f.key, f.value)
			continue
		}
		out = appendMember(out, f.key, nil)
		out = appendMerged(out, value, f.value, levels-1)
	}
	for _, f := range base {
		if value, left := below[string(f.key)]; left {
			out = appendMember(out, f.key, value)
			delete(below, string(f.key))
		}
	}
	return append(out, '}')
}

func appendMember[K string | []byte](out []byte, key K, value []byte) []byte {
	out = comma(out)
	out = appendKey(out, key)
	return append(out, value...)
}

// comma appends a comma unless an object has just been opened.
func comma(out []byte) []byte {
	if out[len(out)-1] == '{' {
		return out
	}
	return append(out, ',')
}

// appendKey appends a key and its colon.
func appendKey[K string | []byte](out []byte, key K) []byte {
	for i := 0; i < len(key); i++ {
		if c := key[i]; c < ' ' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(string(key))
			if err != nil { // a string always has a form
				break
			}
			return append(append(out, quoted...), ':')
		}
	}
	out = append(out, '"')
	out = append(out, key...)
	return append(out, '"', ':')
}
