package audiencetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/muster-go/muster/profile"
)

// expectation reads what a block expects: its first line, and for some the lines
// below it.
func (b *block) expectation() (command, error) {
	below := b.below()
	head := b.lines[:1]
	if strings.HasPrefix(head[0], preview) {
		head, below = b.lines, nil
	}
	tokens, err := tokenize(head, b.line)
	if err != nil {
		return nil, err
	}
	c := newCursor(tokens, b.line)
	c.next() // expect
	of, err := c.expectation()
	switch e := of.(type) {
	case *expectTransitions:
		if err == nil {
			e.lines, err = linesOf(below, (*cursor).transition)
			below = nil
		}
	case *expectChanges:
		if err == nil {
			e.lines, err = linesOf(below, (*cursor).change)
			below = nil
		}
	case *expectExplanation:
		e.lines = textOf(below)
		below = nil
	}
	if err == nil {
		err = c.end()
	}
	if err == nil && len(below) > 0 {
		err = &SyntaxError{Line: below[0].line, Message: "want nothing more below " + b.lines[0]}
	}
	return of, err
}

func (c *cursor) expectation() (command, error) {
	switch {
	case c.keyword("members"):
		return c.members()
	case c.keyword("preview"):
		return c.preview()
	case c.keyword("no"):
		return c.block()
	case c.peek() == "transitions" || c.peek() == "changes":
		return c.block()
	case c.keyword("trait"):
		return c.traitValue()
	case c.keyword("ids"):
		user, err := c.word(wantUser)
		if err != nil {
			return nil, err
		}
		ids, err := c.jsonFields("the ids as a JSON object, type → values")
		return &expectIDs{user, ids}, err
	case c.keyword("explanation"):
		return c.explanation()
	case c.keyword("error"):
		text, err := c.word("a part of the error, in quotes")
		return &expectError{text}, err
	}
	return c.membership()
}

// block reads the first line of a block: of one that expects nothing, too.
func (c *cursor) block() (command, error) {
	switch {
	case c.keyword("transitions"):
		of, err := c.ofKeys()
		return &expectTransitions{of: of}, err
	case c.keyword("changes"):
		of, err := c.ofKeys()
		return &expectChanges{of: of}, err
	}
	return nil, c.want("transitions or changes")
}

const wantKey = "the key of an audience"

func (c *cursor) members() (command, error) {
	e := &expectMembers{}
	if !c.keyword("of") {
		return nil, c.want("of, as in expect members of buyers: ann, ben")
	}
	if !strings.HasSuffix(c.peek(), ":") {
		return nil, c.want("the key of an audience and a colon, as in buyers:")
	}
	var err error
	if e.key, err = c.trimmed(":", wantKey); err != nil {
		return nil, err
	}
	e.refs, err = c.refs()
	return e, err
}

func (c *cursor) preview() (command, error) {
	const want = "the definition as a JSON object, and a colon"
	if !c.keyword("of") {
		return nil, c.want("of and " + want)
	}
	text, colon := strings.CutSuffix(c.peek(), ":")
	if !colon || !strings.HasPrefix(text, "{") {
		return nil, c.want(want)
	}
	definition, err := compact(text)
	if err != nil {
		return nil, &SyntaxError{Line: c.tokens[0].line, Message: fmt.Sprintf("JSON: %v", err)}
	}
	c.next()
	refs, err := c.refs()
	return &expectPreview{definition, refs}, err
}

// refs reads a list of profiles, or nobody.
func (c *cursor) refs() ([]profile.Ref, error) {
	if c.keyword("nobody") {
		return nil, nil
	}
	var refs []profile.Ref
	for more := true; more; {
		ref, another, err := c.refInList()
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
		more = another
	}
	slices.SortFunc(refs, compareRefs)
	return refs, nil
}

// trimmed reads a word without the mark at its end.
func (c *cursor) trimmed(mark, what string) (string, error) {
	text, _ := strings.CutSuffix(c.peek(), mark)
	word, ok := unquote(text)
	if !ok {
		return "", c.want(what)
	}
	c.next()
	return word, nil
}

// refInList reads a profile of a list with commas; more says that one follows.
func (c *cursor) refInList() (ref profile.Ref, more bool, err error) {
	if c.keyword("account") {
		ref.Subject = profile.Account
	}
	more = strings.HasSuffix(c.peek(), ",")
	ref.ID, err = c.trimmed(",", "a user, account and its id, or nobody")
	return ref, more, err
}

// ref reads a profile.
func (c *cursor) ref() (ref profile.Ref, err error) {
	if c.keyword("account") {
		ref.Subject = profile.Account
	}
	ref.ID, err = c.word("a user, or account and its id")
	return ref, err
}

// ofKeys reads "of" and keys, if they come next.
func (c *cursor) ofKeys() ([]string, error) {
	if !c.keyword("of") {
		return nil, nil
	}
	return c.keys()
}

func (c *cursor) keys() ([]string, error) {
	var keys []string
	for more := true; more; {
		more = strings.HasSuffix(c.peek(), ",")
		key, err := c.trimmed(",", "a key")
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (c *cursor) traitValue() (command, error) {
	ref, err := c.ref()
	if err != nil {
		return nil, err
	}
	key, err := c.word("the name of a trait")
	if err != nil {
		return nil, err
	}
	if !c.keyword("=") {
		return nil, c.want("= and a value")
	}
	v, err := c.value()
	return &expectTrait{ref, key, v}, err
}

func (c *cursor) value() (profile.Value, error) {
	v, err := parseValue(c.peek())
	if err != nil || len(c.tokens) == 0 {
		return v, c.want("a value: JSON, or a word")
	}
	c.next()
	return v, nil
}

func (c *cursor) explanation() (command, error) {
	if !c.keyword("of") {
		return nil, c.want("of, as in expect explanation of ann in buyers")
	}
	ref, err := c.ref()
	if err != nil {
		return nil, err
	}
	if !c.keyword("in") {
		return nil, c.want("in and " + wantKey)
	}
	key, err := c.word(wantKey)
	return &expectExplanation{ref: ref, key: key}, err
}

func (c *cursor) membership() (command, error) {
	e := &expectIn{}
	if len(c.tokens) == 0 {
		return nil, c.want("a user, members, preview, transitions, changes, trait, ids, explanation, error or no")
	}
	var err error
	if e.ref, err = c.ref(); err != nil {
		return nil, err
	}
	e.not = c.keyword("not")
	if !c.keyword("in") {
		return nil, c.want("in or not in")
	}
	e.keys, err = c.keys()
	return e, err
}
