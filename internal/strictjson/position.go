package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"strings"
)

// member is one of an object, or an item of a list, which has no key.
type member struct {
	key      string
	keyStart int // in the text
	start    int // of the value
	value    []byte
}

// members yields those of an object or a list, which is valid.
func members(text []byte) iter.Seq2[member, error] {
	return func(yield func(member, error) bool) {
		dec := json.NewDecoder(bytes.NewReader(text))
		open, err := dec.Token()
		if err != nil {
			yield(member{}, err)
			return
		}
		for dec.More() {
			var m member
			if open == json.Delim('{') {
				key, err := dec.Token()
				if err != nil {
					yield(m, err)
					return
				}
				m.key, _ = key.(string)
				m.keyStart = int(dec.InputOffset())
				for m.keyStart--; m.keyStart > 0 && !opens(text, m.keyStart); m.keyStart-- {
				}
			}
			var value json.RawMessage
			if err := dec.Decode(&value); err != nil {
				yield(m, err)
				return
			}
			m.value, m.start = value, int(dec.InputOffset())-len(value)
			if !yield(m, nil) {
				return
			}
		}
	}
}

// opens reports whether the quote at i opens the key that ends behind it: it is
// preceded, blanks aside, by what comes before a key.
func opens(text []byte, i int) bool {
	if text[i] != '"' {
		return false
	}
	before := bytes.TrimRight(text[:i], " \t\r\n")
	return len(before) > 0 && (before[len(before)-1] == '{' || before[len(before)-1] == ',')
}

// Position returns the line and the column, in bytes, from 1, of what an error of
// Decode is about.
func Position(text []byte, err error) (line, column int) {
	if syntax := (*syntaxError)(nil); errors.As(err, &syntax) {
		return lineOf(text, max(0, int(syntax.offset)-1))
	}
	if at := (*Error)(nil); errors.As(err, &at) {
		return lineOf(text, offset(text, at.Path, at.Key))
	}
	return 1, 1
}

// PositionOf returns where what is at a path begins, or the last on the way to it
// that there is.
func PositionOf(text []byte, path string) (line, column int) {
	return lineOf(text, offset(text, path, ""))
}

// Text returns the text at a path of a valid JSON text, empty if there is none.
func Text(text []byte, path string) (s string) {
	at := offset(text, path, "")
	if at < len(text) && text[at] == '"' {
		_ = json.NewDecoder(bytes.NewReader(text[at:])).Decode(&s) // one that is none is empty
	}
	return s
}

func offset(text []byte, path, key string) int {
	blanks := len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
	at, value := blanks, text[blanks:]
	for path != "" {
		var next string
		next, path = firstOf(path)
		found := false
		n := 0
		for m, err := range members(value) {
			if err != nil {
				return at
			}
			if m.key != "" && m.key == next || m.key == "" && next == "["+strconv.Itoa(n)+"]" {
				at, value, found = at+m.start, m.value, true
				break
			}
			n++
		}
		if !found {
			return at
		}
		if len(value) == 0 || value[0] != '{' && value[0] != '[' {
			return at
		}
	}
	if key != "" {
		for m, err := range members(value) {
			if err == nil && m.key == key {
				return at + m.keyStart
			}
		}
	}
	return at
}

// firstOf splits the first step off a path.
func firstOf(path string) (first, rest string) {
	i := 1 + strings.IndexAny(path[1:], ".[")
	if i == 0 {
		return path, ""
	}
	return path[:i], strings.TrimPrefix(path[i:], ".")
}

func lineOf(text []byte, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	return 1 + bytes.Count(before, []byte{'\n'}), len(before) - bytes.LastIndexByte(before, '\n')
}
