package csvexport

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// A normaliser appends the normal form of a value; ok is false if it has none.
type normaliser func(b []byte, value string) (normal []byte, ok bool)

// normaliserOf returns that of an external id type: the values of types other
// than these two stay as they are.
func normaliserOf(idType string) normaliser {
	switch idType {
	case "email":
		return appendEmail
	case "phone":
		return appendPhone
	}
	return appendAsIs
}

func appendAsIs(b []byte, value string) ([]byte, bool) { return append(b, value...), true }

// appendEmail appends an address in lower case, without white space around it.
// One of white space alone has no normal form.
func appendEmail(b []byte, value string) ([]byte, bool) {
	value = strings.TrimSpace(value)
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
	return b, value != ""
}

// E.164 has 15 digits at most; what is shorter than 7 is a number that only a
// network of its own connects.
const minPhone, maxPhone = 7, 15

// appendPhone appends the digits of an international number, without the plus.
// What separates them goes, and so do a plus or 00 in front, and a "(0)", the
// zero that is dialled within a country only.
func appendPhone(b []byte, value string) ([]byte, bool) {
	start := len(b)
	value = strings.TrimSpace(value)
	if rest, plus := strings.CutPrefix(value, "+"); plus {
		value = rest
	} else {
		value = strings.TrimPrefix(value, "00")
	}
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case '0' <= c && c <= '9':
			b = append(b, c)
		case len(b) > start && strings.HasPrefix(value[i:], "(0)"):
			i += len("(0)") - 1
		case strings.IndexByte(" -./()", c) < 0:
			return b[:start], false
		}
	}
	n := len(b) - start
	if n < minPhone || n > maxPhone || b[start] == '0' {
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
