package profileapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strconv"
)

// A cursor is, in base64 for URLs, a digest and a key: the place of an item in
// the order of its list. The digest is of the key and of all that makes the list
// another: it tells a cursor of another list from one of this, and one that was
// altered. It is no signature; see "Pages" in the package comment.
const digestSize = 16

// cursor returns the cursor of the page after the item of a key.
func (l *list) cursor(key string) string {
	return base64.RawURLEncoding.EncodeToString(append(l.digest(key), key...))
}

// after returns the key in the query's cursor. It is empty if there is none, and
// may be empty if there is one.
func (l *list) after() (key string, err error) {
	if l.next == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(l.next)
	if err != nil || len(b) < digestSize {
		return "", errCursor
	}
	// The text is compared, not the bytes, as several texts decode to the same.
	if key = string(b[digestSize:]); l.cursor(key) == l.next {
		return key, nil
	}
	return "", errCursor
}

func (l *list) digest(key string) []byte {
	text := []byte("muster profile API cursor 2")
	parts := []string{
		l.ref.Subject.String(), l.ref.ID, string(l.Resource), string(l.class),
		l.order(), timeParameter(l.start), timeParameter(l.end), strconv.Itoa(len(l.include)),
	}
	for _, part := range slices.Concat(parts, l.include, l.exclude) {
		text = binary.AppendUvarint(text, uint64(len(part)))
		text = append(text, part...)
	}
	sum := sha256.Sum256(append(text, key...))
	return sum[:digestSize]
}
