package audiencetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/muster-go/muster/profile"
)

// fields reads properties or traits, if any come next: key=value as often as
// need be, or one JSON object.
func (c *cursor) fields() (profile.Object, error) {
	if strings.HasPrefix(c.peek(), "{") {
		return c.jsonFields("")
	}
	var entries []string
	seen := map[string]bool{}
	for {
		key, value, ok := splitField(c.peek())
		if !ok {
			break
		}
		v, err := parseValue(value)
		if err != nil {
			return profile.Object{}, c.want(fmt.Sprintf("a value of %s: JSON, or a word (%v)", key, err))
		}
		if seen[key] {
			return profile.Object{}, c.want("each property once: " + key)
		}
		seen[key] = true
		entries = append(entries, quoted(key)+":"+v.String())
		c.next()
	}
	o, err := profile.ParseObject([]byte("{" + strings.Join(entries, ",") + "}"))
	if err != nil {
		return o, &SyntaxError{Line: c.line, Message: err.Error()}
	}
	return o, nil
}

// jsonFields reads one JSON object.
func (c *cursor) jsonFields(what string) (profile.Object, error) {
	text, err := c.object(what)
	if err != nil {
		return profile.Object{}, err
	}
	o, err := profile.ParseObject([]byte(text))
	if err != nil {
		return o, &SyntaxError{Line: c.line, Message: err.Error()}
	}
	return o, nil
}

// splitField splits key=value; a quote or a bracket is never part of a key.
func splitField(text string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(text, "=")
	return key, value, ok && key != "" && !strings.ContainsAny(key, "\"{}[]")
}

// parseValue reads a value: JSON or, where it is none, the word itself.
func parseValue(text string) (profile.Value, error) {
	if json.Valid([]byte(text)) {
		return profile.ParseValue([]byte(text))
	}
	if text == "" || strings.ContainsAny(text, "\"{}[]") {
		return profile.Value{}, fmt.Errorf("not a value: %s", text)
	}
	return profile.StringValue(text), nil
}

// valueText writes a value such that parseValue reads it back.
func valueText(v profile.Value) string {
	if text, ok := v.Text(); ok && quote(text) == text && !json.Valid([]byte(text)) {
		return text
	}
	return v.String()
}

// fieldsText writes an object as fields reads it.
func fieldsText(o profile.Object) string {
	var words []string
	for key, v := range o.All() {
		if quote(key) != key && !reserved[key] {
			return o.String()
		}
		words = append(words, key+"="+valueText(v))
	}
	return strings.Join(words, " ")
}

// compact returns a JSON value without the blanks in it.
func compact(text string) (string, error) {
	var b bytes.Buffer
	err := json.Compact(&b, []byte(text))
	return b.String(), err
}
