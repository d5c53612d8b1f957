package profile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// ParseObject packs a JSON object. Empty input and null are the empty object;
// see ParseValue.
func ParseObject(text []byte) (Object, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return Object{}, nil
	}
	v, err := ParseValue(text)
	if err != nil {
		return Object{}, err
	}
	if v.kind == Null {
		return Object{}, nil
	}
	o, ok := v.Object()
	if !ok {
		return Object{}, fmt.Errorf("%w: a JSON object is wanted, not a %s", ErrInvalid, v.kind)
	}
	return o, nil
}

// ParseValue packs any JSON value. A number without fraction and exponent that
// fits an int64 is an Int, any other a Float, with Digits if its own are others than
// those of the float64; one beyond the range of a float64 is refused. Of a repeated
// key the last counts. As in encoding/json, half of a surrogate pair in a \u escape
// becomes U+FFFD; other than there, text that is not valid UTF-8 is refused. Nesting
// beyond MaxDepth and sizes beyond MaxSize are ErrTooLarge.
func ParseValue(text []byte) (Value, error) {
	// A packed value is rarely larger than its text, and never four times.
	if len(text) > 4*MaxSize {
		return Value{}, fmt.Errorf("%w: %d bytes of JSON", ErrTooLarge, len(text))
	}
	p := parser{out: make([]byte, 0, len(text)+8)}
	if err := p.reset(text); err != nil {
		return Value{}, err
	}
	v, err := p.topValue()
	if err != nil {
		return Value{}, err
	}
	return v, p.end()
}

// parser turns JSON text into packed values in one pass. The text is checked
// once for UTF-8, so that strings are copied without another look. A parser can
// be reset for another text and keeps its buffers.
type parser struct {
	text     []byte
	pos      int
	out      []byte  // the packed values
	limit    int     // the length of out at which the value at hand is too large
	entries  []entry // of the maps still open, the innermost last
	sorted   []byte  // a map's entries while they are put in order
	unquoted []byte  // the last string that held escapes
}

// entry is one member of a map in out: out[start:end], its key out[key:value].
type entry struct{ start, key, value, end int }

func (p *parser) reset(text []byte) error {
	p.text, p.pos, p.out, p.entries = text, 0, p.out[:0], p.entries[:0]
	if !utf8.Valid(text) {
		return fmt.Errorf("%w: text is not valid UTF-8", ErrInvalid)
	}
	return nil
}

// topValue reads one value with the whole allowance of depth and size. It
// points into out and holds until the next reset.
func (p *parser) topValue() (Value, error) {
	start := len(p.out)
	p.limit = start + MaxSize
	if err := p.value(0); err != nil {
		return Value{}, err
	}
	if len(p.out) > p.limit {
		return Value{}, p.tooLarge()
	}
	v, _ := decodeValue(p.out[start:], nil)
	return v, nil
}

// end refuses anything but white space.
func (p *parser) end() error {
	if p.space(); p.pos < len(p.text) {
		return p.fail("text after the value")
	}
	return nil
}

// value appends the packed form of the next value, inside of depth others.
func (p *parser) value(depth int) error {
	if len(p.out) > p.limit {
		return p.tooLarge()
	}
	p.space()
	if p.pos == len(p.text) {
		return p.fail("the text ends where a value is wanted")
	}
	switch c := p.text[p.pos]; {
	case c == '"':
		s, err := p.str()
		if err != nil {
			return err
		}
		p.out = append(p.out, byte(String))
		p.out = binary.AppendUvarint(p.out, uint64(len(s)))
		p.out = append(p.out, s...)
		return nil
	case c == '-' || isDigit(c):
		return p.number()
	case c == '{' || c == '[':
		if depth == MaxDepth {
			return fmt.Errorf("%w: JSON at byte %d is nested deeper than %d levels", ErrTooLarge, p.pos, MaxDepth)
		}
		if c == '[' {
			return p.list(depth + 1)
		}
		return p.object(depth + 1)
	case c == 't':
		return p.word("true", True)
	case c == 'f':
		return p.word("false", False)
	case c == 'n':
		return p.word("null", Null)
	}
	return p.fail("a value is wanted")
}

func (p *parser) list(depth int) error {
	p.out = append(p.out, byte(List), 0)
	start := len(p.out)
	p.pos++ // [
	if p.space(); p.next(']') {
		return nil
	}
	for {
		if err := p.value(depth); err != nil {
			return err
		}
		p.space()
		if p.next(']') {
			p.closeBody(start)
			return nil
		}
		if !p.next(',') {
			return p.fail("a comma or the end of the list is wanted")
		}
	}
}

