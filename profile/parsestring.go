package profile

import (
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string: a part of the text itself where it holds no escapes. It
// holds until the next string is read.
func (p *parser) str() ([]byte, error) {
	p.pos++ // the quote
	start := p.pos
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case c == '"':
			p.pos++
			return p.text[start : p.pos-1], nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return nil, p.fail("a control character inside a string")
		}
	}
	return nil, p.fail("the text ends inside a string")
}

// escaped reads the rest of a string that began at start from its first
// backslash on.
func (p *parser) escaped(start int) ([]byte, error) {
	s := append(p.unquoted[:0], p.text[start:p.pos]...)
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == '"':
			p.pos++
			p.unquoted = s
			return s, nil
		case c < ' ':
			return nil, p.fail("a control character inside a string")
		case c != '\\':
			s = append(s, c)
			p.pos++
		default:
			var ok bool
			if s, ok = p.escape(s); !ok {
				return nil, p.fail("not an escape")
			}
		}
	}
	return nil, p.fail("the text ends inside a string")
}

// escape appends what the escape at pos stands for.
func (p *parser) escape(s []byte) ([]byte, bool) {
	if p.pos+1 == len(p.text) {
		return s, false
	}
	c := p.text[p.pos+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		r, ok := p.hex(p.pos)
		if !ok {
			return s, false
		}
		p.pos += 6
		if utf16.IsSurrogate(r) {
			low, _ := p.hex(p.pos)
			if r = utf16.DecodeRune(r, low); r != unicode.ReplacementChar {
				p.pos += 6
			}
		}
		return utf8.AppendRune(s, r), true
	default:
		return s, false
	}
	p.pos += 2
	return append(s, c), true
}

// hex reads the escape \uXXXX at i, if there is one.
func (p *parser) hex(i int) (r rune, ok bool) {
	if len(p.text) < i+6 || p.text[i] != '\\' || p.text[i+1] != 'u' {
		return 0, false
	}
	for _, c := range p.text[i+2 : i+6] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
