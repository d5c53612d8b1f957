package csvexport

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A normaliser appends the normal form of a value; ok is false if it has none.
type normaliser func(b []byte, value string) (normal []byte, ok bool)

func appendAsIs(b []byte, value string) ([]byte, bool) { return append(b, value...), true }

// appendEmail appends an address in lower case, without white space around it. A
// text that is no address, with something on either side of one @ and no white
// space, has no normal form.
func appendEmail(b []byte, value string) ([]byte, bool) {
	value = strings.TrimSpace(value)
	at := strings.IndexByte(value, '@')
	if at <= 0 || at == len(value)-1 || strings.LastIndexByte(value, '@') != at || strings.IndexFunc(value, unicode.IsSpace) >= 0 {
		return b, false
	}
	start := len(b)
	for i := range len(value) {
		c := value[i]
		if c >= utf8.RuneSelf {
			return append(b[:start], strings.ToLower(value)...), true
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b, true
}

// appendGoogleEmail is appendEmail, for which all names of one mailbox at Google are
// one.
func appendGoogleEmail(b []byte, value string) ([]byte, bool) {
	start := len(b)
	b, ok := appendEmail(b, value)
	if !ok {
		return b, false
	}
	name, domain, _ := strings.Cut(string(b[start:]), "@")
	if domain != "gmail.com" && domain != "googlemail.com" {
		return b, true
	}
	name, _, _ = strings.Cut(name, "+")
	if name = strings.ReplaceAll(name, ".", ""); name == "" {
		return b[:start], false
	}
	return append(append(append(b[:start], name...), '@'), domain...), true
}

// appendName appends a name in lower case, without white space around it.
func appendName(b []byte, value string) ([]byte, bool) {
	value = strings.ToLower(strings.TrimSpace(value))
	return append(b, value...), value != ""
}

// appendLetters appends the letters, marks and digits of a name in lower case.
func appendLetters(b []byte, value string) ([]byte, bool) {
	start := len(b)
	for _, r := range strings.ToLower(value) {
		if unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) {
			b = utf8.AppendRune(b, r)
		}
	}
	return b, len(b) > start
}

// E.164 has 15 digits at most; what is shorter than 7 is a number that only a
// network of its own connects.
const minPhone, maxPhone = 7, 15

// appendPhone appends the digits of a phone, country code first, after a plus if
// that is wanted. What separates digits goes, and so do a plus or 00 in front, and a
// "(0)", the zero that is dialled within a country only. A number with neither a plus
// nor 00 in front is a national one: it gets the calling code, in the place of the 0
// with which it begins (or in North America of the 1), and without a calling code
// has no normal form.
func appendPhone(b []byte, value, callingCode string, plus bool) ([]byte, bool) {
	start := len(b)
	if plus {
		b = append(b, '+')
	}
	first := len(b)
	value = strings.TrimSpace(value)
	if rest, is := strings.CutPrefix(value, "+"); is {
		value = rest
	} else if rest, is := strings.CutPrefix(value, "00"); is {
		value = rest
	} else {
		if callingCode == "" {
			return b[:start], false
		}
		b = append(b, callingCode...)
		trunk := "0"
		if callingCode == "1" {
			trunk = "1"
		}
		value = strings.TrimPrefix(strings.TrimPrefix(value, "(0)"), trunk)
	}
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case '0' <= c && c <= '9':
			b = append(b, c)
		case len(b) > first && strings.HasPrefix(value[i:], "(0)"):
			i += len("(0)") - 1
		case strings.IndexByte(" -./()", c) < 0:
			return b[:start], false
		}
	}
	n := len(b) - first
	if n < minPhone || n > maxPhone || b[first] == '0' {
		return b[:start], false
	}
	return b, true
}

// hexDigits has the two digits of each byte, the first in the lower half.
var hexDigits = func() (table [256]uint16) {
	const digits = "0123456789abcdef"
	for i := range table {
		table[i] = uint16(digits[i>>4]) | uint16(digits[i&0xf])<<8
	}
	return table
}()

// appendHash appends the SHA-256 of a value in lower-case hex.
func appendHash(b, value []byte) []byte {
	sum := sha256.Sum256(value)
	var text [2 * sha256.Size]byte
	for i, c := range sum {
		binary.LittleEndian.PutUint16(text[2*i:], hexDigits[c])
	}
	return append(b, text[:]...)
}
