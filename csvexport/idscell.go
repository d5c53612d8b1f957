package csvexport

import "github.com/muster-go/muster/profile"

// A cell of external ids is a JSON object, and as such full of quotes: it is
// always in quotes itself, and each quote in it is doubled.

// ids appends the cell: "{""email"":[""a@x.io"",""b@x.io""]}".
func (c *cells) ids(b []byte, ids []profile.ExternalID) []byte {
	if len(ids) == 0 {
		return c.text(b, "{}")
	}
	b = append(b, '"', '{')
	for i := range ids {
		switch {
		case i > 0 && ids[i].Type == ids[i-1].Type:
			b = append(b, ',')
		default:
			if i > 0 {
				b = append(b, ']', ',')
			}
			b = append(appendQuotedJSON(b, ids[i].Type), ':', '[')
		}
		b = appendQuotedJSON(b, ids[i].Value)
	}
	return append(b, ']', '}', '"')
}

// escaped has the bytes that are not themselves in a JSON string within a cell.
var escaped = func() (table [256]bool) {
	for c := range byte(' ') {
		table[c] = true
	}
	table['"'], table['\\'] = true, true
	return table
}()

// appendQuotedJSON appends s, which is valid UTF-8, as a JSON string within a
// quoted cell.
func appendQuotedJSON(b []byte, s string) []byte {
	b = append(b, '"', '"')
	done := 0
	for i := range len(s) {
		if !escaped[s[i]] {
			continue
		}
		b = appendEscape(append(b, s[done:i]...), s[i])
		done = i + 1
	}
	b = append(b, s[done:]...)
	return append(b, '"', '"')
}

func appendEscape(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"':
		return append(b, `\""`...)
	case '\\':
		return append(b, `\\`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}
