package trait

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/muster-go/muster/profile"
)

// withLiteral returns the condition that write makes of v in CEL.
func withLiteral(v any, write func(literal string) string) Condition {
	value, err := profile.NewValue(v)
	if err != nil {
		return Condition{cel: "not a value: " + err.Error(), err: err} // no CEL
	}
	return Condition{cel: write(literal(value))}
}

// literal writes a value in CEL.
func literal(v profile.Value) string {
	switch v.Kind() {
	case profile.String:
		text, _ := v.Text()
		return quote(text)
	case profile.List:
		var items []string
		for item := range v.Items() {
			items = append(items, literal(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case profile.Map:
		o, _ := v.Object()
		var entries []string
		for key, item := range o.All() {
			entries = append(entries, quote(key)+": "+literal(item))
		}
		return "{" + strings.Join(entries, ", ") + "}"
	}
	return v.String() // JSON's null, booleans and numbers are CEL's
}

// quote writes a text as a CEL literal. What is not valid UTF-8 in it becomes
// U+FFFD, as in a value.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(text, "\ufffd") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// reserved are the words of the CEL specification that no identifier may be.
var reserved = []string{
	"as", "break", "const", "continue", "else", "false", "for", "function", "if",
	"import", "in", "let", "loop", "namespace", "null", "package", "return",
	"true", "var", "void", "while",
}

// isIdentifier reports whether CEL takes a name behind a dot.
func isIdentifier(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != "" && !slices.Contains(reserved, name)
}
