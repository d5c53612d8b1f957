package csvexport

import "strings"

// cells appends cells of a row to a buffer.
type cells struct {
	delimiter byte
	protect   bool      // against formulas
	quoted    [256]bool // a cell with one of these bytes is put in quotes
}

func newCells(delimiter byte, protect bool) *cells {
	c := &cells{delimiter: delimiter, protect: protect}
	for _, b := range []byte{delimiter, '"', '\r', '\n'} {
		c.quoted[b] = true
	}
	return c
}

// text appends a cell.
func (c *cells) text(b []byte, s string) []byte {
	if s == "" {
		return b
	}
	formula := c.protect && isFormula(s)
	if !formula && !c.needsQuotes(s) {
		return append(b, s...)
	}
	if formula && !c.needsQuotes(s) && !c.quoted['\''] {
		return append(append(b, '\''), s...)
	}
	b = append(b, '"')
	if formula {
		b = append(b, '\'')
	}
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			break
		}
		b = append(append(b, s[:i]...), `""`...)
		s = s[i+1:]
	}
	return append(append(b, s...), '"')
}

// needsQuotes reports whether a cell would not be read back without quotes.
// White space at its ends would be, by those who follow RFC 4180, but not by
// everyone.
func (c *cells) needsQuotes(s string) bool {
	for i := range len(s) {
		if c.quoted[s[i]] {
			return true
		}
	}
	return isSpace(s[0]) || isSpace(s[len(s)-1])
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// isFormula reports whether a spreadsheet might take a cell for a formula: it
// begins as one, and is no number.
func isFormula(s string) bool {
	switch s[0] {
	case '=', '@', '\t', '\r':
		return true
	case '+', '-':
		return !isNumber(s[1:])
	}
	return false
}

// isNumber reports whether s is digits, with a fraction and an exponent or
// without.
func isNumber(s string) bool {
	digits := func() bool {
		n := 0
		for n < len(s) && '0' <= s[n] && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n > 0
	}
	if !digits() {
		return false
	}
	if s != "" && s[0] == '.' {
		if s = s[1:]; !digits() {
			return false
		}
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		if s = s[1:]; s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return s == ""
}
