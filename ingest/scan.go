package ingest

import (
	"bytes"
	"encoding/json"
)

// The functions of this file find where the values in JSON text begin and end, and do
// not judge what is in them: brackets and quotes are counted, and everything else is
// passed. So one message of a batch that is no JSON, because of a NaN say, costs that
// message and not the batch. Nothing here recurses: text of any depth can be taken.

// field is a member of an object.
type field struct {
	key   []byte // without escapes
	value []byte // its text
}

// scanner goes through JSON text.
type scanner struct {
	text []byte
	pos  int
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (s *scanner) space() {
	for s.pos < len(s.text) && isSpace(s.text[s.pos]) {
		s.pos++
	}
}

// next passes white space, and c if it is the next byte after it.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// end reports whether nothing but white space is left.
func (s *scanner) end() bool {
	s.space()
	return s.pos == len(s.text)
}

// str passes a string, from its first quote on. It reports false if that has no end.
func (s *scanner) str() bool {
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '\\':
			s.pos++
		case '"':
			s.pos++
			return true
		}
	}
	return false
}

// value passes white space and a value, and returns the value's text. It reports false
// where there is none, or it has no end.
func (s *scanner) value() ([]byte, bool) {
	s.space()
	start, depth := s.pos, 0
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			if !s.str() {
				return nil, false
			}
			if depth == 0 {
				return s.text[start:s.pos], true
			}
			continue
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth == 0 {
				return s.text[start:s.pos], s.pos > start
			}
			if depth--; depth == 0 {
				s.pos++
				return s.text[start:s.pos], true
			}
		case depth == 0 && (c == ',' || c == ':' || isSpace(c)):
			return s.text[start:s.pos], s.pos > start
		}
		s.pos++
	}
	return s.text[start:s.pos], depth == 0 && s.pos > start
}

// fieldsOf returns the members of an object in their order, repeated ones too. It reports
// false if text is none.
func fieldsOf(text []byte) ([]field, bool) { return appendFields(nil, text) }

// appendFields appends the members of an object, as fieldsOf returns them.
func appendFields(fields []field, text []byte) ([]field, bool) {
	s := scanner{text: text}
	if !s.next('{') {
		return fields, false
	}
	for first := true; !s.next('}'); first = false {
		if !first && !s.next(',') {
			return fields, false
		}
		f, ok := s.member()
		if !ok {
			return fields, false
		}
		fields = append(fields, f)
	}
	return fields, s.end()
}

// member passes a member of an object.
func (s *scanner) member() (field, bool) {
	s.space()
	start := s.pos
	if s.pos == len(s.text) || s.text[s.pos] != '"' || !s.str() {
		return field{}, false
	}
	quoted := s.text[start:s.pos]
	f := field{key: quoted[1 : len(quoted)-1]}
	if bytes.IndexByte(quoted, '\\') >= 0 {
		var key string
		if json.Unmarshal(quoted, &key) != nil {
			return field{}, false
		}
		f.key = []byte(key)
	}
	if !s.next(':') {
		return field{}, false
	}
	var ok bool
	f.value, ok = s.value()
	return f, ok
}

// elementsOf returns the texts of the items of a list. It reports false if text is none.
func elementsOf(text []byte) ([][]byte, bool) {
	s := scanner{text: text}
	if !s.next('[') {
		return nil, false
	}
	items := [][]byte{}
	for !s.next(']') {
		if len(items) > 0 && !s.next(',') {
			return nil, false
		}
		item, ok := s.value()
		if !ok {
			return nil, false
		}
		items = append(items, item)
	}
	return items, s.end()
}

// isObject reports whether text looks like an object.
func isObject(text []byte) bool {
	s := scanner{text: text}
	return s.next('{')
}
