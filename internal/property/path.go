package property

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/muster-go/muster/profile"
)

// ParsePath parses a chain of keys with dots between them; a key that has a dot or a
// bracket is written ["a.b"], with the escapes of JSON. The error wraps profile.ErrInvalid.
func ParsePath(text string) ([]string, error) {
	keys, lists, err := parsePath(text)
	if err == nil && slices.Contains(lists, true) {
		return nil, fmt.Errorf("%w: elements of a list in %q", profile.ErrInvalid, text)
	}
	return keys, err
}

// parsePath is ParsePath for a path in which [] behind a key stands for each element of a
// list: lists says of each key whether that is behind it.
func parsePath(text string) (keys []string, lists []bool, err error) {
	fail := func(what string) ([]string, []bool, error) {
		return nil, nil, fmt.Errorf("%w: %s in %q", profile.ErrInvalid, what, text)
	}
	for rest := text; ; {
		var key string
		if inner, quoted := strings.CutPrefix(rest, "["); quoted {
			d := json.NewDecoder(strings.NewReader(inner))
			if !strings.HasPrefix(inner, `"`) || d.Decode(&key) != nil {
				return fail(`a bracket without a key in quotes, want ["key"],`)
			}
			var closed bool
			if rest, closed = strings.CutPrefix(inner[d.InputOffset():], "]"); !closed {
				return fail(`no "]" after a key`)
			}
		} else {
			end := strings.IndexAny(rest, ".[]")
			if end < 0 {
				end = len(rest)
			}
			key, rest = rest[:end], rest[end:]
		}
		if key == "" {
			return fail("empty key")
		}
		var each bool
		rest, each = strings.CutPrefix(rest, "[]")
		keys, lists = append(keys, key), append(lists, each)
		if rest == "" {
			return keys, lists, nil
		}
		switch rest[0] {
		case '.':
			if rest = rest[1:]; strings.HasPrefix(rest, "[") {
				return fail("a dot before a bracket")
			}
		case '[':
		default:
			return fail(fmt.Sprintf("%q after a key", rest[0]))
		}
	}
}

// FormatPath writes keys as ParsePath reads them.
func FormatPath(keys ...string) string {
	var b strings.Builder
	for i, key := range keys {
		if strings.ContainsAny(key, `.[]`) || key == "" {
			quoted, _ := json.Marshal(key) // a string is written
			b.WriteString("[" + string(quoted) + "]")
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(key)
	}
	return b.String()
}