func (p *parser) object(depth int) error {
	p.out = append(p.out, byte(Map), 0)
	start, first := len(p.out), len(p.entries)
	for n := 0; ; n++ {
		key, more, err := p.member(n)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		e := entry{start: len(p.out)}
		p.out = binary.AppendUvarint(p.out, uint64(len(key))<<1|1)
		e.key = len(p.out)
		p.out = append(p.out, key...)
		e.value = len(p.out)
		if err := p.value(depth); err != nil {
			return err
		}
		e.end = len(p.out)
		p.entries = append(p.entries, e)
	}
	p.sortEntries(start, p.entries[first:])
	p.entries = p.entries[:first]
	p.closeBody(start)
	return nil
}

// member reads up to the value of an object's nth member: the brace or comma,
// the key and the colon. There are no more at the closing brace. The key holds
// until the next string is read.
func (p *parser) member(n int) (key []byte, more bool, err error) {
	if n == 0 {
		p.pos++ // {
	}
	p.space()
	switch {
	case p.next('}'):
		return nil, false, nil
	case n > 0 && !p.next(','):
		return nil, false, p.fail("a comma or the end of the object is wanted")
	}
	p.space()
	if p.pos == len(p.text) || p.text[p.pos] != '"' {
		return nil, false, p.fail("a key in quotes is wanted")
	}
	if key, err = p.str(); err != nil {
		return nil, false, err
	}
	if p.space(); !p.next(':') {
		return nil, false, p.fail("a colon is wanted")
	}
	return key, true, nil
}

// sortEntries puts the entries of the map whose body starts at start in the
// order of their keys, and keeps the last of those with the same key.
func (p *parser) sortEntries(start int, entries []entry) {
	key := func(e entry) []byte { return p.out[e.key:e.value] }
	ascending := true
	for i := 1; i < len(entries) && ascending; i++ {
		ascending = bytes.Compare(key(entries[i-1]), key(entries[i])) < 0
	}
	if ascending {
		return
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return bytes.Compare(key(a), key(b)) })
	p.sorted = p.sorted[:0]
	for i, e := range entries {
		if i+1 == len(entries) || !bytes.Equal(key(e), key(entries[i+1])) {
			p.sorted = append(p.sorted, p.out[e.start:e.end]...)
		}
	}
	p.out = append(p.out[:start], p.sorted...)
}

// closeBody writes the length of the body from start to the end of out into the
// byte before it, making room if it needs more than that.
func (p *parser) closeBody(start int) {
	n := len(p.out) - start
	if n < 0x80 {
		p.out[start-1] = byte(n)
		return
	}
	var length [binary.MaxVarintLen64]byte
	width := binary.PutUvarint(length[:], uint64(n))
	p.out = append(p.out, length[1:width]...)
	copy(p.out[start+width-1:], p.out[start:start+n])
	copy(p.out[start-1:], length[:width])
}

func (p *parser) number() error {
	start := p.pos
	p.next('-')
	if !p.next('0') && !p.digits() {
		return p.fail("a digit is wanted")
	}
	whole := true
	if p.next('.') {
		whole = false
		if !p.digits() {
			return p.fail("a digit is wanted")
		}
	}
	if p.next('e') || p.next('E') {
		whole = false
		if !p.next('+') {
			p.next('-')
		}
		if !p.digits() {
			return p.fail("a digit is wanted")
		}
	}
	text := p.text[start:p.pos]
	var v Value
	var ok bool
	if whole {
		v, ok = wholeValue(text)
	} else {
		f, err := strconv.ParseFloat(string(text), 64)
		v, ok = FloatValue(f), err == nil
	}
	if !ok {
		p.pos = start
		return p.fail("the number is beyond the range of a float64")
	}
	p.out = appendValue(p.out, v, nil)
	return nil
}

// digits passes digits and reports whether there was one.
func (p *parser) digits() bool {
	start := p.pos
	for p.pos < len(p.text) && isDigit(p.text[p.pos]) {
		p.pos++
	}
	return p.pos > start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (p *parser) word(word string, kind Kind) error {
	if !bytes.HasPrefix(p.text[p.pos:], []byte(word)) {
		return p.fail("a value is wanted")
	}
	p.pos += len(word)
	p.out = append(p.out, byte(kind))
	return nil
}

// next passes c if it is the next byte.
func (p *parser) next(c byte) bool {
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *parser) space() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// fail returns an error that says what is wrong at the present byte.
func (p *parser) fail(what string) error {
	return fmt.Errorf("%w: JSON at byte %d: %s", ErrInvalid, p.pos, what)
}

func (p *parser) tooLarge() error {
	return fmt.Errorf("%w: JSON at byte %d: more than %d bytes packed", ErrTooLarge, p.pos, MaxSize)
}
