package audiencetest

import (
	"strings"

	"github.com/muster-go/muster/audience"
)

// below returns the lines below the first that are not blank.
func (b *block) below() []token {
	var lines []token
	for i, text := range b.lines[1:] {
		if strings.TrimSpace(text) != "" {
			lines = append(lines, token{strings.TrimRight(text, " \t"), b.line + 1 + i})
		}
	}
	return lines
}

// linesOf reads each line below an expectation.
func linesOf[L any](below []token, read func(*cursor) (L, error)) ([]L, error) {
	var lines []L
	for _, l := range below {
		tokens, err := tokenize([]string{l.text}, l.line)
		if err != nil {
			return nil, err
		}
		c := newCursor(tokens, l.line)
		line, err := read(c)
		if err == nil {
			err = c.end()
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// textOf returns lines without the indentation of the first of them.
func textOf(below []token) []string {
	var lines []string
	for _, l := range below {
		first := below[0].text
		indent := first[:len(first)-len(strings.TrimLeft(first, " \t"))]
		lines = append(lines, strings.TrimPrefix(l.text, indent))
	}
	return lines
}

// transition reads a line that expects one.
func (c *cursor) transition() (t transition, err error) {
	if t.ref, err = c.ref(); err != nil {
		return t, err
	}
	switch {
	case c.keyword("entered"):
		t.kind = audience.Entered
	case c.keyword("exited"):
		t.kind = audience.Exited
	default:
		return t, c.want("entered or exited")
	}
	if t.key, err = c.word(wantKey); err != nil {
		return t, err
	}
	t.at, t.cause, err = c.occasion()
	return t, err
}

// change reads a line that expects the change of a computed trait.
func (c *cursor) change() (t change, err error) {
	if t.ref, err = c.ref(); err != nil {
		return t, err
	}
	if t.key, err = c.word("the key of a computed trait"); err != nil {
		return t, err
	}
	if t.old, err = c.value(); err != nil {
		return t, err
	}
	if !c.keyword("->") && !c.keyword("→") {
		return t, c.want("->")
	}
	if t.new, err = c.value(); err != nil {
		return t, err
	}
	t.at, t.cause, err = c.occasion()
	return t, err
}

// causes are those of the engine.
var causes = func() map[string]bool {
	names := map[string]bool{}
	for c := audience.CauseEvent; c.String() != "unknown"; c++ {
		names[c.String()] = true
	}
	return names
}()

// occasion reads when and why, as far as the line says so.
func (c *cursor) occasion() (at *moment, cause string, err error) {
	if c.keyword("at") {
		m, err := c.moment()
		if err != nil {
			return nil, "", err
		}
		at = &m
	}
	if name, ok := strings.CutPrefix(c.peek(), "("); ok {
		cause, _ = strings.CutSuffix(name, ")")
		if !causes[cause] || c.peek() != "("+cause+")" {
			return nil, "", c.want("a cause such as (event), (trait) or (time)")
		}
		c.next()
	}
	return at, cause, nil
}
