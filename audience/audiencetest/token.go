package audiencetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a word of a command as it is written: a bare word, a text in quotes,
// key=value, or JSON in brackets.
type token struct {
	text string
	line int
}

// tokenize splits the lines of a command. Blanks in quotes and in brackets
// separate nothing; a # that begins a word begins a comment.
func tokenize(lines []string, first int) ([]token, error) {
	var tokens []token
	text := strings.Join(lines, "\n")
	line := first
	for text != "" {
		switch {
		case text[0] == '\n':
			line++
			text = text[1:]
		case text[0] == '#':
			text = text[min(len(text), indexOr(text, "\n")):]
		default:
			r, size := utf8.DecodeRuneInString(text)
			if unicode.IsSpace(r) {
				text = text[size:]
				continue
			}
			n, err := scanWord(text)
			if err != nil {
				return nil, &SyntaxError{Line: line, Message: err.Error()}
			}
			tokens = append(tokens, token{text[:n], line})
			line += strings.Count(text[:n], "\n")
			text = text[n:]
		}
	}
	return tokens, nil
}

// indexOr returns where part begins in text, or the length of text.
func indexOr(text, part string) int {
	if i := strings.Index(text, part); i >= 0 {
		return i
	}
	return len(text)
}

// scanWord returns the length of the word that text begins with.
func scanWord(text string) (int, error) {
	var s nesting
	for i, r := range text {
		if s.outside() && unicode.IsSpace(r) {
			return i, nil
		}
		if r == '\n' && s.quoted {
			return 0, errors.New(`a text in quotes does not end: want "`)
		}
		s.take(r)
	}
	switch {
	case s.quoted:
		return 0, errors.New(`a text in quotes does not end: want "`)
	case s.depth > 0:
		return 0, errors.New("a bracket is not closed: want } or ]")
	}
	return len(text), nil
}

// nesting follows quotes and brackets.
type nesting struct {
	depth           int
	quoted, escaped bool
}

func (s *nesting) outside() bool { return s.depth <= 0 && !s.quoted }

func (s *nesting) take(r rune) {
	switch {
	case s.escaped:
		s.escaped = false
	case s.quoted && r == '\\':
		s.escaped = true
	case r == '"':
		s.quoted = !s.quoted
	case s.quoted:
	case r == '{' || r == '[':
		s.depth++
	case r == '}' || r == ']':
		s.depth--
	}
}

// cursor reads the tokens of a command.
type cursor struct {
	tokens []token
	line   int    // of the last token read
	read   string // what was read so far, for errors
}

func newCursor(tokens []token, line int) *cursor { return &cursor{tokens: tokens, line: line} }

// peek returns the next token, empty at the end.
func (c *cursor) peek() string {
	if len(c.tokens) == 0 {
		return ""
	}
	return c.tokens[0].text
}

func (c *cursor) next() string {
	t := c.tokens[0]
	c.tokens = c.tokens[1:]
	c.line = t.line
	c.read = strings.TrimSpace(c.read + " " + t.text)
	return t.text
}

// keyword reads a word if it is the next.
func (c *cursor) keyword(word string) bool {
	if len(c.tokens) == 0 || c.peek() != word {
		return false
	}
	c.next()
	return true
}

// want returns the error that something else should come next.
func (c *cursor) want(what string) error {
	read := c.read
	if len(read) > 60 {
		read = read[:57] + "..."
		read = strings.ToValidUTF8(read, "")
	}
	message := "want " + what
	if read != "" {
		message += " after `" + read + "`"
	}
	if len(c.tokens) == 0 {
		return &SyntaxError{Line: c.line, Message: message + ", but the line ends"}
	}
	return &SyntaxError{Line: c.tokens[0].line, Message: message + ", got " + c.peek()}
}

// end returns an error if anything is left.
func (c *cursor) end() error {
	if len(c.tokens) > 0 {
		return c.want("nothing more")
	}
	return nil
}

// word reads a name: bare, or in quotes.
func (c *cursor) word(what string) (string, error) {
	if len(c.tokens) == 0 {
		return "", c.want(what)
	}
	w, ok := unquote(c.peek())
	if !ok {
		return "", c.want(what)
	}
	c.next()
	return w, nil
}

// object reads a JSON value that begins with {, and returns it without blanks.
func (c *cursor) object(what string) (string, error) {
	if !strings.HasPrefix(c.peek(), "{") {
		return "", c.want(what)
	}
	text, err := compact(c.peek())
	if err != nil {
		return "", &SyntaxError{Line: c.tokens[0].line, Message: fmt.Sprintf("JSON: %v", err)}
	}
	c.next()
	return text, nil
}

// unquote returns what a token of a name says.
func unquote(text string) (word string, ok bool) {
	if strings.HasPrefix(text, `"`) {
		err := json.Unmarshal([]byte(text), &word)
		return word, err == nil
	}
	return text, text != "" && !strings.ContainsAny(text, `"{}[]`)
}

// reserved are the words that mean something where a name may be.
var reserved = map[string]bool{
	"account": true, "at": true, "id": true, "for": true, "context": true, "fails": true, "user": true,
	"not": true, "in": true, "nobody": true, "of": true, "day": true, "track": true, "file": true,
	"members": true, "transitions": true, "changes": true, "trait": true, "audience": true, "no": true,
	"explanation": true, "preview": true, "ids": true, "error": true,
}

// quote writes a name such that word reads it back.
func quote(name string) string {
	bare := name != "" && !reserved[name] && !strings.HasPrefix(name, "(")
	for _, r := range name {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune("\"{}[]#=,:", r) {
			bare = false
		}
	}
	if bare {
		return name
	}
	return quoted(name)
}

// quoted writes a text in quotes, as JSON.
func quoted(text string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a text is always written
	return strings.TrimSuffix(b.String(), "\n")
}
